#pragma once

// Strings and byte strings, vectors, arrays, sets and maps.

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "durability/codec/postcard_buckets.hpp"
#include "durability/codec/postcard_scalar.hpp"

namespace durability::internal {

/// Views are encoded like what they view. They are not decoded: a value must not outlive its payload
/// unnoticed.
template <class View>
struct NotDecoded {
  template <class T>
  static bool decode(T&, PostcardDecoder&) {
    static_assert(
        !std::same_as<T, View>,
        "Postcard encodes views but does not decode them: use std::string or durability::Bytes, and "
        "decode_into() to use their memory again");
    return false;
  }
};

template <>
struct PostcardRule<std::string_view> : NotDecoded<std::string_view> {
  static bool encode(std::string_view text, PostcardEncoder& encoder) {
    if (!is_utf8(text)) return encoder.fail("a string that is not UTF-8 (durability::Bytes takes any bytes)");
    encoder.put_varint(std::uint64_t{text.size()});
    encoder.put_bytes(text.data(), text.size());
    return true;
  }
};

template <>
struct PostcardRule<std::string> {
  static consteval std::size_t min_bytes() { return 1; }
  static bool encode(const std::string& text, PostcardEncoder& encoder) {
    return PostcardRule<std::string_view>::encode(text, encoder);
  }
  static bool decode(std::string& target, PostcardDecoder& decoder) {
    std::uint64_t length = 0;
    ByteView bytes;
    if (!decoder.take_varint(length) || !decoder.take_bytes(length, bytes)) return false;
    const std::string_view text = as_text(bytes);
    if (!is_utf8(text))
      return decoder.fail_at(decoder.position() - bytes.size(), "a string that is not UTF-8");
    target = text;
    return true;
  }
};

template <>
struct PostcardRule<ByteView> : NotDecoded<ByteView> {
  static bool encode(ByteView bytes, PostcardEncoder& encoder) {
    encoder.put_varint(std::uint64_t{bytes.size()});
    encoder.put_bytes(bytes.data(), bytes.size());
    return true;
  }
};

// What every counted sequence does around its items: `each` encodes or decodes one.
template <class Items, class Each>
bool encode_counted(const Items& items, PostcardEncoder& encoder, Each each) {
  encoder.put_varint(std::uint64_t{items.size()});
  if (!encoder.enter()) return false;
  for (const auto& item : items) {
    const std::size_t start = encoder.position();
    if (!each(item) || !encoder.count_item(start)) return false;
  }
  encoder.leave();
  return true;
}

template <class Each>
bool decode_counted(std::uint64_t count, PostcardDecoder& decoder, Each each) {
  if (!decoder.enter()) return false;
  for (std::uint64_t index = 0; index < count; ++index) {
    const std::size_t start = decoder.position();
    if (!each(static_cast<std::size_t>(index)) || !decoder.count_item(start)) return false;
  }
  decoder.leave();
  return true;
}

template <class T>
struct PostcardRule<std::vector<T>> {
  static consteval std::size_t min_bytes() { return 1; }

  static bool encode(const std::vector<T>& items, PostcardEncoder& encoder) {
    return encode_counted(items, encoder, [&](const T& item) { return encode_value(item, encoder); });
  }

  static bool decode(std::vector<T>& target, PostcardDecoder& decoder) {
    std::uint64_t count = 0;
    if (!decoder.take_count(internal::min_bytes<T>(), count)) return false;
    if (count < target.size()) target.resize(static_cast<std::size_t>(count));
    if (count > target.capacity()) target.reserve(decoder.grant(count, sizeof(T)));
    return decode_counted(count, decoder, [&](std::size_t index) {
      if (index == target.size()) target.emplace_back();
      return decode_value(target[index], decoder);
    });
  }
};

/// Byte strings, and runs of anything else whose encoding is its memory.
template <FixedWidth T>
struct PostcardRule<std::vector<T>> {
  static consteval std::size_t min_bytes() { return 1; }

  static bool encode(const std::vector<T>& items, PostcardEncoder& encoder) {
    encoder.put_varint(std::uint64_t{items.size()});
    encoder.put_bytes(items.data(), items.size() * sizeof(T));
    return true;
  }

  static bool decode(std::vector<T>& target, PostcardDecoder& decoder) {
    std::uint64_t count = 0;
    ByteView bytes;
    if (!decoder.take_count(sizeof(T), count) || !decoder.take_bytes(count * sizeof(T), bytes)) return false;
    target.resize(static_cast<std::size_t>(count));
    if (!bytes.empty()) std::memcpy(target.data(), bytes.data(), bytes.size());
    return true;
  }
};

template <>
struct PostcardRule<std::vector<bool>> {
  static consteval std::size_t min_bytes() { return 1; }

  static bool encode(const std::vector<bool>& items, PostcardEncoder& encoder) {
    return encode_counted(items, encoder, [&](bool item) { return encode_value(item, encoder); });
  }

  static bool decode(std::vector<bool>& target, PostcardDecoder& decoder) {
    std::uint64_t count = 0;
    if (!decoder.take_count(1, count)) return false;
    target.assign(static_cast<std::size_t>(count), false);  // a bit each, for a byte each in the payload
    return decode_counted(count, decoder, [&](std::size_t index) {
      bool item = false;
      if (!decode_value(item, decoder)) return false;
      target[index] = item;
      return true;
    });
  }
};

template <class T, std::size_t Size>
struct PostcardRule<std::array<T, Size>> {
  static consteval std::size_t min_bytes() { return Size * internal::min_bytes<T>(); }

  static bool encode(const std::array<T, Size>& items, PostcardEncoder& encoder) {
    if constexpr (FixedWidth<T>) {
      encoder.put_bytes(items.data(), Size * sizeof(T));
      return true;
    } else {
      return std::ranges::all_of(items, [&](const T& item) { return encode_value(item, encoder); });
    }
  }
  static bool decode(std::array<T, Size>& target, PostcardDecoder& decoder) {
    return std::ranges::all_of(target, [&](T& item) { return decode_value(item, decoder); });
  }
};

/// The items of an unordered container in the order of their keys, so that equal values have equal
/// encodings. This allocates two words for each.
template <Unordered Container>
auto in_order(const Container& container) {
  static_assert(std::totally_ordered<typename Container::key_type>,
                "Postcard encodes unordered containers in the order of their keys: give the key operator<=>");
  auto items = placed_items(container);
  std::ranges::sort(items, [](const auto& left, const auto& right) {
    return key_of<Container>(*left.item) < key_of<Container>(*right.item);
  });
  return items;
}

/// Sets and maps. Where a key comes twice the last value wins, as with serde; a set keeps one.
template <class Container>
struct KeyedRule {
  using Key = typename Container::key_type;
  using Item = typename Container::value_type;

  static consteval std::size_t min_bytes() { return 1; }

  static bool encode(const Container& container, PostcardEncoder& encoder) {
    if constexpr (Unordered<Container>) {
      return encode_counted(in_order(container), encoder, [&](const PlacedItem<Container>& placed) {
        const std::size_t start = encoder.position();
        if (!encode_value(key_of<Container>(*placed.item), encoder)) return false;
        const std::size_t key_bytes = encoder.position() - start;
        return encoder.compare(comparisons(placed.beside, key_bytes)) && put_mapped(*placed.item, encoder);
      });
    } else {
      return encode_counted(container, encoder, [&](const Item& item) { return put(item, encoder); });
    }
  }

  static bool decode(Container& target, PostcardDecoder& decoder) {
    std::uint64_t count = 0;
    if (!decoder.take_count(min_item_bytes(), count)) return false;
    if constexpr (Unordered<Container>) {
      empty_for(count, target);
    } else {
      target.clear();
    }
    return decode_counted(count, decoder, [&](std::size_t) { return take_into(target, decoder); });
  }

 private:
  static consteval std::size_t min_item_bytes() {
    if constexpr (MapLike<Container>) {
      return internal::min_bytes<Key>() + internal::min_bytes<typename Container::mapped_type>();
    } else {
      return internal::min_bytes<Key>();
    }
  }

  static bool put(const Item& item, PostcardEncoder& encoder) {
    if constexpr (MapLike<Container>) {
      return encode_value(item.first, encoder) && encode_value(item.second, encoder);
    } else {
      return encode_value(item, encoder);
    }
  }
  static bool put_mapped([[maybe_unused]] const Item& item, [[maybe_unused]] PostcardEncoder& encoder) {
    if constexpr (MapLike<Container>) {
      return encode_value(item.second, encoder);
    } else {
      return true;
    }
  }

  static bool take_into(Container& target, PostcardDecoder& decoder) {
    const std::size_t start = decoder.position();
    Key key{};
    if (!decode_value(key, decoder)) return false;
    if constexpr (Unordered<Container>) {
      if (!admit_key(target, key, start, decoder)) return false;
    }
    if constexpr (MapLike<Container>) {
      typename Container::mapped_type value{};
      if (!decode_value(value, decoder)) return false;
      target.insert_or_assign(target.end(), std::move(key), std::move(value));
    } else {
      target.insert(target.end(), std::move(key));
    }
    return true;
  }
};

template <class... Parameters>
struct PostcardRule<std::map<Parameters...>> : KeyedRule<std::map<Parameters...>> {};
template <class... Parameters>
struct PostcardRule<std::set<Parameters...>> : KeyedRule<std::set<Parameters...>> {};
template <class... Parameters>
struct PostcardRule<std::unordered_map<Parameters...>> : KeyedRule<std::unordered_map<Parameters...>> {};
template <class... Parameters>
struct PostcardRule<std::unordered_set<Parameters...>> : KeyedRule<std::unordered_set<Parameters...>> {};

}  // namespace durability::internal
