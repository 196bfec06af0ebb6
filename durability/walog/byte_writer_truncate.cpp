// Dropping what a checkpoint covers. The order is the protocol:
//
//   1. write the active segment's header if it is not written, which waits for a seal's sync in flight
//   2. sync the segment even if it is: once its predecessors are gone, the header is all that says where the
//      log begins
//   3. delete the oldest segment, sync the directory; then the next: names may be lost in any order, and
//      deleting 1 and 2 in one go can leave 1 and 3
//
// A crash at any point leaves a contiguous suffix of the log.

#include <utility>

#include "durability/walog/byte_writer.hpp"

namespace durability::walog {
namespace {

bool covered(const SegmentRange& range, DurableId upto) noexcept {
  return range.first.value() + range.entries <= upto.value() + 1;
}

}  // namespace

Result<DurableId> ByteWriter::durable_up_to(EntryId id) const {
  if (stable() && id <= durable_->get()) return internal::DurableIdIssuer::issue(id);
  return Error(ErrorCode::kInvalidState, fmt::format("entry {} is not known to be durable in this log", id))
      .in_file(kWalDirectory)
      .with_values(durable_->get().value(), id.value())
      .advise("nothing was changed; flush_and_sync, or use an id that it returned");
}

Result<WalTruncation> ByteWriter::truncate_prefix(DurableId upto) {
  DURABILITY_TRY(usable());
  DURABILITY_TRY(durable_up_to(upto.entry()));
  if (old_.empty() || !covered(old_.front().range, upto)) return WalTruncation();
  return poisoned_by_exceptions([&] { return delete_covered(upto); });
}

Result<WalTruncation> ByteWriter::delete_covered(DurableId upto) {
  WalTruncation truncation;
  DURABILITY_TRY(poison_on_error(lock_->check()));
  DURABILITY_TRY(flush_segment());
  if (stable()) DURABILITY_TRY(sync_segment());
  while (!old_.empty() && covered(old_.front().range, upto)) {
    if (options_.observer && !options_.observer->before_truncate(old_.front().range)) {
      truncation.vetoed = true;
      break;
    }
    const SegmentRange range = old_.front().range;
    DURABILITY_TRY(delete_oldest());
    truncation.deleted.push_back(range);
  }
  return truncation;
}

Status ByteWriter::delete_oldest() {
  DURABILITY_TRY_ASSIGN(auto recyclable, retire(old_.front()));
  old_.erase(old_.begin());
  if (stable()) DURABILITY_TRY(poison_on_error(directory_->sync_directory(kWalDirectory)));
  // Only now may its bytes be overwritten: until its name is durably gone, a crash can bring it back.
  if (recyclable) background_->offer_recycled(*std::move(recyclable));
  return {};
}

Result<std::optional<std::string>> ByteWriter::retire(const OldSegment& old) {
  const std::string path = segment_path(old.range.segment);
  const bool ours = old.format == WalFormat::kV4 && segment_.format() == WalFormat::kV4 &&
                    old.log_id == segment_.header().log_id;
  if (!ours || background_->recycled() >= options_.recycle_segments) {
    DURABILITY_TRY(directory_->remove(path));
    return std::optional<std::string>{};
  }
  std::string temporary = directory_->temporary_name(path);
  DURABILITY_TRY(directory_->rename(path, temporary));
  return std::optional(std::move(temporary));
}

}  // namespace durability::walog
