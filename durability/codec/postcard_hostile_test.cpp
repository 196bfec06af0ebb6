// What a damaged or malicious payload can claim. None of it may cost more memory or time than the
// payload's own bytes account for.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "durability/codec/postcard.hpp"

namespace {

struct Allocations {
  std::size_t count = 0;
  std::size_t bytes = 0;
  std::size_t largest = 0;
};
thread_local Allocations allocations;

template <class Call>
Allocations allocations_in(Call call) {
  allocations = {};
  call();
  return allocations;
}

}  // namespace

// Counts what this whole test program allocates, thread by thread.
void* operator new(std::size_t size) {
  ++allocations.count;
  allocations.bytes += size;
  allocations.largest = std::max(allocations.largest, size);
  if (void* memory = std::malloc(size)) return memory;  // NOLINT(cppcoreguidelines-no-malloc)
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }               // NOLINT
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }  // NOLINT

namespace durability {
namespace {

// Bytes of text in an Error; what a refusal may allocate.
constexpr std::size_t kErrorBytes = 1024;

Bytes varint(std::uint64_t value) {
  Bytes bytes;
  EXPECT_TRUE(Postcard::encode(value, bytes));
  return bytes;
}

struct Tree {
  std::vector<Tree> children;
};

struct Chain {
  std::uint8_t value = 0;
  std::optional<std::unique_ptr<Chain>> next;
};

struct Wide {
  std::optional<std::array<std::uint64_t, 100>> values;
};

template <class T>
void expect_refused_cheaply(ByteView bytes, std::size_t memory_allowed) {
  const Allocations used = allocations_in([&] {
    const auto result = Postcard::decode<T>(bytes);
    EXPECT_FALSE(result);
    EXPECT_EQ(result.error().code(), ErrorCode::kDecode);
    EXPECT_TRUE(result.error().offset());
  });
  EXPECT_LE(used.bytes, memory_allowed + kErrorBytes) << sizeof(T);
}

template <class... T>
void expect_counts_refused() {
  for (const std::uint64_t count :
       {~0ULL, ~0ULL - 1, 1ULL << 63, (1ULL << 61) + 1, 1ULL << 32, 1ULL << 31, 20ULL}) {
    Bytes bytes = varint(count);
    bytes.resize(bytes.size() + 16);
    (expect_refused_cheaply<T>(bytes, 0), ...);
  }
}

TEST(PostcardHostileInput, ACountBeyondTheBytesAllocatesNothing) {
  expect_counts_refused<std::string, Bytes, std::vector<std::uint64_t>, std::vector<double>,
                        std::vector<bool>, std::vector<std::string>, std::vector<Wide>, Tree,
                        std::map<std::uint8_t, std::uint8_t>, std::set<std::uint64_t>>();
}

TEST(PostcardHostileInput, ACountThatTheBytesCouldHoldReservesNoMoreThanTheyAre) {
  // 1,000 items of at least one byte are claimed, 1,000 bytes are there, the first item is bad.
  Bytes bytes = varint(1000);
  bytes.resize(bytes.size() + 1000, std::byte{7});
  expect_refused_cheaply<std::vector<Wide>>(bytes, 2 * sizeof(Wide));
  expect_refused_cheaply<std::vector<std::optional<std::uint64_t>>>(bytes, bytes.size());
}

TEST(PostcardHostileInput, NestedCountsShareOneAllowance) {
  // Each level claims as many children as there are bytes: without a shared allowance, 100 times 24 KB.
  Bytes bytes;
  for (int level = 0; level < 100; ++level) {
    const Bytes count = varint(1000);
    bytes.insert(bytes.end(), count.begin(), count.end());
  }
  bytes.resize(bytes.size() + 1100, std::byte{0xFF});
  expect_refused_cheaply<Tree>(bytes, bytes.size() + 100 * sizeof(Tree));
}

TEST(PostcardHostileInput, NestingAMillionDeepIsAnError) {
  const Bytes ones(1'000'000, std::byte{1});
  expect_refused_cheaply<Tree>(ones, 1'000'000 + std::size_t{kPostcardMaxDepth} * sizeof(Tree));
  expect_refused_cheaply<Chain>(ones, std::size_t{kPostcardMaxDepth} * sizeof(Chain));
}

Tree tree_of_depth(unsigned depth) {
  Tree tree;
  while (--depth > 0) {
    Tree parent;
    parent.children.push_back(std::move(tree));
    tree = std::move(parent);
  }
  return tree;
}

TEST(PostcardHostileInput, WhatIsEncodedIsNeverTooDeepToBeDecoded) {
  Bytes bytes;
  ASSERT_TRUE(Postcard::encode(tree_of_depth(kPostcardMaxDepth), bytes));
  EXPECT_TRUE(Postcard::decode<Tree>(bytes));

  const Status status = Postcard::encode(tree_of_depth(kPostcardMaxDepth + 1), bytes);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::kEncode);
  EXPECT_EQ(bytes.size(), kPostcardMaxDepth);

  bytes.assign(kPostcardMaxDepth, std::byte{1});
  bytes.push_back(std::byte{0});
  expect_refused_cheaply<Tree>(bytes, 2 * std::size_t{kPostcardMaxDepth} * sizeof(Tree));
}

TEST(PostcardHostileInput, SiblingsDoNotCountAsDepth) {
  const std::vector<std::vector<std::uint16_t>> rows(1000, {1});
  Bytes bytes;
  ASSERT_TRUE(Postcard::encode(rows, bytes));
  EXPECT_EQ(Postcard::decode<std::vector<std::vector<std::uint16_t>>>(bytes).value(), rows);
}

// 2^64 - 1 units need no byte at all.
TEST(PostcardHostileInput, ItemsWithoutBytesAreLimited) {
  using Unit = std::monostate;
  const std::size_t units =
      6 * kPostcardMaxEmptyItems;  // all that a growing vector had, one size after the other
  expect_refused_cheaply<std::vector<Unit>>(varint(~0ULL), units);
  expect_refused_cheaply<std::set<Unit>>(varint(~0ULL), 64);
  expect_refused_cheaply<std::map<Unit, Unit>>(varint(~0ULL), 64);
  expect_refused_cheaply<std::vector<std::tuple<Unit, Unit>>>(varint(~0ULL), units);
  expect_refused_cheaply<std::vector<Unit>>(varint(kPostcardMaxEmptyItems + 1), units);
  EXPECT_EQ(Postcard::decode<std::vector<Unit>>(varint(kPostcardMaxEmptyItems)).value().size(),
            kPostcardMaxEmptyItems);
}

TEST(PostcardHostileInput, ItemsWithoutBytesAreLimitedOverTheWholeValue) {
  Bytes bytes = varint(100);
  for (int row = 0; row < 100; ++row) {
    for (const std::byte byte : varint(1000)) bytes.push_back(byte);
  }
  expect_refused_cheaply<std::vector<std::vector<std::monostate>>>(bytes, 4 * kPostcardMaxEmptyItems);
}

TEST(PostcardHostileInput, WhatIsEncodedNeverHasTooManyItemsWithoutBytes) {
  Bytes bytes;
  EXPECT_TRUE(Postcard::encode(std::vector<std::monostate>(kPostcardMaxEmptyItems), bytes));
  EXPECT_FALSE(Postcard::encode(std::vector<std::monostate>(kPostcardMaxEmptyItems + 1), bytes));
}

TEST(PostcardHostileInput, AVarintLongerOrGreaterThanItsTypeIsAnError) {
  const Bytes endless(30, std::byte{0x80});
  expect_refused_cheaply<std::uint16_t>(endless, 0);
  expect_refused_cheaply<Uint128>(endless, 0);
  expect_refused_cheaply<std::string>(endless, 0);
  const auto result = Postcard::decode<std::tuple<bool, std::uint16_t>>(
      Bytes{std::byte{1}, std::byte{0xFF}, std::byte{0xFF}, std::byte{4}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().offset(), 1U);
}

TEST(PostcardHostileInput, EveryWayToBreakUtf8IsAnErrorAtAnyPlaceInAString) {
  const std::string_view broken[] = {
      "\x80",         "\xC0\x80",         "\xC1\xBF",         "\xE0\x80\x80", "\xE0\x9F\xBF",
      "\xED\xA0\x80", "\xED\xBF\xBF",     "\xF0\x80\x80\x80", "\xC3",         "\xE2\x82",
      "\xF0\x9F\x98", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"};
  for (const std::string_view wrong : broken) {
    for (std::size_t before = 0; before < 20; ++before) {
      for (const std::size_t after : {0U, 1U, 9U}) {
        const std::string text = std::string(before, 'x') + std::string(wrong) + std::string(after, 'y');
        Bytes bytes = varint(text.size());
        for (const std::byte byte : as_bytes(text)) bytes.push_back(byte);
        expect_refused_cheaply<std::string>(bytes, 0);
      }
    }
  }
}

struct Entry {
  std::uint64_t id = 0;
  std::string key;
  std::vector<std::uint32_t> numbers;
  std::optional<std::string> note;
  double weight = 0;
};

TEST(Postcard, EncodingIntoAReservedBufferAllocatesNothing) {
  const Entry entry{1ULL << 60, std::string(600, 'k'), {1, 1000, 1'000'000}, std::string(40, 'n'), 1.5};
  Bytes once;
  ASSERT_TRUE(Postcard::encode(entry, once));
  Bytes buffer;
  buffer.reserve(3 * once.size());
  const Allocations used = allocations_in([&] {
    for (int round = 0; round < 3; ++round) EXPECT_TRUE(Postcard::encode(entry, buffer));
  });
  EXPECT_EQ(used.count, 0U);
  EXPECT_EQ(buffer.size(), 3 * once.size());
}

TEST(Postcard, DecodingIntoAValueThatHasTheRoomAllocatesNothing) {
  const Entry entry{1, std::string(600, 'k'), {1, 1000, 1'000'000}, std::string(40, 'n'), 1.5};
  Bytes bytes;
  ASSERT_TRUE(Postcard::encode(entry, bytes));
  Entry target = entry;
  const Allocations used = allocations_in([&] { EXPECT_TRUE(Postcard::decode_into(bytes, target)); });
  EXPECT_EQ(used.count, 0U);
}

}  // namespace
}  // namespace durability
