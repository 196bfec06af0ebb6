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
// The disk is waited for aside: others may append meanwhile, and rotate. What they seal is not deleted by
// this truncation, even if it is covered: step 2 was for the segment that was the newest when it began.

#include <utility>

#include "durability/walog/write/byte_writer.hpp"

namespace durability::walog {
namespace {

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

Result<WalTruncation> ByteWriter::truncate_prefix(DurableId upto, const Aside& aside) {
  DURABILITY_TRY(usable());
  DURABILITY_TRY(check_proof(upto));
  if (old_.empty() || !covered(old_.front().range, upto)) return WalTruncation();
  return poisoned_by_exceptions([&] { return delete_covered(upto, aside); });
}

Result<WalTruncation> ByteWriter::delete_covered(DurableId upto, const Aside& aside) {
  WalTruncation truncation;
  DURABILITY_TRY(check_lock());
  DURABILITY_TRY_ASSIGN(const SegmentId newest, make_first_segment_durable(aside));
  while (!old_.empty() && old_.front().range.segment < newest && covered(old_.front().range, upto)) {
    DURABILITY_TRY(usable());  // others may have met a failure meanwhile
    const SegmentRange range = old_.front().range;
    if (options_.observer && !options_.observer->before_truncate(range)) {
      truncation.vetoed = true;
      break;
    }
    DURABILITY_TRY(delete_oldest(aside));
    truncation.deleted.push_back(range);
  }
  return truncation;
}

// The newest segment that may be the log's first one when this returns.
Result<SegmentId> ByteWriter::make_first_segment_durable(const Aside& aside) {
  if (segment_.entries() == 0) {
    const Status space = set_space_aside();
    if (!space && !latch_->failed()) {
      DURABILITY_TRY(background_->wait_for_seal());
      return old_.back().range.segment;
    }
  }
  DURABILITY_TRY(flush_segment());
  const SegmentId newest = segment_id();
  const std::shared_ptr<File> file = segment_.file();
  if (stable()) DURABILITY_TRY(poison_on_error(aside([&] { return background_->sync(newest, *file); })));
  return newest;
}

Status ByteWriter::delete_oldest(const Aside& aside) {
  const std::string path = segment_path(old_.front().range.segment);
  std::optional<std::string> recyclable = name_to_recycle(old_.front());
  DURABILITY_TRY(
      aside([&] { return recyclable ? directory_->rename(path, *recyclable) : directory_->remove(path); }));
  old_.erase(old_.begin());
  if (stable()) {
    DURABILITY_TRY(poison_on_error(aside([&] { return directory_->sync_directory(kWalDirectory); })));
  }
  // Only now may its bytes be overwritten: until its name is durably gone, a crash can bring it back.
  if (recyclable) background_->offer_recycled(*std::move(recyclable));
  return {};
}

std::optional<std::string> ByteWriter::name_to_recycle(const OldSegment& old) const {
  const bool ours = old.format == WalFormat::kV4 && segment_.format() == WalFormat::kV4 &&
                    old.log_id == segment_.header().log_id;
  if (!ours || background_->recycled() >= options_.recycle_segments) return std::nullopt;
  return directory_->temporary_name(segment_path(old.range.segment));
}

}  // namespace durability::walog
