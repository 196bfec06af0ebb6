#pragma once

// The way from a type to its encoding: PostcardTraits where somebody has specialised it, else the
// built-in rule. Rules are partial specialisations of PostcardRule, each with
//
//   min_bytes()               bytes that every encoding has at least; bounds hostile counts
//   encode(value, encoder)    false after encoder.fail()
//   decode(target, decoder)   false after decoder.fail(); uses the target's memory again where it can

#include <concepts>
#include <cstddef>
#include <utility>

#include "durability/codec/postcard_decoder.hpp"
#include "durability/codec/postcard_encoder.hpp"

namespace durability {

/// The hook for a type's own encoding. Specialise it, before the type's first use with Postcard, for
/// what has no built-in encoding, or should have another one:
///
///   template <>
///   struct durability::PostcardTraits<Money> {
///     static Status encode(const Money& money, PostcardEncoder& encoder) {
///       return encoder.encode(money.cents());
///     }
///     static Result<Money> decode(PostcardDecoder& decoder) {
///       DURABILITY_TRY_ASSIGN(const auto cents, decoder.decode<std::int64_t>());
///       if (cents < 0) return Error(ErrorCode::kDecode, "money below zero");
///       return Money(cents);
///     }
///   };
///
/// An error without an offset gets that of the place where the decoder stands.
template <class T>
struct PostcardTraits;

namespace internal {

template <class T>
concept HookedToEncode = requires(const T& value, PostcardEncoder& encoder) {
  { PostcardTraits<T>::encode(value, encoder) } -> std::same_as<Status>;
};

template <class T>
concept HookedToDecode = requires(PostcardDecoder& decoder) {
  { PostcardTraits<T>::decode(decoder) } -> std::same_as<Result<T>>;
};

template <class T>
struct PostcardRule;

template <class T>
bool encode_value(const T& value, PostcardEncoder& encoder) {
  if constexpr (HookedToEncode<T>) {
    if (!encoder.enter()) return false;
    if (Status status = PostcardTraits<T>::encode(value, encoder); !status) {
      return encoder.fail(std::move(status).error());
    }
    encoder.leave();
    return true;
  } else {
    return PostcardRule<T>::encode(value, encoder);
  }
}

template <class T>
bool decode_value(T& target, PostcardDecoder& decoder) {
  static_assert(std::default_initializable<T>,
                "Postcard decodes into a value it has made: T needs a default constructor");
  if constexpr (HookedToDecode<T>) {
    if (!decoder.enter()) return false;
    Result<T> value = PostcardTraits<T>::decode(decoder);
    if (!value) return decoder.fail(std::move(value).error());
    target = *std::move(value);
    decoder.leave();
    return true;
  } else {
    return PostcardRule<T>::decode(target, decoder);
  }
}

/// 0 for a type with a hook: nobody knows.
template <class T>
consteval std::size_t min_bytes() {
  if constexpr (HookedToDecode<T>) {
    return 0;
  } else {
    return PostcardRule<T>::min_bytes();
  }
}

}  // namespace internal

template <class T>
Status PostcardEncoder::encode(const T& value) {
  if (!internal::encode_value(value, *this)) return take_error();
  return {};
}

template <class T>
Result<T> PostcardDecoder::decode() {
  Result<T> value(tl::in_place);
  if (!internal::decode_value(*value, *this)) return take_error();
  return value;
}

}  // namespace durability
