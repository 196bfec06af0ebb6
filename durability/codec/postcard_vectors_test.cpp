// Holds the codec to what the Rust crate writes and accepts: tests/vectors/postcard/README.md.

#include <gtest/gtest.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "durability/codec/postcard.hpp"

namespace durability {
namespace {

// The types of generator/src/main.rs, under the names they have there.
struct Nothing {};
struct Metres {
  std::uint32_t value = 0;
};
struct Point {
  std::int32_t x = 0;
  std::int32_t y = 0;
};
struct Nested {
  std::string name;
  Point at;
  Nothing nothing;
  std::vector<Point> path;
  std::optional<std::string> note;
};
enum class Colour : std::uint8_t { kRed, kGreen, kBlue };

struct Tuple {
  std::uint8_t number = 0;
  std::string text;
};
struct Struct {
  std::int16_t x = 0;
  bool y = false;
};
struct Shape {
  struct Unit {};
  std::variant<Unit, std::uint32_t, Tuple, Struct, std::unique_ptr<Shape>, std::vector<Shape>> form;
};

std::string hex_of(ByteView bytes) {
  std::string text;
  for (const std::byte byte : bytes) text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  return text;
}

Bytes bytes_of_hex(std::string_view text) {
  Bytes bytes;
  for (std::size_t at = 0; at + 2 <= text.size(); at += 2) {
    const char* const digits = &text[at];
    unsigned byte = 0;
    std::from_chars(digits, digits + 2, byte, 16);
    bytes.push_back(static_cast<std::byte>(byte));
  }
  return bytes;
}

std::string hex_of_encoded(const auto& value) {
  Bytes bytes;
  const Status status = Postcard::encode(value, bytes);
  return status ? hex_of(bytes) : status.error().to_string();
}

struct Vector {
  std::string name;
  std::string hex;
  std::string verdict;  // what follows, with its tabs
};

std::vector<Vector> vectors(std::string_view kind) {
  std::ifstream file(DURABILITY_SOURCE_DIR "/tests/vectors/postcard/vectors.txt");
  EXPECT_TRUE(file.is_open());
  std::vector<Vector> found;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string first;
    Vector vector;
    std::getline(fields, first, '\t');
    if (first != kind) continue;
    std::getline(fields, vector.name, '\t');
    std::getline(fields, vector.hex, '\t');
    std::getline(fields, vector.verdict);
    found.push_back(vector);
  }
  return found;
}

// A value: what it encodes to, and what its encoding, decoded, encodes to again.
struct Case {
  std::string encoded;
  std::string again;
};
using Cases = std::map<std::string, Case>;

template <class T>
void add(Cases& cases, const std::string& name, const T& value) {
  Case tried{hex_of_encoded(value), {}};
  const auto back = Postcard::decode<T>(bytes_of_hex(tried.encoded));
  tried.again = back ? hex_of_encoded(*back) : back.error().to_string();
  EXPECT_TRUE(cases.emplace(name, std::move(tried)).second) << name;
}

template <internal::Integer T>
void add_integers(Cases& cases, const std::string& type) {
  using U = internal::UnsignedOfSize<sizeof(T)>;
  constexpr unsigned kBits = sizeof(T) * 8;
  const U top = static_cast<U>(U{1} << (kBits - 1));
  const auto add_bits = [&](const std::string& name, U bits) {
    add(cases, type + " " + name, static_cast<T>(bits));
  };
  add_bits("min", internal::kIsSigned<T> ? top : U{0});
  add_bits("max", static_cast<U>(internal::kIsSigned<T> ? top - 1 : ~U{0}));
  add_bits("0", 0);
  add_bits("1", 1);
  add_bits("-1", static_cast<U>(~U{0}));
  for (unsigned bits = 6; bits < kBits - 1; ++bits) {
    if (bits % 7 != 0 && bits % 7 != 6) continue;
    const U power = static_cast<U>(U{1} << bits);
    add_bits(fmt::format("2^{}", bits), power);
    add_bits(fmt::format("2^{}-1", bits), static_cast<U>(power - 1));
    add_bits(fmt::format("-2^{}", bits), static_cast<U>(U{0} - power));
    add_bits(fmt::format("-2^{}-1", bits), static_cast<U>(U{0} - power - 1));
  }
}

void add_all_integers(Cases& cases) {
  add_integers<std::uint8_t>(cases, "u8");
  add_integers<std::uint16_t>(cases, "u16");
  add_integers<std::uint32_t>(cases, "u32");
  add_integers<std::uint64_t>(cases, "u64");
  add_integers<Uint128>(cases, "u128");
  add_integers<std::int8_t>(cases, "i8");
  add_integers<std::int16_t>(cases, "i16");
  add_integers<std::int32_t>(cases, "i32");
  add_integers<std::int64_t>(cases, "i64");
  add_integers<Int128>(cases, "i128");
}

template <class T>
void add_floats(Cases& cases, const std::string& type) {
  using Limits = std::numeric_limits<T>;
  const std::pair<const char*, T> values[] = {
      {"0", T{0}},
      {"-0", -T{0}},
      {"1.5", T{1.5}},
      {"-1.5", T{-1.5}},
      {"inf", Limits::infinity()},
      {"-inf", -Limits::infinity()},
      {"nan", Limits::quiet_NaN()},
      {"max", Limits::max()},
      {"least", Limits::denorm_min()},
  };
  for (const auto& [name, value] : values) add(cases, type + " " + name, value);
}

void add_scalars(Cases& cases) {
  add(cases, "bool false", false);
  add(cases, "bool true", true);
  add(cases, "unit", std::monostate{});
  add(cases, "unit struct", Nothing{});
  add(cases, "newtype struct", Metres{300});
  add_floats<float>(cases, "f32");
  add_floats<double>(cases, "f64");
  for (const unsigned point :
       {0U, 0x41U, 0x7fU, 0x80U, 0x7ffU, 0x800U, 0xd7ffU, 0xe000U, 0xffffU, 0x10000U, 0x10ffffU}) {
    add(cases, fmt::format("char {:x}", point), static_cast<char32_t>(point));
  }
}

void add_texts_and_options(Cases& cases) {
  using std::optional;
  using std::string;
  add(cases, "string empty", string());
  add(cases, "string ascii", string("hello"));
  add(cases, "string wide", string("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\0z", 12));
  for (const std::size_t length : {127U, 128U, 300U})
    add(cases, fmt::format("string {}", length), string(length, 'x'));
  add(cases, "bytes empty", Bytes());
  add(cases, "bytes 0 7f 80 ff", Bytes{std::byte{0}, std::byte{0x7F}, std::byte{0x80}, std::byte{0xFF}});
  add(cases, "bytes 300", Bytes(300, std::byte{0xAB}));
  add(cases, "option none", optional<std::uint32_t>());
  add(cases, "option some", optional<std::uint32_t>(300));
  add(cases, "option none of option", optional<optional<std::uint8_t>>());
  add(cases, "option some none", optional<optional<std::uint8_t>>(std::in_place));
  add(cases, "option some some", optional<optional<std::uint8_t>>(std::in_place, std::uint8_t{7}));
  add(cases, "option some unit", optional<std::monostate>(std::in_place));
}

void add_collections(Cases& cases) {
  using std::map;
  using std::string;
  using std::tuple;
  using std::vector;
  add(cases, "seq empty", vector<std::uint32_t>());
  add(cases, "seq u32", vector<std::uint32_t>{0, 127, 128, 0xFFFFFFFF});
  add(cases, "seq i8", vector<std::int8_t>{-1, 0, -128});
  add(cases, "seq bool", vector<bool>{true, false, true});
  add(cases, "seq f32", vector<float>{1.0F, -2.5F});
  add(cases, "seq string", vector<string>{"a", "", "bc"});
  add(cases, "seq seq", vector<vector<std::uint16_t>>{{1}, {}, {2, 300}});
  add(cases, "seq unit", vector<std::monostate>(3));
  add(cases, "seq 200", vector<std::uint16_t>(200, 300));
  add(cases, "map empty", map<std::uint8_t, std::uint8_t>());
  add(cases, "map string u32", map<string, std::uint32_t>{{"b", 2}, {"a", 300}, {"", 0}});
  add(cases, "map u16 seq", map<std::uint16_t, Bytes>{{300, {std::byte{1}}}, {2, {}}});
  add(cases, "set i32", std::set<std::int32_t>{5, -3, 0});
  add(cases, "array empty", std::array<std::uint32_t, 0>{});
  add(cases, "array u16", std::array<std::uint16_t, 3>{1, 300, 65535});
  add(cases, "array u8", std::array<std::uint8_t, 3>{1, 2, 255});
  add(cases, "array string", std::array<string, 2>{"x", "y"});
  add(cases, "tuple 1", tuple<std::uint16_t>(300));
  add(cases, "tuple 2", std::pair<std::uint8_t, string>(1, "two"));
  add(cases, "tuple 4",
      tuple(true, std::int64_t{-1}, 0.5, tuple(char32_t{'x'}, std::optional<std::uint8_t>(std::uint8_t{2}))));
}

template <class Form>
Shape shape(Form form) {
  return Shape{std::move(form)};
}

std::unique_ptr<Shape> boxed(Shape inner) { return std::make_unique<Shape>(std::move(inner)); }

void add_structs_and_enums(Cases& cases) {
  add(cases, "struct", Point{-1, 64});
  add(cases, "struct nested", Nested{"n", {0, -65}, {}, {{1, 2}, {-3, 4}}, "!"});
  add(cases, "struct bare", Nested{});
  add(cases, "enum unit only 0", Colour::kRed);
  add(cases, "enum unit only 1", Colour::kGreen);
  add(cases, "enum unit only 2", Colour::kBlue);
  add(cases, "enum unit", shape(Shape::Unit{}));
  add(cases, "enum newtype", shape(std::uint32_t{300}));
  add(cases, "enum tuple", shape(Tuple{9, "t"}));
  add(cases, "enum struct", shape(Struct{-2, true}));
  add(cases, "enum boxed", shape(boxed(shape(boxed(shape(std::uint32_t{1}))))));
  std::vector<Shape> many;
  many.push_back(shape(Shape::Unit{}));
  many.push_back(shape(std::vector<Shape>()));
  many.push_back(shape(Tuple{}));
  add(cases, "enum many", shape(std::move(many)));
}

TEST(PostcardVectors, EveryValueHasTheBytesThatTheCrateWrites) {
  Cases cases;
  add_all_integers(cases);
  add_scalars(cases);
  add_texts_and_options(cases);
  add_collections(cases);
  add_structs_and_enums(cases);
  for (const Vector& vector : vectors("value")) {
    const auto found = cases.find(vector.name);
    if (found == cases.end()) {
      ADD_FAILURE() << "no C++ value for '" << vector.name << "'";
      continue;
    }
    EXPECT_EQ(found->second.encoded, vector.hex) << vector.name;
    EXPECT_EQ(found->second.again, vector.hex) << vector.name << ", decoded and encoded again";
    cases.erase(found);
  }
  for (const auto& left_over : cases) ADD_FAILURE() << "no vector for '" << left_over.first << "'";
}

template <class T>
std::string verdict_on(ByteView bytes) {
  T value{};
  const auto used = Postcard::decode_into(bytes, value);
  if (used) return fmt::format("accept\t{}\t{}", *used, hex_of_encoded(value));
  EXPECT_EQ(used.error().code(), ErrorCode::kDecode);
  EXPECT_TRUE(used.error().offset() && *used.error().offset() <= bytes.size()) << used.error();
  return "refuse";
}

TEST(PostcardVectors, WhatTheCrateAcceptsAndRefusesIsAcceptedAndRefused) {
  using String = std::string;
  const std::map<std::string, std::string (*)(ByteView)> types = {
      {"bool", verdict_on<bool>},
      {"u8", verdict_on<std::uint8_t>},
      {"i8", verdict_on<std::int8_t>},
      {"u16", verdict_on<std::uint16_t>},
      {"i16", verdict_on<std::int16_t>},
      {"u32", verdict_on<std::uint32_t>},
      {"i32", verdict_on<std::int32_t>},
      {"u64", verdict_on<std::uint64_t>},
      {"i64", verdict_on<std::int64_t>},
      {"u128", verdict_on<Uint128>},
      {"i128", verdict_on<Int128>},
      {"f32", verdict_on<float>},
      {"f64", verdict_on<double>},
      {"char", verdict_on<char32_t>},
      {"string", verdict_on<String>},
      {"bytes", verdict_on<Bytes>},
      {"seq u16", verdict_on<std::vector<std::uint16_t>>},
      {"seq bool", verdict_on<std::vector<bool>>},
      {"seq option", verdict_on<std::vector<std::optional<std::uint8_t>>>},
      {"seq string", verdict_on<std::vector<String>>},
      {"map", verdict_on<std::map<std::uint8_t, std::uint16_t>>},
      {"set", verdict_on<std::set<std::uint8_t>>},
      {"array", verdict_on<std::array<std::uint16_t, 3>>},
      {"tuple", verdict_on<std::tuple<std::uint8_t, String>>},
      {"struct", verdict_on<Nested>},
      {"enum", verdict_on<Shape>},
  };
  std::set<std::string> seen;
  for (const Vector& vector : vectors("verdict")) {
    ASSERT_TRUE(types.contains(vector.name)) << vector.name;
    seen.insert(vector.name);
    EXPECT_EQ(types.at(vector.name)(bytes_of_hex(vector.hex)), vector.verdict)
        << vector.name << " " << vector.hex;
  }
  EXPECT_EQ(seen.size(), types.size());
}

}  // namespace
}  // namespace durability
