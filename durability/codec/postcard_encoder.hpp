#pragma once

// The bytes of one value on their way into the caller's buffer.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "durability/base/bytes.hpp"
#include "durability/base/result.hpp"
#include "durability/codec/postcard_varint.hpp"

namespace durability {

/// How many sequences, maps, boxes (std::unique_ptr) and types with a hook may stand inside each other.
inline constexpr unsigned kPostcardMaxDepth = 128;

/// How many items without a byte of their own (units in a vector) one value may hold: no input pays
/// for them.
inline constexpr std::uint64_t kPostcardMaxEmptyItems = 65'536;

/// How many comparisons, of up to 8 bytes of a key each, the keys that share buckets of unordered containers
/// may cost in one value: so many in any, and so many more for each byte of it.
inline constexpr std::uint64_t kPostcardMaxComparisons = std::uint64_t{1} << 22U;
inline constexpr std::uint64_t kPostcardMaxComparisonsPerByte = 8;

/// Appends to a buffer; what a PostcardTraits specialisation gets to write with. Unless finish() is
/// called the destructor gives the buffer its former size back. The buffer must outlive the encoder,
/// and what is encoded must not lie in it.
class PostcardEncoder {
 public:
  explicit PostcardEncoder(Bytes& out) noexcept : out_(out), start_(out.size()) {}
  ~PostcardEncoder();
  PostcardEncoder(const PostcardEncoder&) = delete;
  PostcardEncoder& operator=(const PostcardEncoder&) = delete;

  /// Appends one value. `encode` where it has no encoding; then what was begun must be given up.
  template <class T>
  Status encode(const T& value);

  // What follows is for the rules in postcard_*.hpp. They answer false after fail(), which keeps the
  // error: a Status for every field would cost more than the field.

  /// Keeps what was appended.
  void finish();
  [[nodiscard]] Error take_error() { return *std::move(error_); }

  bool fail(std::string message);
  bool fail(Error error);

  /// Bytes written so far, this value's and what was there before it.
  [[nodiscard]] std::size_t position() const noexcept { return out_.size() + scratch_size(); }

  void put_byte(std::byte byte) {
    if (room() == 0) flush();
    *cursor_++ = byte;
  }

  template <class U>
  void put_varint(U value) {
    if (room() < internal::kMaxVarintBytes<U>) flush();
    cursor_ = internal::write_varint(cursor_, value);
  }

  void put_bytes(const void* from, std::size_t size) {
    if (room() < size) return put_long(from, size);
    if (size != 0) std::memcpy(cursor_, from, size);
    cursor_ += size;
  }

  /// Around whatever can contain its own type.
  bool enter() { return ++depth_ <= kPostcardMaxDepth || fail_too_deep(); }
  void leave() noexcept { --depth_; }

  /// After each item of a sequence: `start` is the position where it began.
  bool count_item(std::size_t start) {
    return position() != start || ++empty_items_ <= kPostcardMaxEmptyItems || fail_too_many_empty();
  }

  /// Beside each key of an unordered container: what inserting it will cost a decoder at most.
  bool compare(std::uint64_t comparisons) {
    comparisons_ += comparisons;
    return comparisons_ <= kPostcardMaxComparisons + kPostcardMaxComparisonsPerByte * (position() - start_) ||
           fail_too_many_comparisons();
  }

 private:
  [[nodiscard]] std::size_t scratch_size() const noexcept {
    return static_cast<std::size_t>(cursor_ - scratch_.data());
  }
  [[nodiscard]] std::size_t room() const noexcept { return scratch_.size() - scratch_size(); }
  void flush();
  void put_long(const void* from, std::size_t size);
  bool fail_too_deep();
  bool fail_too_many_empty();
  bool fail_too_many_comparisons();

  // Fields are stored here through a pointer and reach the buffer together: most entries in one piece.
  std::array<std::byte, 256> scratch_;
  std::byte* cursor_ = scratch_.data();
  Bytes& out_;
  std::size_t start_;
  std::uint64_t empty_items_ = 0;
  std::uint64_t comparisons_ = 0;
  unsigned depth_ = 0;
  bool finished_ = false;
  std::optional<Error> error_;
};

}  // namespace durability
