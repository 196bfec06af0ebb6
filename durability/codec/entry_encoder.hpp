#pragma once

#include <iterator>
#include <span>
#include <vector>

#include "durability/codec/codec.hpp"

namespace durability::internal {

/// Encodes entries one after the other into memory that is used again, and hands out their payloads, which
/// live until the next call.
template <class E, class Codec>
class EntryEncoder {
 public:
  Result<ByteView> encode(const E& entry) {
    scratch_.clear();
    DURABILITY_TRY(Codec::template encode<E>(entry, scratch_));
    return ByteView(scratch_);
  }

  template <std::ranges::input_range Range>
  Result<std::span<const ByteView>> encode_all(const Range& entries) {
    scratch_.clear();
    ends_.clear();
    for (const E& entry : entries) {
      DURABILITY_TRY(Codec::template encode<E>(entry, scratch_));
      ends_.push_back(scratch_.size());
    }
    payloads_.clear();
    std::size_t begin = 0;
    for (const std::size_t end : ends_) {
      payloads_.push_back(ByteView(scratch_).subspan(begin, end - begin));
      begin = end;
    }
    return std::span<const ByteView>(payloads_);
  }

 private:
  Bytes scratch_;
  std::vector<std::size_t> ends_;
  std::vector<ByteView> payloads_;
};

}  // namespace durability::internal
