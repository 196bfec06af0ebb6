#include "durability/codec/postcard_encoder.hpp"

#include <algorithm>
#include <utility>

namespace durability {

namespace {
// Zero-filling this much costs a few nanoseconds and covers most log entries.
constexpr std::size_t kChunk = 256;
}  // namespace

PostcardEncoder::~PostcardEncoder() {
  if (!finished_) out_.resize(start_);  // never longer than it is: cannot throw
}

void PostcardEncoder::finish() {
  out_.resize(position());
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

void PostcardEncoder::resize_to(std::size_t size, std::size_t used) {
  out_.resize(size);
  cursor_ = out_.data() + used;
  end_ = out_.data() + size;
}

void PostcardEncoder::grow(std::size_t size) {
  if (room() >= size) return;
  const std::size_t used = position();
  const std::size_t wanted = used + std::max(size, kChunk);
  const bool fits = used + size <= out_.capacity();  // then a reserved buffer is not moved
  resize_to(fits ? std::min(wanted, out_.capacity()) : wanted, used);
}

void PostcardEncoder::put_bytes_growing(const void* from, std::size_t size) {
  if (size < kChunk) {
    grow(size);
    std::memcpy(cursor_, from, size);
    cursor_ += size;
    return;
  }
  // Appended as they are: growing first would fill with zeros what is overwritten at once.
  const auto* bytes = static_cast<const std::byte*>(from);
  out_.resize(position());
  out_.insert(out_.end(), bytes, bytes + size);
  cursor_ = end_ = out_.data() + out_.size();
}

}  // namespace durability
