#pragma once

// std::optional, std::variant (a Rust enum) and std::unique_ptr (a Box: what lets a type contain itself).

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "durability/codec/postcard_rule.hpp"

namespace durability::internal {

// None of these asks for the least size of what it holds: that may be the very type that is asking.

template <class T>
struct PostcardRule<std::optional<T>> {
  static consteval std::size_t min_bytes() { return 1; }

  static bool encode(const std::optional<T>& value, PostcardEncoder& encoder) {
    encoder.put_byte(value ? std::byte{1} : std::byte{0});
    return !value || encode_value(*value, encoder);
  }
  static bool decode(std::optional<T>& target, PostcardDecoder& decoder) {
    std::byte tag{};
    if (!decoder.take_byte(tag)) return false;
    if (tag > std::byte{1})
      return decoder.fail_at(decoder.position() - 1, "an option that is neither 0 nor 1");
    if (tag == std::byte{0}) {
      target.reset();
      return true;
    }
    if (!target) target.emplace();
    return decode_value(*target, decoder);
  }
};

/// The index of the alternative, then its fields: std::monostate or an empty struct is a unit variant,
/// a struct or a tuple the variant of its fields, anything else a newtype variant.
template <class... Alternatives>
struct PostcardRule<std::variant<Alternatives...>> {
  using Variant = std::variant<Alternatives...>;

  static consteval std::size_t min_bytes() { return 1; }

  static bool encode(const Variant& value, PostcardEncoder& encoder) {
    if (value.valueless_by_exception()) return encoder.fail("a variant without a value");
    encoder.put_varint(static_cast<std::uint32_t>(value.index()));
    return std::visit([&](const auto& alternative) { return encode_value(alternative, encoder); }, value);
  }

  static bool decode(Variant& target, PostcardDecoder& decoder) {
    const std::size_t start = decoder.position();
    std::uint32_t index = 0;
    if (!decoder.take_varint(index)) return false;
    if (index >= sizeof...(Alternatives)) {
      return decoder.fail_at(start,
                             fmt::format("variant {} of {}, counted from 0", index, sizeof...(Alternatives)));
    }
    return [&]<std::size_t... Index>(std::index_sequence<Index...>) {
      bool ok = false;
      static_cast<void>(((index == Index && (ok = decode_alternative<Index>(target, decoder), true)) || ...));
      return ok;
    }(std::index_sequence_for<Alternatives...>{});
  }

 private:
  template <std::size_t Index>
  static bool decode_alternative(Variant& target, PostcardDecoder& decoder) {
    if (target.index() != Index) target.template emplace<Index>();
    return decode_value(*std::get_if<Index>(&target), decoder);
  }
};

/// Nothing of its own on the wire. An empty one has no encoding: use an optional.
template <class T>
struct PostcardRule<std::unique_ptr<T>> {
  static consteval std::size_t min_bytes() { return 0; }

  static bool encode(const std::unique_ptr<T>& box, PostcardEncoder& encoder) {
    if (box == nullptr) return encoder.fail("an empty std::unique_ptr (std::optional says 'none')");
    if (!encoder.enter() || !encode_value(*box, encoder)) return false;
    encoder.leave();
    return true;
  }
  static bool decode(std::unique_ptr<T>& target, PostcardDecoder& decoder) {
    if (!decoder.enter()) return false;
    if (target == nullptr) target = std::make_unique<T>();
    if (!decode_value(*target, decoder)) return false;
    decoder.leave();
    return true;
  }
};

}  // namespace durability::internal
