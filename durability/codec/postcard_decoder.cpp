#include "durability/codec/postcard_decoder.hpp"

#include <climits>
#include <utility>

namespace durability {

bool PostcardDecoder::fail_at(std::size_t start, std::string message) {
  return fail(Error(ErrorCode::kDecode, std::move(message))
                  .at_offset(start)
                  .advise("nothing was decoded; check that this is the type that was written"));
}

bool PostcardDecoder::fail(Error error) {
  if (!error.offset()) error.at_offset(position());
  error_ = std::move(error);
  return false;
}

bool PostcardDecoder::take_count(std::size_t min_item_bytes, std::uint64_t& count) {
  const std::size_t start = position();
  if (!take_varint(count)) return false;
  if (min_item_bytes == 0 || count <= remaining() / min_item_bytes) return true;
  return fail_at(start, fmt::format("a count of {} items of {} bytes or more, but {} bytes are left", count,
                                    min_item_bytes, remaining()));
}

bool PostcardDecoder::fail_truncated(std::uint64_t wanted) {
  return fail_at(position(), fmt::format("the payload ends inside a value: {} bytes are due, {} are left",
                                         wanted, remaining()));
}

bool PostcardDecoder::fail_varint(std::size_t start, std::size_t type_size) {
  return fail_at(start, fmt::format("a varint too great for an integer of {} bits", type_size * CHAR_BIT));
}

bool PostcardDecoder::fail_too_deep() {
  return fail_at(position(), fmt::format("nested deeper than {} levels", kPostcardMaxDepth));
}

bool PostcardDecoder::fail_too_many_empty() {
  return fail_at(position(),
                 fmt::format("more than {} items without a byte of their own", kPostcardMaxEmptyItems));
}

bool PostcardDecoder::fail_too_many_comparisons(std::size_t start) {
  return fail_at(start, "too many keys of an unordered container that share one hash");
}

}  // namespace durability
