#pragma once

// The bytes of one value on their way out of a payload. Nothing in them is trusted: whatever they claim
// is checked against the bytes that are left before it is acted upon.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "durability/base/bytes.hpp"
#include "durability/base/result.hpp"
#include "durability/codec/postcard_encoder.hpp"
#include "durability/codec/postcard_varint.hpp"

namespace durability {

/// Reads from a span, which must outlive it; what a PostcardTraits specialisation gets to read with.
class PostcardDecoder {
 public:
  explicit PostcardDecoder(ByteView bytes) noexcept
      : begin_(bytes.data()),
        cursor_(begin_),
        end_(begin_ + bytes.size()),
        allowance_(bytes.size()),
        comparisons_left_(kPostcardMaxComparisons + kPostcardMaxComparisonsPerByte * bytes.size()) {}

  /// Reads one value. `decode` where the bytes are none, with the offset in the payload; the payload is
  /// then to be given up: where the decoder stands is unspecified.
  template <class T>
  Result<T> decode();

  // What follows is for the rules in postcard_*.hpp, as in PostcardEncoder.

  [[nodiscard]] Error take_error() { return *std::move(error_); }

  /// `start`: where in the payload the refused bytes begin.
  bool fail_at(std::size_t start, std::string message);
  bool fail(Error error);

  [[nodiscard]] std::size_t position() const noexcept { return static_cast<std::size_t>(cursor_ - begin_); }
  [[nodiscard]] std::size_t remaining() const noexcept { return static_cast<std::size_t>(end_ - cursor_); }

  bool take_byte(std::byte& byte) {
    if (cursor_ == end_) return fail_truncated(1);
    byte = *cursor_++;
    return true;
  }

  /// A view of the next `size` bytes of the input.
  bool take_bytes(std::uint64_t size, ByteView& bytes) {
    if (size > remaining()) return fail_truncated(size);
    bytes = ByteView(cursor_, static_cast<std::size_t>(size));
    cursor_ += size;
    return true;
  }

  template <class U>
  bool take_varint(U& value) {
    if (cursor_ != end_ && *cursor_ < std::byte{0x80}) {
      value = static_cast<U>(*cursor_++);
      return true;
    }
    return take_long_varint(value);
  }

  /// The count before a sequence whose items take at least `min_item_bytes` each.
  bool take_count(std::size_t min_item_bytes, std::uint64_t& count);

  /// How many of `count` items of `item_size` bytes of memory to reserve room for: over one whole
  /// value, no more memory than the input has bytes. What lies beyond grows as items turn up.
  std::size_t grant(std::uint64_t count, std::size_t item_size) noexcept {
    const auto items = static_cast<std::size_t>(std::min<std::uint64_t>(count, allowance_ / item_size));
    allowance_ -= items * item_size;
    return items;
  }

  bool enter() { return ++depth_ <= kPostcardMaxDepth || fail_too_deep(); }
  void leave() noexcept { --depth_; }
  bool count_item(std::size_t start) {
    return position() != start || ++empty_items_ <= kPostcardMaxEmptyItems || fail_too_many_empty();
  }

  /// Before a key, which begins at `start`, is compared with others. See kPostcardMaxComparisons.
  bool compare(std::uint64_t comparisons, std::size_t start) {
    if (comparisons > comparisons_left_) return fail_too_many_comparisons(start);
    comparisons_left_ -= comparisons;
    return true;
  }
  [[nodiscard]] std::uint64_t comparisons_left() const noexcept { return comparisons_left_; }

 private:
  // As the crate does: longer than need be is fine (80 00 is a zero), longer or greater than the type is not.
  template <class U>
  bool take_long_varint(U& value) {
    const std::size_t start = position();
    U result = 0;
    for (std::size_t index = 0; index < internal::kMaxVarintBytes<U>; ++index) {
      std::byte byte{};
      if (!take_byte(byte)) return false;
      const auto bits = std::to_integer<unsigned>(byte);
      result = static_cast<U>(result | static_cast<U>(static_cast<U>(bits & 0x7FU) << (7 * index)));
      if (bits >= 0x80) continue;
      if (index + 1 == internal::kMaxVarintBytes<U> && bits > internal::kMaxLastByte<U>) break;
      value = result;
      return true;
    }
    return fail_varint(start, sizeof(U));
  }

  bool fail_truncated(std::uint64_t wanted);
  bool fail_varint(std::size_t start, std::size_t type_size);
  bool fail_too_deep();
  bool fail_too_many_empty();
  bool fail_too_many_comparisons(std::size_t start);

  const std::byte* begin_;
  const std::byte* cursor_;
  const std::byte* end_;
  std::size_t allowance_;
  std::uint64_t comparisons_left_;
  std::uint64_t empty_items_ = 0;
  unsigned depth_ = 0;
  std::optional<Error> error_;
};

}  // namespace durability
