#pragma once

// How a typed value becomes the bytes of a payload and comes back. The log and the checkpoint deal in
// bytes; their typed layers take a codec as a template argument, by default postcard.hpp.
//
// A codec is a type with static member templates:
//
//   struct MyCodec {
//     template <class T> static Status encode(const T& value, Bytes& out);   // appends to out
//     template <class T> static Result<T> decode(ByteView bytes);
//   };
//
// encode() appends; where it fails, or throws, `out` has the size it came with. decode() copies what it
// keeps: the value does not refer to `bytes`. Both are called from several threads at a time. Their
// errors are `encode` and `decode`, an offset in one counts from the start of the payload.

#include <concepts>
#include <cstddef>

#include "durability/base/bytes.hpp"
#include "durability/base/result.hpp"

namespace durability {

template <class C, class T>
concept EncoderFor = requires(const T& value, Bytes& out) {
  { C::template encode<T>(value, out) } -> std::same_as<Status>;
};

template <class C, class T>
concept DecoderFor = requires(ByteView bytes) {
  { C::template decode<T>(bytes) } -> std::same_as<Result<T>>;
};

template <class C, class T>
concept CodecFor = EncoderFor<C, T> && DecoderFor<C, T>;

/// A codec that can decode into a value that is there already, and so use its memory again. It returns
/// how many bytes it used; after an error the target is valid but unspecified.
template <class C, class T>
concept InPlaceDecoderFor = DecoderFor<C, T> && requires(ByteView bytes, T& target) {
  { C::template decode_into<T>(bytes, target) } -> std::same_as<Result<std::size_t>>;
};

/// Decodes into `target` in place where the codec can, else by assignment.
template <class C, class T>
  requires DecoderFor<C, T>
Status decode_into(ByteView bytes, T& target) {
  if constexpr (InPlaceDecoderFor<C, T>) {
    DURABILITY_TRY(C::template decode_into<T>(bytes, target));
  } else {
    DURABILITY_TRY_ASSIGN(target, C::template decode<T>(bytes));
  }
  return {};
}

}  // namespace durability
