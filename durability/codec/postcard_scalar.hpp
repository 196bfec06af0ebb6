#pragma once

// bool, integers, floats, char32_t (Rust's char), C++ enums (enums of unit variants) and the unit.

#include <bit>
#include <boost/locale/utf.hpp>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <variant>

#include "durability/codec/postcard_rule.hpp"
#include "durability/codec/utf8.hpp"

namespace durability::internal {

/// Types whose encoding is their memory, so that a run of them is copied at once.
template <class T>
concept FixedWidth = std::same_as<T, std::byte> || std::same_as<T, float> || std::same_as<T, double> ||
                     (Integer<T> && sizeof(T) == 1);
static_assert(std::numeric_limits<float>::is_iec559 && std::numeric_limits<double>::is_iec559);

template <FixedWidth T>
struct PostcardRule<T> {
  static consteval std::size_t min_bytes() { return sizeof(T); }
  static bool encode(T value, PostcardEncoder& encoder) {
    encoder.put_bytes(&value, sizeof value);
    return true;
  }
  static bool decode(T& target, PostcardDecoder& decoder) {
    ByteView bytes;
    if (!decoder.take_bytes(sizeof target, bytes)) return false;
    std::memcpy(&target, bytes.data(), sizeof target);
    return true;
  }
};

template <Integer T>
  requires(sizeof(T) > 1)
struct PostcardRule<T> {
  using Unsigned = UnsignedOfSize<sizeof(T)>;

  static consteval std::size_t min_bytes() { return 1; }
  static bool encode(T value, PostcardEncoder& encoder) {
    if constexpr (kIsSigned<T>) {
      encoder.put_varint(zigzag(value));
    } else {
      encoder.put_varint(static_cast<Unsigned>(value));
    }
    return true;
  }
  static bool decode(T& target, PostcardDecoder& decoder) {
    Unsigned value = 0;
    if (!decoder.take_varint(value)) return false;
    if constexpr (kIsSigned<T>) {
      target = unzigzag<T>(value);
    } else {
      target = value;
    }
    return true;
  }
};

template <>
struct PostcardRule<bool> {
  static consteval std::size_t min_bytes() { return 1; }
  static bool encode(bool value, PostcardEncoder& encoder) {
    encoder.put_byte(value ? std::byte{1} : std::byte{0});
    return true;
  }
  static bool decode(bool& target, PostcardDecoder& decoder) {
    std::byte byte{};
    if (!decoder.take_byte(byte)) return false;
    if (byte > std::byte{1}) return decoder.fail_at(decoder.position() - 1, "a bool that is neither 0 nor 1");
    target = byte == std::byte{1};
    return true;
  }
};

/// A length and up to four bytes of UTF-8. The crate takes the first character of a longer text that
/// fits in four bytes, and so does this.
template <>
struct PostcardRule<char32_t> {
  using Utf8 = boost::locale::utf::utf_traits<char>;

  static consteval std::size_t min_bytes() { return 2; }
  static bool encode(char32_t value, PostcardEncoder& encoder) {
    const auto point = static_cast<boost::locale::utf::code_point>(value);
    if (!boost::locale::utf::is_valid_codepoint(point)) {
      return encoder.fail("a char32_t that is no Unicode scalar value");
    }
    char text[Utf8::max_width];
    const auto length = static_cast<std::size_t>(Utf8::encode(point, text) - text);
    encoder.put_byte(static_cast<std::byte>(length));
    encoder.put_bytes(text, length);
    return true;
  }
  static bool decode(char32_t& target, PostcardDecoder& decoder) {
    const std::size_t start = decoder.position();
    std::uint64_t length = 0;
    ByteView bytes;
    if (!decoder.take_varint(length)) return false;
    if (length == 0 || length > Utf8::max_width)
      return decoder.fail_at(start, "a char that is not 1 to 4 bytes long");
    if (!decoder.take_bytes(length, bytes)) return false;
    const std::string_view text = as_text(bytes);
    if (!is_utf8(text)) return decoder.fail_at(start, "a char that is not UTF-8");
    const char* at = text.data();
    target = Utf8::decode(at, at + text.size());
    return true;
  }
};

template <>
struct PostcardRule<std::monostate> {
  static consteval std::size_t min_bytes() { return 0; }
  static bool encode(std::monostate, PostcardEncoder&) { return true; }
  static bool decode(std::monostate&, PostcardDecoder&) { return true; }
};

/// The enumerator's value stands for the index of Rust's unit variant. Any value that the underlying
/// type holds is decoded: C++ does not know which ones are declared. Where that matters, switch over
/// them in a PostcardTraits.
template <class T>
  requires std::is_enum_v<T> && (!std::same_as<T, std::byte>)
struct PostcardRule<T> {
  using Underlying = std::underlying_type_t<T>;
  static_assert(
      requires { T{0}; },
      "Postcard: give this enum an underlying type (enum class, or enum E : std::uint32_t), so that "
      "every value can be held; or specialise durability::PostcardTraits for it");
  static constexpr std::uint64_t kMax =
      std::min<std::uint64_t>(static_cast<std::uint64_t>(std::numeric_limits<Underlying>::max()),
                              std::numeric_limits<std::uint32_t>::max());

  static consteval std::size_t min_bytes() { return 1; }
  static bool encode(T value, PostcardEncoder& encoder) {
    const auto number = static_cast<Underlying>(value);
    const auto index = static_cast<std::uint64_t>(number);
    if (index > kMax)
      return encoder.fail("an enumerator below 0 or above 2^32 - 1");  // below 0 is above kMax
    encoder.put_varint(static_cast<std::uint32_t>(index));
    return true;
  }
  static bool decode(T& target, PostcardDecoder& decoder) {
    const std::size_t start = decoder.position();
    std::uint32_t index = 0;
    if (!decoder.take_varint(index)) return false;
    if (index > kMax) return decoder.fail_at(start, "an enumerator greater than its underlying type holds");
    target = static_cast<T>(static_cast<Underlying>(index));
    return true;
  }
};

}  // namespace durability::internal
