#include "durability/codec/postcard_encoder.hpp"

#include <utility>

namespace durability {

PostcardEncoder::~PostcardEncoder() {
  if (!finished_) out_.resize(start_);  // never longer than it is: cannot throw
}

void PostcardEncoder::finish() {
  flush();
  finished_ = true;
}

bool PostcardEncoder::fail(std::string message) {
  return fail(
      Error(ErrorCode::kEncode, std::move(message)).advise("nothing was encoded; the buffer is as it was"));
}

bool PostcardEncoder::fail(Error error) {
  error_ = std::move(error);
  return false;
}

bool PostcardEncoder::fail_too_deep() {
  return fail(fmt::format("nested deeper than {} levels, which no decoder here reads", kPostcardMaxDepth));
}

bool PostcardEncoder::fail_too_many_empty() {
  return fail(fmt::format("more than {} items without a byte of their own, which no decoder here reads",
                          kPostcardMaxEmptyItems));
}

bool PostcardEncoder::fail_too_many_comparisons() {
  return fail("keys of an unordered container with so many of the same hash that no decoder here reads them");
}

void PostcardEncoder::flush() {
  out_.insert(out_.end(), scratch_.data(), cursor_);
  cursor_ = scratch_.data();
}

void PostcardEncoder::put_long(const void* from, std::size_t size) {
  flush();
  if (size <= scratch_.size()) return put_bytes(from, size);
  const auto* bytes = static_cast<const std::byte*>(from);
  out_.insert(out_.end(), bytes, bytes + size);
}

}  // namespace durability
