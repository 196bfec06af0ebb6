// Postcard over random values and random bytes. rapidcheck prints the RC_PARAMS that repeat a failure.

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "durability/codec/postcard.hpp"

namespace durability {
namespace {

struct Inner {
  std::optional<std::int64_t> number;
  std::vector<std::uint16_t> words;
  bool operator==(const Inner&) const = default;
};

struct Value {
  std::tuple<std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t> unsigneds;
  std::tuple<std::int8_t, std::int16_t, std::int32_t, std::int64_t> signeds;
  bool flag = false;
  std::string text;
  std::vector<std::string> texts;
  std::map<std::string, std::uint32_t> map;
  std::variant<std::monostate, std::uint32_t, Inner> choice;
  std::vector<Inner> inners;
  std::vector<bool> bits;
  bool operator==(const Value&) const = default;
};

// Characters of one, two, three and four bytes.
rc::Gen<std::string> any_text() {
  const auto character =
      rc::gen::element<std::string>("a", "\n", "\x7F", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80");
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(character),
                      [](const std::vector<std::string>& parts) {
                        std::string text;
                        for (const std::string& part : parts) text += part;
                        return text;
                      });
}

Inner any_inner() {
  Inner inner;
  if (*rc::gen::arbitrary<bool>()) inner.number = *rc::gen::arbitrary<std::int64_t>();
  inner.words = *rc::gen::arbitrary<std::vector<std::uint16_t>>();
  return inner;
}

Value any_value() {
  Value value;
  value.unsigneds = *rc::gen::arbitrary<decltype(value.unsigneds)>();
  value.signeds = *rc::gen::arbitrary<decltype(value.signeds)>();
  value.flag = *rc::gen::arbitrary<bool>();
  value.text = *any_text();
  value.texts = *rc::gen::container<std::vector<std::string>>(any_text());
  value.map = *rc::gen::container<std::map<std::string, std::uint32_t>>(any_text(),
                                                                        rc::gen::arbitrary<std::uint32_t>());
  switch (*rc::gen::inRange(0, 3)) {
    case 0: break;
    case 1: value.choice = *rc::gen::arbitrary<std::uint32_t>(); break;
    default: value.choice = any_inner(); break;
  }
  for (int left = *rc::gen::inRange(0, 4); left > 0; --left) value.inners.push_back(any_inner());
  value.bits = *rc::gen::arbitrary<std::vector<bool>>();
  return value;
}

Bytes encoded(const Value& value) {
  Bytes bytes;
  RC_ASSERT(Postcard::encode(value, bytes).has_value());
  return bytes;
}

Bytes any_bytes() {
  Bytes bytes;
  for (const std::uint8_t byte : *rc::gen::arbitrary<std::vector<std::uint8_t>>()) {
    bytes.push_back(static_cast<std::byte>(byte % 5 == 0 ? byte : byte % 4));  // small ones get further
  }
  return bytes;
}

RC_GTEST_PROP(PostcardProperties, AValueComesBackAsItWas, ()) {
  const Value value = any_value();
  Value target = any_value();
  const Bytes bytes = encoded(value);
  RC_ASSERT(Postcard::decode<Value>(bytes).value() == value);
  RC_ASSERT(Postcard::decode_into(bytes, target).value() == bytes.size());
  RC_ASSERT(target == value);
}

RC_GTEST_PROP(PostcardProperties, AnEncodingCutShortIsRefused, ()) {
  const Bytes bytes = encoded(any_value());
  const ByteView cut(bytes.data(), *rc::gen::inRange<std::size_t>(0, bytes.size()));
  RC_ASSERT(!Postcard::decode<Value>(cut).has_value());
}

// What is accepted may have been written with longer varints than need be; once encoded again it is stable.
RC_GTEST_PROP(PostcardProperties, WhateverIsDecodedFromRandomBytesCanBeEncodedAndReadAgain, ()) {
  const Bytes bytes = any_bytes();
  const auto value = Postcard::decode<Value>(bytes);
  RC_CLASSIFY(value.has_value());
  if (!value) {
    RC_ASSERT(value.error().code() == ErrorCode::kDecode);
    RC_ASSERT(value.error().offset() <= bytes.size());
    return;
  }
  RC_ASSERT(Postcard::decode<Value>(encoded(*value)).value() == *value);
}

RC_GTEST_PROP(PostcardProperties, DamageToAnEncodingIsRefusedOrReadAsSomeOtherValue, ()) {
  Bytes bytes = encoded(any_value());
  const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
  bytes[at] ^= static_cast<std::byte>(*rc::gen::inRange(1, 256));
  const auto value = Postcard::decode<Value>(bytes);
  RC_CLASSIFY(value.has_value());
  if (value) RC_ASSERT(Postcard::decode<Value>(encoded(*value)).value() == *value);
}

}  // namespace
}  // namespace durability
