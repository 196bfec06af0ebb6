#pragma once

// Bytes and little-endian integers. Every integer in every format of this library is little-endian.

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace durability {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;
using MutableByteView = std::span<std::byte>;

/// The bytes of a text; the view lives as long as the text does.
[[nodiscard]] inline ByteView as_bytes(std::string_view text) noexcept {
  return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

/// The bytes as characters; the view lives as long as the bytes do.
[[nodiscard]] inline std::string_view as_text(ByteView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

static_assert(std::endian::native == std::endian::little,
              "load_le and store_le copy bytes as they lie; port them before building here");

/// Reads an integer at `offset`; the caller has checked that `bytes` reaches that far.
template <std::unsigned_integral T>
[[nodiscard]] T load_le(ByteView bytes, std::size_t offset) noexcept {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

/// Writes an integer at `offset`; the caller has checked that `bytes` reaches that far.
template <std::unsigned_integral T>
void store_le(MutableByteView bytes, std::size_t offset, T value) noexcept {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

/// True where every byte is zero; true for none.
[[nodiscard]] bool all_zeros(ByteView bytes) noexcept;

/// Index of the last byte that is not zero, plus one; 0 where there is none.
[[nodiscard]] std::size_t length_without_trailing_zeros(ByteView bytes) noexcept;

/// `value` rounded up to a multiple of 8, the alignment of version-4 frames.
[[nodiscard]] constexpr std::uint64_t align8(std::uint64_t value) noexcept {
  return (value + 7) & ~std::uint64_t{7};
}

}  // namespace durability
