#include "durability/codec/postcard.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "durability/codec/codec.hpp"

namespace durability {
namespace {

Bytes bytes_of(std::initializer_list<unsigned> values) {
  Bytes bytes;
  for (const unsigned value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

template <class T>
Bytes encoded(const T& value) {
  Bytes out;
  const Status status = Postcard::encode(value, out);
  EXPECT_TRUE(status) << status.error();
  return out;
}

template <class T>
ErrorCode encode_error(const T& value) {
  Bytes out = bytes_of({1, 2, 3});
  const Status status = Postcard::encode(value, out);
  EXPECT_FALSE(status);
  EXPECT_EQ(out, bytes_of({1, 2, 3})) << "a failed encode must leave the buffer as it was";
  return status ? ErrorCode::kIo : status.error().code();
}

struct Put {
  std::string key;
  std::uint32_t value = 0;
  bool operator==(const Put&) const = default;
};
struct Clear {
  bool operator==(const Clear&) const = default;
};
using Op = std::variant<Put, Clear>;

struct Tree {
  std::uint8_t value = 0;
  std::vector<Tree> children;
  bool operator==(const Tree&) const = default;
};

struct Sum;
using Expression = std::variant<std::int32_t, std::unique_ptr<Sum>>;
struct Sum {
  Expression left;
  Expression right;
};

struct Everything {
  std::vector<std::string> strings;
  std::optional<Put> option;
  Op variant;
  std::map<int, int> map;
  std::vector<bool> bits;
  std::unique_ptr<int> box;
};

static_assert(CodecFor<Postcard, Put> && InPlaceDecoderFor<Postcard, Put>);

TEST(Postcard, EncodesAnAggregateFieldByFieldWithoutAnyCodeForIt) {
  EXPECT_EQ(encoded(Put{"ab", 300}), bytes_of({2, 'a', 'b', 0xAC, 0x02}));
  EXPECT_EQ(Postcard::decode<Put>(encoded(Put{"ab", 300})).value(), (Put{"ab", 300}));
}

TEST(Postcard, EncodesAVariantAsARustEnum) {
  EXPECT_EQ(encoded(Op(Put{"k", 7})), bytes_of({0, 1, 'k', 7}));
  EXPECT_EQ(encoded(Op(Clear{})), bytes_of({1}));
  EXPECT_EQ(Postcard::decode<Op>(bytes_of({1})).value(), Op(Clear{}));
}

TEST(Postcard, AppendsToTheCallersBuffer) {
  Bytes out = bytes_of({9, 8});
  ASSERT_TRUE(Postcard::encode(std::uint16_t{300}, out));
  EXPECT_EQ(out, bytes_of({9, 8, 0xAC, 0x02}));
}

TEST(Postcard, AppendsLongRunsAfterShortOnesInOrder) {
  const std::tuple value(std::uint8_t{1}, std::string(1000, 'x'), std::uint8_t{2}, Bytes(300, std::byte{3}),
                         std::vector<std::uint64_t>(500, 1ULL << 63), std::uint8_t{4});
  Bytes expected = bytes_of({1, 0xE8, 0x07});
  expected.insert(expected.end(), 1000, std::byte{'x'});
  for (const std::byte byte : bytes_of({2, 0xAC, 0x02})) expected.push_back(byte);
  expected.insert(expected.end(), 300, std::byte{3});
  for (const std::byte byte : bytes_of({0xF4, 0x03})) expected.push_back(byte);
  for (int item = 0; item < 500; ++item) {
    for (const std::byte byte : bytes_of({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1})) {
      expected.push_back(byte);
    }
  }
  expected.push_back(std::byte{4});
  EXPECT_EQ(encoded(value), expected);
}

TEST(Postcard, GivesTheBufferItsFormerSizeBackWhereEncodingFails) {
  EXPECT_EQ(encode_error(std::string("\xFF")), ErrorCode::kEncode);
  EXPECT_EQ(encode_error(std::tuple(std::string(1000, 'x'), std::string("\xC0\x80"))), ErrorCode::kEncode);
  EXPECT_EQ(encode_error(std::unique_ptr<int>()), ErrorCode::kEncode);
  EXPECT_EQ(encode_error(char32_t{0xD800}), ErrorCode::kEncode);
  EXPECT_EQ(encode_error(char32_t{0x110000}), ErrorCode::kEncode);
}

TEST(Postcard, EncodesUnorderedContainersInTheOrderOfTheirKeys) {
  std::unordered_map<std::string, std::uint8_t> map;
  std::unordered_set<std::uint16_t> set;
  for (int number = 9; number >= 0; --number) {
    map.emplace(std::to_string(number), static_cast<std::uint8_t>(number));
    set.insert(static_cast<std::uint16_t>(number));
  }
  EXPECT_EQ(encoded(map), encoded(std::map<std::string, std::uint8_t>(map.begin(), map.end())));
  EXPECT_EQ(encoded(set), encoded(std::set<std::uint16_t>(set.begin(), set.end())));
  EXPECT_EQ((Postcard::decode<std::unordered_map<std::string, std::uint8_t>>(encoded(map)).value()), map);
  EXPECT_EQ(Postcard::decode<std::unordered_set<std::uint16_t>>(encoded(set)).value(), set);
}

TEST(Postcard, EncodesViewsLikeWhatTheyView) {
  EXPECT_EQ(encoded(std::string_view("ab")), encoded(std::string("ab")));
  EXPECT_EQ(encoded(as_bytes("ab")), encoded(bytes_of({'a', 'b'})));
}

TEST(Postcard, FollowsBoxesIntoARecursiveType) {
  const Expression expression = std::make_unique<Sum>(Sum{1, std::make_unique<Sum>(Sum{-2, 3})});
  EXPECT_EQ(encoded(expression), bytes_of({1, 0, 2, 1, 0, 3, 0, 6}));
  const auto back = Postcard::decode<Expression>(encoded(expression));
  ASSERT_TRUE(back) << back.error();
  EXPECT_EQ(encoded(*back), encoded(expression));
}

TEST(Postcard, LeavesBytesAfterTheValueAlone) {
  EXPECT_EQ(Postcard::decode<std::uint8_t>(bytes_of({7, 1, 2})).value(), 7);
  std::uint8_t target = 0;
  EXPECT_EQ((Postcard::decode_into(bytes_of({7, 1, 2}), target)).value(), 1U);
}

TEST(Postcard, DecodesOverWhateverTheTargetHeld) {
  const Everything wanted{{"new"}, Put{"k", 1}, Clear{}, {{1, 2}}, {true}, std::make_unique<int>(5)};
  for (const bool full : {false, true}) {
    Everything target{{"old", "another"}, {}, Put{"x", 9}, {{7, 7}, {8, 8}}, {false, false}, nullptr};
    if (full) target.option = Put{"old", 2};
    if (full) target.box = std::make_unique<int>(1);
    ASSERT_TRUE(Postcard::decode_into(encoded(wanted), target));
    EXPECT_EQ(encoded(target), encoded(wanted));
    EXPECT_EQ(target.strings.size(), 1U);
  }
  std::optional<int> value = 5;
  ASSERT_TRUE(Postcard::decode_into(bytes_of({0}), value));
  EXPECT_EQ(value, std::nullopt);
}

TEST(Postcard, LetsTheLastOfEqualMapKeysWin) {
  const auto map = Postcard::decode<std::map<std::uint8_t, std::uint8_t>>(bytes_of({2, 1, 10, 1, 20}));
  EXPECT_EQ(map.value(), (std::map<std::uint8_t, std::uint8_t>{{1, 20}}));
}

enum class Colour : std::uint8_t { kRed, kGreen };
enum class Signed : std::int32_t { kBelow = -1, kZero };
enum class Wide : std::uint64_t { kMost = 0xFFFFFFFF, kTooMuch = 0x100000000 };

TEST(Postcard, EncodesAnEnumAsTheIndexOfAUnitVariant) {
  EXPECT_EQ(encoded(Colour::kGreen), bytes_of({1}));
  EXPECT_EQ(encoded(Wide::kMost), bytes_of({0xFF, 0xFF, 0xFF, 0xFF, 0x0F}));
  EXPECT_EQ(encode_error(Signed::kBelow), ErrorCode::kEncode);
  EXPECT_EQ(encode_error(Wide::kTooMuch), ErrorCode::kEncode);
}

TEST(Postcard, RefusesAnEnumeratorThatItsTypeCannotHold) {
  EXPECT_EQ(Postcard::decode<Colour>(bytes_of({0xFF, 0x01})).value(), static_cast<Colour>(255));  // NOLINT
  EXPECT_FALSE(Postcard::decode<Colour>(bytes_of({0x80, 0x02})));
  EXPECT_FALSE(Postcard::decode<Signed>(bytes_of({0xFF, 0xFF, 0xFF, 0xFF, 0x0F})));
}

TEST(Postcard, SaysWhereAndWhyDecodingFailed) {
  const auto result = Postcard::decode<std::tuple<std::uint16_t, bool>>(bytes_of({0xAC, 0x02, 7}));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::kDecode);
  EXPECT_EQ(result.error().offset(), 2U);
  EXPECT_EQ(result.error().message(), "a bool that is neither 0 nor 1");
}

}  // namespace

// A type with an encoding of its own.
class Even {
 public:
  Even() = default;
  static Result<Even> of(std::uint32_t value) {
    if (value % 2 != 0) return Error(ErrorCode::kDecode, "an odd number");
    return Even(value);
  }
  [[nodiscard]] std::uint32_t half() const { return value_ / 2; }

 private:
  explicit Even(std::uint32_t value) : value_(value) {}
  std::uint32_t value_ = 0;
};

template <>
struct PostcardTraits<Even> {
  static Status encode(const Even& even, PostcardEncoder& encoder) { return encoder.encode(even.half()); }
  static Result<Even> decode(PostcardDecoder& decoder) {
    DURABILITY_TRY_ASSIGN(const auto half, decoder.decode<std::uint32_t>());
    return Even::of(half == 99 ? 1 : half * 2);
  }
};

namespace {

TEST(PostcardTraits, GiveATypeItsOwnEncodingWhereverItStands) {
  const std::vector<Even> values{Even::of(2).value(), Even::of(600).value()};
  EXPECT_EQ(encoded(values), bytes_of({2, 1, 0xAC, 0x02}));
  EXPECT_EQ(Postcard::decode<std::vector<Even>>(encoded(values)).value().at(1).half(), 300U);
}

TEST(PostcardTraits, ReportTheirErrorsWithAPlace) {
  const auto refused = Postcard::decode<std::vector<Even>>(bytes_of({2, 1, 99}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "an odd number");
  EXPECT_EQ(refused.error().offset(), 3U);
  const auto cut = Postcard::decode<std::vector<Even>>(bytes_of({2, 1, 0x80}));
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code(), ErrorCode::kDecode);
}

struct WithCArray {
  int first;
  int array[2];
  int last;
};
struct WithOneItemArray {
  int array[1];
};
struct Base {
  int field;
};
struct Derived : Base {
  int own;
};
union Union {
  int a;
  float b;
};
class Closed {
  [[maybe_unused]] int field_ = 0;
};

TEST(Postcard, KnowsWhichTypesHaveNoFieldsToReflectUpon) {
  EXPECT_TRUE(internal::Reflected<Put>);
  EXPECT_TRUE(internal::Reflected<Clear>);
  EXPECT_TRUE(internal::Reflected<Tree>);
  EXPECT_TRUE(internal::Reflected<Sum>);
  EXPECT_FALSE(internal::Reflected<WithCArray>);
  EXPECT_FALSE(internal::Reflected<Derived>);
  EXPECT_FALSE(internal::Reflected<Union>);
  EXPECT_FALSE(internal::Reflected<Closed>);
  EXPECT_FALSE(internal::Reflected<int[2]>);
}

}  // namespace
}  // namespace durability
