#pragma once

// Pairs, tuples and plain structs: the fields in order, nothing between them. The fields of a struct are
// found by Boost.PFR, so there is nothing to write for it.

#include <boost/pfr/core.hpp>
#include <cstddef>
#include <cstdlib>
#include <tuple>
#include <type_traits>
#include <utility>

#include "durability/codec/postcard_rule.hpp"

namespace durability::internal {

template <class First, class Second>
struct PostcardRule<std::pair<First, Second>> {
  using Pair = std::pair<First, Second>;

  static consteval std::size_t min_bytes() {
    return internal::min_bytes<First>() + internal::min_bytes<Second>();
  }
  static bool encode(const Pair& pair, PostcardEncoder& encoder) {
    return encode_value(pair.first, encoder) && encode_value(pair.second, encoder);
  }
  static bool decode(Pair& target, PostcardDecoder& decoder) {
    return decode_value(target.first, decoder) && decode_value(target.second, decoder);
  }
};

template <class... Fields>
struct PostcardRule<std::tuple<Fields...>> {
  using Tuple = std::tuple<Fields...>;

  static consteval std::size_t min_bytes() { return (std::size_t{0} + ... + internal::min_bytes<Fields>()); }
  static bool encode(const Tuple& tuple, [[maybe_unused]] PostcardEncoder& encoder) {
    return std::apply([&](const Fields&... fields) { return (encode_value(fields, encoder) && ...); }, tuple);
  }
  static bool decode(Tuple& target, [[maybe_unused]] PostcardDecoder& decoder) {
    return std::apply([&](Fields&... fields) { return (decode_value(fields, decoder) && ...); }, target);
  }
};

// What Boost.PFR cannot take apart is found out here, so that the compiler says so in one sentence and
// not in a page of PFR's own.

/// Initialises any field, for the compiler only. The bodies are for clang, which wants one for types of an
/// unnamed namespace.
struct AnyField {
  template <class Field>
  [[noreturn]] operator Field() const {  // NOLINT(google-explicit-constructor)
    std::abort();
  }
};

/// Initialises a base of T and nothing else.
template <class T>
struct AnyBaseOf {
  template <class Base>
    requires(std::is_base_of_v<Base, T> && !std::is_same_v<Base, T>)
  [[noreturn]] operator Base() const {  // NOLINT(google-explicit-constructor)
    std::abort();
  }
};

template <class T>
concept HasBase = requires { T{AnyBaseOf<T>{}}; };

template <class T, std::size_t... Index>
consteval bool takes_initializers(std::index_sequence<Index...>) {
  return requires { T{(static_cast<void>(Index), AnyField{})...}; };
}

inline constexpr std::size_t kMaxFields = 100;  // of Boost.PFR

/// How many initialisers T takes, up to one more than kMaxFields. (PFR's own count does not compile for
/// a field like std::optional<std::unique_ptr<U>>.)
template <class T, std::size_t Known = 0>
consteval std::size_t count_initializers() {
  if constexpr (Known <= kMaxFields && takes_initializers<T>(std::make_index_sequence<Known + 1>{})) {
    return count_initializers<T, Known + 1>();
  } else {
    return Known;
  }
}

template <class T, std::size_t... Before, std::size_t... After>
consteval bool takes_one_initializer(std::index_sequence<Before...>, std::index_sequence<After...>) {
  return requires {
    T{(static_cast<void>(Before), AnyField{})..., {}, (static_cast<void>(After), AnyField{})...};
  };
}

/// A C array takes one initialiser for each of its items, but {} stands for all of them: then the
/// initialisers after it are too many.
template <class T, std::size_t Count>
consteval bool has_c_array() {
  return ![]<std::size_t... Index>(std::index_sequence<Index...>) {
    return (takes_one_initializer<T>(std::make_index_sequence<Index>{},
                                     std::make_index_sequence<Count - Index - 1>{}) &&
            ...);
  }(std::make_index_sequence<Count>{});
}

template <class T>
consteval bool has_fields_by_reflection() {
  if constexpr (std::is_aggregate_v<T> && std::is_class_v<T> && !HasBase<T>) {
    constexpr std::size_t kCount = count_initializers<T>();
    return kCount <= kMaxFields && !has_c_array<T, kCount>();
  } else {
    return false;
  }
}

template <class T>
concept Reflected = has_fields_by_reflection<T>();

/// References to the fields, a std::tuple; none for what is not Reflected, which has its own error.
template <class T>
auto tie_fields(T& value) {
  if constexpr (Reflected<std::remove_const_t<T>>) {
    namespace pfr = boost::pfr::detail;
    constexpr std::size_t kCount = count_initializers<std::remove_const_t<T>>();
    auto fields = pfr::tie_as_tuple(value, pfr::size_t_<kCount>{});
    return [&]<std::size_t... Index>(std::index_sequence<Index...>) {
      return std::tie(pfr::sequence_tuple::get<Index>(fields)...);
    }(std::make_index_sequence<kCount>{});
  } else {
    return std::tuple<>();
  }
}

/// Every type without a rule of its own ends here.
template <class T>
struct PostcardRule {
  static_assert(!CharacterType<T>,
                "Postcard: is it a character or a number? Rust's char is char32_t; a byte is std::uint8_t, "
                "std::int8_t or std::byte (plain char is signed on some machines only)");
  static_assert(
      CharacterType<T> || Reflected<T>,
      "Postcard has no encoding for this type: it takes aggregates of up to 100 fields without bases, "
      "C arrays or unions. Specialise durability::PostcardTraits for it, the hook for a type's own "
      "encoding");

  static consteval std::size_t min_bytes() {
    return []<class... Fields>(std::type_identity<std::tuple<Fields&...>>) {
      return (std::size_t{0} + ... + internal::min_bytes<Fields>());
    }(std::type_identity<decltype(tie_fields(std::declval<T&>()))>{});
  }

  static bool encode(const T& value, PostcardEncoder& encoder) {
    const auto encode_all = [&](const auto&... fields) { return (encode_value(fields, encoder) && ...); };
    return std::apply(encode_all, tie_fields(value));
  }

  static bool decode(T& target, PostcardDecoder& decoder) {
    const auto decode_all = [&](auto&... fields) { return (decode_value(fields, decoder) && ...); };
    return std::apply(decode_all, tie_fields(target));
  }
};

}  // namespace durability::internal
