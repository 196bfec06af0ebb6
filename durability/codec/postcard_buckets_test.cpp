// Hash flooding. 160,000 keys in one bucket of an unordered_map, 958 KB of payload, took 55 seconds to
// decode: each was compared with all that were there. Comparisons are counted here, not seconds.

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "durability/codec/postcard.hpp"

namespace durability {
namespace {

thread_local std::uint64_t comparisons = 0;
thread_local std::uint64_t compared_bytes = 0;

struct CountingEqual {
  bool operator()(std::uint64_t left, std::uint64_t right) const {
    ++comparisons;
    return left == right;
  }
  bool operator()(const std::string& left, const std::string& right) const {
    ++comparisons;
    compared_bytes += left.size() == right.size() ? left.size() : 0;
    return left == right;
  }
};

struct OneHash {
  std::size_t operator()(const auto&) const { return 42; }
};

template <class Key, class Hash = std::hash<Key>>
using Map = std::unordered_map<Key, std::uint8_t, Hash, CountingEqual>;
template <class Key, class Hash = std::hash<Key>>
using Set = std::unordered_set<Key, Hash, CountingEqual>;

/// As any program could have written it: the encoding of a sequence of pairs is that of a map.
template <class Key>
Bytes map_of(const std::vector<Key>& keys) {
  std::vector<std::pair<Key, std::uint8_t>> items;
  for (const Key& key : keys) items.emplace_back(key, std::uint8_t{1});
  Bytes bytes;
  EXPECT_TRUE(Postcard::encode(items, bytes));
  return bytes;
}

std::vector<std::uint64_t> multiples(std::uint64_t of, std::uint64_t count) {
  std::vector<std::uint64_t> keys;
  for (std::uint64_t i = 1; i <= count; ++i) keys.push_back(i * of);
  return keys;
}

std::uint64_t limit_of(ByteView payload) {
  // The first few of a container are not counted, and a rehash compares nothing.
  return kPostcardMaxComparisons + kPostcardMaxComparisonsPerByte * payload.size() + 1000;
}

template <class T>
void expect_refused_within_the_limit(ByteView payload) {
  comparisons = 0;
  const auto decoded = Postcard::decode<T>(payload);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code(), ErrorCode::kDecode);
  EXPECT_GT(decoded.error().offset(), 0U);
  EXPECT_GT(comparisons, 0U);
  EXPECT_LE(comparisons, limit_of(payload));
}

TEST(PostcardBuckets, KeysOfOneHashAreRefusedAfterComparisonsLinearInTheBytes) {
  for (const std::uint64_t count : {10'000U, 60'000U}) {
    const auto keys = multiples(1, count);
    expect_refused_within_the_limit<Map<std::uint64_t, OneHash>>(map_of(keys));
    Bytes set;
    ASSERT_TRUE(Postcard::encode(keys, set));
    expect_refused_within_the_limit<Set<std::uint64_t, OneHash>>(set);
  }
}

TEST(PostcardBuckets, ContainersOfOneValueShareTheLimit) {
  // Each of them alone is within it.
  const std::vector<std::vector<std::uint64_t>> rows(30, multiples(1, 2000));
  Bytes payload;
  ASSERT_TRUE(Postcard::encode(rows, payload));
  expect_refused_within_the_limit<std::vector<Set<std::uint64_t, OneHash>>>(payload);
}

TEST(PostcardBuckets, LongKeysCountForMore) {
  // 1,000 keys make half a million comparisons, which is little, but of 4 KiB each, which is not.
  std::vector<std::string> keys;
  for (int i = 0; i < 1000; ++i) keys.push_back(std::string(4096, 'x') + std::to_string(1000 + i));
  const Bytes payload = map_of(keys);
  compared_bytes = 0;
  const auto decoded = Postcard::decode<Map<std::string, OneHash>>(payload);
  ASSERT_FALSE(decoded);
  EXPECT_LE(compared_bytes, 8 * limit_of(payload) + 1'000'000);
}

#ifdef __GLIBCXX__
// Strings of one std::hash, as a stranger would make them: libstdc++ hashes with MurmurHash64A and a seed
// that is known, so for any first eight bytes there are eight more that lead to the same sum.
std::vector<std::string> strings_of_one_hash(std::size_t count) {
  constexpr std::uint64_t kMul = (std::uint64_t{0xc6a4a793} << 32U) + 0x5bd1e995;
  std::uint64_t inverse = kMul;  // mod 2^64, by Newton
  for (int i = 0; i < 6; ++i) inverse *= 2 - kMul * inverse;
  const auto mix = [](std::uint64_t v) { return v ^ (v >> 47U); };
  std::vector<std::string> found;
  for (std::uint64_t n = 0; found.size() < count; ++n) {
    std::uint64_t first = 0x4040404040404040;
    for (unsigned digit = 0; digit < 8; ++digit) first += ((n >> (4 * digit)) & 15U) << (8 * digit);
    const std::uint64_t after = (std::uint64_t{0xc70f6907} ^ (16 * kMul) ^ (mix(first * kMul) * kMul)) * kMul;
    const std::uint64_t second = mix((after ^ 0x1234) * inverse) * inverse;
    if ((second & 0x8080808080808080) != 0) continue;  // not ASCII
    std::string text(16, '\0');
    std::memcpy(text.data(), &first, 8);
    std::memcpy(text.data() + 8, &second, 8);
    found.push_back(std::move(text));
  }
  return found;
}

TEST(PostcardBuckets, StringsOfOneStandardHashAreRefused) {
  if (std::endian::native != std::endian::little) GTEST_SKIP() << "made for little-endian machines";
  const auto keys = strings_of_one_hash(5000);
  ASSERT_EQ(std::hash<std::string>()(keys.front()), std::hash<std::string>()(keys.back()));
  expect_refused_within_the_limit<Map<std::string>>(map_of(keys));
}
#endif

TEST(PostcardBuckets, NumbersThatAreMultiplesOfEachCountOfBucketsAreReadInLittleWork) {
  // The standard hash of a number is the number. Whatever count of buckets a container of so many keys comes
  // through, multiples of it all meet in its first bucket; an honest program's keys may be such, and they are
  // read, because they are not multiples of the next count.
  Set<std::uint64_t> growing;
  std::vector<std::uint64_t> counts;
  for (std::uint64_t key = 0; key < 15'000; ++key) {
    growing.insert(key);
    if (counts.empty() || counts.back() != growing.bucket_count()) counts.push_back(growing.bucket_count());
  }
  for (const std::uint64_t count : counts) {
    const auto keys = multiples(count, 15'000);
    const Bytes payload = map_of(keys);
    comparisons = 0;
    const auto decoded = Postcard::decode<Map<std::uint64_t>>(payload);
    ASSERT_TRUE(decoded) << count << ": " << decoded.error().to_string();
    EXPECT_EQ(decoded->size(), keys.size());
    EXPECT_LE(comparisons, 20 * keys.size()) << count;
    Bytes again;
    EXPECT_TRUE(Postcard::encode(*decoded, again));
    EXPECT_EQ(again, payload);
  }
}

TEST(PostcardBuckets, NumbersThatAreMultiplesOfManyCountsOfBucketsAreReadOrRefusedWithinTheLimit) {
  Set<std::uint64_t> growing;
  growing.rehash(15'000);
  std::uint64_t product = 1;
  for (int factors = 0; factors < 3; ++factors) {
    product *= growing.bucket_count();
    growing.rehash(2 * growing.bucket_count() + 1);
  }
  const Bytes payload = map_of(multiples(product, 15'000));
  comparisons = 0;
  const auto decoded = Postcard::decode<Map<std::uint64_t>>(payload);
  EXPECT_LE(comparisons, limit_of(payload));
  EXPECT_TRUE(!decoded || decoded->size() == 15'000U);
}

TEST(PostcardBuckets, WhatIsEncodedCanBeDecodedHoweverPoorItsHash) {
  for (const std::uint64_t count : {100U, 1000U, 2000U}) {
    Map<std::uint64_t, OneHash> map;
    for (const std::uint64_t key : multiples(3, count)) map.emplace(key, std::uint8_t{7});
    Bytes bytes;
    ASSERT_TRUE(Postcard::encode(map, bytes)) << count;
    EXPECT_EQ((Postcard::decode<Map<std::uint64_t, OneHash>>(bytes).value()), map);
  }
  Set<std::uint64_t, OneHash> too_many;
  for (const std::uint64_t key : multiples(3, 4000)) too_many.insert(key);
  Bytes bytes(3);
  const Status encoded = Postcard::encode(too_many, bytes);
  ASSERT_FALSE(encoded);
  EXPECT_EQ(encoded.error().code(), ErrorCode::kEncode);
  EXPECT_EQ(bytes.size(), 3U);
}

TEST(PostcardBuckets, AKeyThatComesTwiceStillIsNoError) {
  const Bytes payload = map_of(std::vector<std::uint64_t>(50'000, 7));
  comparisons = 0;
  EXPECT_EQ(Postcard::decode<Map<std::uint64_t>>(payload).value().size(), 1U);
  EXPECT_LE(comparisons, 2 * 50'000U);
}

// Clearing a container goes through all of its buckets. One large map in a log made each small one that was
// decoded into the same value after it pay for its size.
TEST(PostcardBuckets, ASmallValueDecodedIntoALargeOneIsNotChargedForItsBuckets) {
  Map<std::uint64_t> target;
  ASSERT_TRUE(Postcard::decode_into(map_of(multiples(1, 20'000)), target));
  ASSERT_GE(target.bucket_count(), 20'000U);
  ASSERT_TRUE(Postcard::decode_into(map_of(multiples(1, 3)), target));
  EXPECT_EQ(target.size(), 3U);
  EXPECT_LE(target.bucket_count(), 1000U);
}

}  // namespace
}  // namespace durability
