#pragma once

// Integers as postcard writes them: seven bits a byte, least significant first, the high bit set on
// every byte but the last (LEB128); signed ones zigzag first, so that -1 is as short as 1.

#include <array>
#include <climits>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace durability {

// The compilers' 128-bit integers; Rust's i128 and u128.
__extension__ using Int128 = __int128;
__extension__ using Uint128 = unsigned __int128;

namespace internal {

template <class T, class... Options>
concept OneOf = (std::same_as<T, Options> || ...);

template <class T>
concept CharacterType = OneOf<T, char, wchar_t, char8_t, char16_t, char32_t>;

template <class T>
concept Integer = OneOf<T, Int128, Uint128> ||
                  (std::integral<T> && !std::same_as<T, bool> && !CharacterType<T> && !std::is_const_v<T>);

// std::make_unsigned and std::is_signed leave the 128-bit integers out in strict C++20.
template <Integer T>
inline constexpr bool kIsSigned = T(-1) < T(0);

template <std::size_t Size>
using UnsignedOfSize = std::conditional_t<
    Size == 1, std::uint8_t,
    std::conditional_t<
        Size == 2, std::uint16_t,
        std::conditional_t<Size == 4, std::uint32_t, std::conditional_t<Size == 8, std::uint64_t, Uint128>>>>;

template <Integer T>
[[nodiscard]] constexpr auto zigzag(T value) noexcept {
  using U = UnsignedOfSize<sizeof(T)>;
  const auto sign = value < 0 ? static_cast<U>(~U{0}) : U{0};
  return static_cast<U>(static_cast<U>(static_cast<U>(value) << 1) ^ sign);
}

template <Integer T>
[[nodiscard]] constexpr T unzigzag(UnsignedOfSize<sizeof(T)> value) noexcept {
  using U = UnsignedOfSize<sizeof(T)>;
  const auto sign = (value & 1) != 0 ? static_cast<U>(~U{0}) : U{0};
  return static_cast<T>(static_cast<U>(value >> 1) ^ sign);
}

/// 3, 5, 10 and 19 bytes for 16, 32, 64 and 128 bits.
template <class U>
inline constexpr std::size_t kMaxVarintBytes = (sizeof(U) * CHAR_BIT + 6) / 7;

/// The greatest last byte of a varint of full length: what is left of the type's bits.
template <class U>
inline constexpr unsigned kMaxLastByte = (1U << (sizeof(U) * CHAR_BIT % 7)) - 1;

/// Writes at most kMaxVarintBytes<U>; returns where the varint ends.
template <class U>
std::byte* write_varint(std::byte* to, U value) noexcept {
  while (value >= 0x80) {
    *to++ = static_cast<std::byte>(static_cast<unsigned>(value & 0x7F) | 0x80U);
    value = static_cast<U>(value >> 7);
  }
  *to++ = static_cast<std::byte>(value);
  return to;
}

}  // namespace internal
}  // namespace durability
