// Dropping what a checkpoint covers. The order is the protocol:
//
//   1. write the active segment's header if it is not written, which waits for a seal's sync in flight
//   2. sync the segment even if it is: once its predecessors are gone, the header is all that says where the
//      log begins
//      (where there is no space to write it, the sealed segment before it stays, once its sync is through)
//   3. delete the oldest segment, sync the directory; then the next: names may be lost in any order, and
//      deleting 1 and 2 in one go can leave 1 and 3
//
// A crash at any point leaves a contiguous suffix of the log.
//
// While the disk is waited for (run_truncate) others may append, and rotate. What they seal is not deleted by
// this truncation, even if it is covered: step 2 was for the segment that was the newest when it began.

#include <utility>

#include "durability/walog/write/byte_writer.hpp"

namespace durability::walog {
namespace {

using Step = PendingTruncation::Step;

bool covered(const SegmentRange& range, DurableId upto) noexcept {
  return range.first.value() + range.entries <= upto.value() + 1;
}

}  // namespace

Result<DurableId> ByteWriter::durable_up_to(EntryId id) const {
  if (stable() && id <= durable_->get()) return durable(id);
  if (id >= next_entry_id()) {
    return Error(ErrorCode::kInvalidState, fmt::format("entry {} is past the end of the log", id))
        .in_file(kWalDirectory)
        .advise(fmt::format("nothing was changed; the next entry will be {}", next_entry_id()));
  }
  return Error(ErrorCode::kInvalidState, fmt::format("entry {} is not known to be durable in this log", id))
      .in_file(kWalDirectory)
      .with_values(durable_->get().value(), id.value())
      .advise("nothing was changed; flush_and_sync, or use an id that it returned");
}

Status ByteWriter::check_proof(DurableId proof) const {
  if (stable() && proof.log() != identity_) {
    return Error(ErrorCode::kInvalidConfig,
                 fmt::format("the proof that entry {} is durable is of another log", proof))
        .in_file(kWalDirectory)
        .advise("nothing was changed; use an id that this log returned");
  }
  return durable_up_to(proof.entry()).map([](DurableId) {});
}

Result<WalTruncation> ByteWriter::truncate_prefix(DurableId upto) {
  DURABILITY_TRY_ASSIGN(PendingTruncation pending, begin_truncate(upto));
  while (!pending.is_over()) DURABILITY_TRY(finish_truncate(pending, run_truncate(pending)));
  return std::move(pending.done);
}

Result<PendingTruncation> ByteWriter::begin_truncate(DurableId upto) {
  DURABILITY_TRY(usable());
  DURABILITY_TRY(check_proof(upto));
  PendingTruncation pending{.upto = upto};
  if (old_.empty() || !covered(old_.front().range, upto)) return pending;
  return poisoned_by_exceptions([&]() -> Result<PendingTruncation> {
    DURABILITY_TRY(check_lock());
    DURABILITY_TRY(choose_first_segment(pending));
    return std::move(pending);
  });
}

Status ByteWriter::run_truncate(const PendingTruncation& pending) const {
  return latch_->watch_exceptions([&]() -> Status {
    switch (pending.step) {
      case Step::kSyncSegment: return background_->sync(pending.newest, *pending.file);
      case Step::kDelete:
        return pending.recycled ? directory_->rename(pending.path, *pending.recycled)
                                : directory_->remove(pending.path);
      case Step::kSyncDirectory: return directory_->sync_directory(kWalDirectory);
      case Step::kOver: break;
    }
    return {};
  });
}

Status ByteWriter::finish_truncate(PendingTruncation& pending, Status ran) {
  return poisoned_by_exceptions([&] { return finish_step(pending, std::move(ran)); });
}

// The log's first segment from now on must be on the disk.
Status ByteWriter::choose_first_segment(PendingTruncation& pending) {
  if (segment_.entries() == 0) {
    const Status space = set_space_aside();
    if (!space && !latch_->failed()) {
      DURABILITY_TRY(background_->wait_for_seal());
      pending.newest = old_.back().range.segment;
      return choose_oldest(pending);
    }
  }
  DURABILITY_TRY(flush_segment());
  pending.newest = segment_id();
  if (!stable()) return choose_oldest(pending);
  pending.file = segment_.file();
  pending.step = Step::kSyncSegment;
  return {};
}

// A removal that failed may be tried again: it leaves a log as whole as it was. A sync may not.
Status ByteWriter::finish_step(PendingTruncation& pending, Status ran) {
  if (pending.step == Step::kSyncSegment) {
    DURABILITY_TRY(poison_on_error(std::move(ran)));
    return choose_oldest(pending);
  }
  if (pending.step == Step::kDelete) {
    DURABILITY_TRY(std::move(ran));
    DURABILITY_INVARIANT(old_.front().range.segment < pending.newest);
    pending.done.deleted.push_back(old_.front().range);
    old_.erase(old_.begin());
    pending.step = Step::kSyncDirectory;
    if (stable()) return {};
  } else {
    DURABILITY_TRY(poison_on_error(std::move(ran)));
  }
  // Only now may its bytes be overwritten: until its name is durably gone, a crash can bring it back.
  if (pending.recycled) background_->offer_recycled(*std::move(pending.recycled));
  return choose_oldest(pending);
}

Status ByteWriter::choose_oldest(PendingTruncation& pending) {
  pending.step = Step::kOver;
  if (old_.empty() || old_.front().range.segment >= pending.newest) return {};
  const SegmentRange& range = old_.front().range;
  if (!covered(range, pending.upto)) return {};
  DURABILITY_TRY(usable());  // others may have met a failure meanwhile
  if (options_.observer && !options_.observer->before_truncate(range)) {
    pending.done.vetoed = true;
    return {};
  }
  pending.path = segment_path(range.segment);
  pending.recycled = name_to_recycle(old_.front());
  pending.step = Step::kDelete;
  return {};
}

std::optional<std::string> ByteWriter::name_to_recycle(const OldSegment& old) const {
  const bool ours = old.format == WalFormat::kV4 && segment_.format() == WalFormat::kV4 &&
                    old.log_id == segment_.header().log_id;
  if (!ours || background_->recycled() >= options_.recycle_segments) return std::nullopt;
  return directory_->temporary_name(segment_path(old.range.segment));
}

}  // namespace durability::walog
