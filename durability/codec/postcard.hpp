#pragma once

// The default codec: postcard, the wire format of the Rust crate of that name (version 1), so that a Rust
// program reads what this one wrote, and the other way round. It does not describe itself: the reader
// must ask for the type that was written.
//
//   C++                                     bytes                                   in Rust
//   bool                                    0 or 1                                  bool
//   integers of 8 bits, std::byte           one byte                                u8, i8
//   unsigned integers, 16 to 128 bits       varint, at most 3, 5, 10, 19 bytes      u16 … u128
//   signed integers, 16 to 128 bits         zigzag, then varint                     i16 … i128
//   float, double                           IEEE 754, 4 or 8 bytes, little-endian   f32, f64
//   char32_t                                as a string of its UTF-8                char
//   std::string, std::string_view           varint length, then the UTF-8           String, &str
//   Bytes, ByteView                         varint length, then the bytes           Vec<u8>
//   std::optional                           0, or 1 and the value                   Option
//   std::vector, std::set,                  varint count, then the items            Vec, BTreeSet, …
//     std::unordered_set
//   std::map, std::unordered_map            varint count, then key, value, …        BTreeMap, …
//   std::pair, std::tuple, std::array,      the fields, nothing between them        tuple, array, struct
//     aggregates
//   std::monostate, empty structs           nothing                                 (), unit struct
//   std::variant                            varint index, then the fields           enum
//   enum with an underlying type            varint value                            enum of unit variants
//   std::unique_ptr                         what it points to                       Box
//
// Anything else, plain char included, does not compile until PostcardTraits (postcard_rule.hpp) is
// specialised for it. std::size_t and the like have this machine's width; store fixed-width integers.
//
// Equal values have equal bytes: unordered containers are encoded in the order of their keys, which
// allocates. Nothing else allocates while encoding, but for the buffer's own growth.
//
// What decoding refuses: a payload that ends too early; a bool or option above 1; a varint longer or
// greater than its type (80 00 is a valid 0, as in the crate); text that is not UTF-8; a variant that
// does not exist. A key that comes twice in a map is no error, the last one wins. Bytes left over after
// the value are no error either: an old program reads what a newer one appended to a struct.
//
// Hostile input. A count or a length is held against the bytes that are left before anything is
// allocated; memory reserved ahead of its items never exceeds the size of the payload. Containers, boxes
// and hooked types stand at most kPostcardMaxDepth deep in each other, and items that take no bytes are
// limited to kPostcardMaxEmptyItems a value. Keys of unordered containers may be made to share one bucket,
// and each is compared with all of them: such comparisons are limited to kPostcardMaxComparisons and
// kPostcardMaxComparisonsPerByte more for each byte of the payload, 2,000 keys of 8 bytes with the very same
// hash. Where keys only meet at one count of buckets, as multiples of it do, another count is taken first. So
// the time that decoding takes grows with the bytes, whatever they are (with the hash and the comparison of
// the key). Encoding keeps to the same limits, so that whatever was encoded can be decoded.

#include <cstddef>

#include "durability/base/bytes.hpp"
#include "durability/base/result.hpp"
#include "durability/codec/postcard_aggregate.hpp"
#include "durability/codec/postcard_choice.hpp"
#include "durability/codec/postcard_rule.hpp"
#include "durability/codec/postcard_scalar.hpp"
#include "durability/codec/postcard_sequence.hpp"

namespace durability {

/// Thread safety: no state of its own. Error `encode`: see the top of this file; `decode`: likewise,
/// with the offset in `bytes`.
struct Postcard {
  /// Appends to `out`, which must not hold any part of `value`. After an error, or an exception
  /// (bad_alloc), `out` has the size and contents it came with.
  template <class T>
  static Status encode(const T& value, Bytes& out) {
    PostcardEncoder encoder(out);
    DURABILITY_TRY(encoder.encode(value));
    encoder.finish();
    return {};
  }

  /// The value at the front of `bytes`; it keeps nothing of them.
  template <class T>
  static Result<T> decode(ByteView bytes) {
    return PostcardDecoder(bytes).decode<T>();
  }

  /// The same into a value that exists, using the memory of its strings and vectors again, so that a
  /// loop over a log need not allocate. Returns how many bytes it took. After an error `target` is
  /// valid but unspecified.
  template <class T>
  static Result<std::size_t> decode_into(ByteView bytes, T& target) {
    PostcardDecoder decoder(bytes);
    if (!internal::decode_value(target, decoder)) return decoder.take_error();
    return decoder.position();
  }
};

}  // namespace durability
