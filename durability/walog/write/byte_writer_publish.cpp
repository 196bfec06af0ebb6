// The log's part in publishing: publication.hpp.

#include <algorithm>

#include "durability/walog/write/byte_writer.hpp"

namespace durability::walog {

Status ByteWriter::begin_publication() {
  DURABILITY_TRY(usable());
  if (publishing_) {
    return Error(ErrorCode::kInvalidState, "a publication of this log is under way")
        .in_file(kWalDirectory)
        .advise("nothing was changed; publish when it is over");
  }
  publishing_ = true;
  return {};
}

Status ByteWriter::may_publish(DurableId upto) {
  DURABILITY_TRY(usable());
  DURABILITY_TRY(check_lock());
  DURABILITY_TRY(check_proof(upto));
  if (upto.entry() < published_) {
    return Error(
               ErrorCode::kInvalidState,
               fmt::format("the state after entry {} is published already, which is newer than that after {}",
                           published_, upto))
        .in_file(kWalDirectory)
        .with_values(published_.value(), upto.value())
        .advise("nothing was changed, and nothing needs to be done");
  }
  const EntryId first = old_.empty() ? segment_.header().start : old_.front().range.first;
  if (first.value() > upto.value() + 1) {
    return Error(ErrorCode::kTruncatedAway,
                 fmt::format("entries {} to {} are no longer in the log: nothing could be replayed after {}",
                             upto.value() + 1, first.value() - 1, upto))
        .in_file(kWalDirectory)
        .with_values(first.value() - 1, upto.value())
        .advise("nothing was changed; publish the state of a newer entry");
  }
  return {};
}

void ByteWriter::published(DurableId upto) noexcept { published_ = std::max(published_, upto.entry()); }

}  // namespace durability::walog
