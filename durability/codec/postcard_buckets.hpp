#pragma once

// Unordered containers, whose keys may be chosen so that all of them fall into one bucket: each insertion
// then compares the key with all that are there, and a payload of a megabyte takes a minute. What keys that
// share a bucket cost is counted, and limited by the bytes of the payload.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "durability/codec/postcard_decoder.hpp"
#include "durability/codec/postcard_encoder.hpp"

namespace durability::internal {

template <class Container>
concept Unordered = requires { typename Container::hasher; };

template <class Container>
concept MapLike = requires { typename Container::mapped_type; };

/// Of one value's keys in so small a container none is counted: together they cost no more than as many
/// comparisons each.
inline constexpr std::size_t kFewKeys = 16;
/// As many keys in one bucket are no accident of a sound hash.
inline constexpr std::uint64_t kLongChain = 32;

/// What comparing a key with `others` costs, whose encoding has that many bytes.
constexpr std::uint64_t comparisons(std::uint64_t others, std::size_t key_bytes) {
  return others * (1 + key_bytes / 8);
}

/// How many keys stand where `key` would go; counted up to `most`.
template <Unordered Container>
std::uint64_t keys_beside(const Container& container, const typename Container::key_type& key,
                          std::uint64_t most) {
  const std::size_t bucket = container.bucket(key);
  std::uint64_t keys = 0;
  for (auto at = container.begin(bucket); at != container.end(bucket) && keys < most; ++at) ++keys;
  return keys;
}

/// Before `key`, which was decoded from `start` to where the decoder stands, is inserted: refuses it where
/// that is too much work.
template <Unordered Container>
bool admit_key(Container& container, const typename Container::key_type& key, std::size_t start,
               PostcardDecoder& decoder) {
  if (container.size() < kFewKeys) return true;
  const std::size_t key_bytes = decoder.position() - start;
  std::uint64_t beside = keys_beside(container, key, decoder.comparisons_left() + 1);
  // Numbers that are multiples of this count of buckets, say, are no multiples of another one.
  if (beside > kLongChain && container.bucket_count() / 4 < container.size()) {
    if (!decoder.compare(beside + container.size(), start)) return false;
    container.rehash(2 * container.bucket_count() + 1);
    beside = keys_beside(container, key, decoder.comparisons_left() + 1);
  }
  return decoder.compare(comparisons(beside, key_bytes), start);
}

/// Empties a container that `count` items are decoded into. One that has grown large for an earlier value
/// is let go: clearing goes through all of its buckets, and would do so for each small value after it.
template <Unordered Container>
void empty_for(std::uint64_t count, Container& container) {
  if (container.bucket_count() / 16 <= count + kFewKeys) return container.clear();
  container = Container(0, container.hash_function(), container.key_eq(), container.get_allocator());
}

/// An item on its way to the encoder.
template <Unordered Container>
struct PlacedItem {
  const typename Container::value_type* item;
  std::uint64_t beside;  ///< other keys in its bucket
};

template <Unordered Container>
const typename Container::key_type& key_of(const typename Container::value_type& item) {
  if constexpr (MapLike<Container>) {
    return item.first;
  } else {
    return item;
  }
}

/// All items, as they stand in their buckets.
template <Unordered Container>
std::vector<PlacedItem<Container>> placed_items(const Container& container) {
  std::vector<PlacedItem<Container>> items;
  items.reserve(container.size());
  for (const auto& item : container) items.push_back({.item = &item, .beside = 0});
  if (items.size() <= kFewKeys) return items;
  const auto bucket_at = [&](std::size_t at) { return container.bucket(key_of<Container>(*items[at].item)); };
  std::size_t bucket = bucket_at(0);
  for (std::size_t begin = 0; begin < items.size();) {  // those of a bucket stand side by side
    std::size_t end = begin + 1;
    std::size_t next = 0;
    while (end < items.size() && (next = bucket_at(end)) == bucket) ++end;
    for (std::size_t at = begin; at < end; ++at) items[at].beside = end - begin - 1;
    begin = end;
    bucket = next;
  }
  return items;
}

}  // namespace durability::internal
