// Any bytes, decoded as values of many types: what is accepted is stable once it was encoded again, what is
// refused says where, and memory stays in proportion to the bytes.
//
//   input: type u8, then the bytes

#include <array>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <variant>

#include "durability/durability.hpp"
#include "memory_watch.hpp"
#include "require.hpp"

namespace durability::fuzz {
namespace {

struct Leaf {
  std::optional<std::int64_t> number;
  std::vector<std::uint16_t> words;
  bool operator==(const Leaf&) const = default;
};

enum class Colour : std::uint16_t { kRed = 0, kGreen = 1, kBlue = 700 };

struct Tree {
  std::tuple<std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t> unsigneds;
  std::pair<std::int32_t, char32_t> pair;
  bool flag = false;
  Colour colour = Colour::kRed;
  std::string text;
  std::map<std::string, std::uint32_t> map;
  std::variant<std::monostate, std::uint32_t, Leaf, std::vector<Leaf>> choice;
  std::array<std::uint8_t, 3> array{};
  std::unique_ptr<Leaf> box;
};
bool operator==(const Tree& a, const Tree& b) {
  return std::tie(a.unsigneds, a.pair, a.flag, a.colour, a.text, a.map, a.choice, a.array) ==
             std::tie(b.unsigneds, b.pair, b.flag, b.colour, b.text, b.map, b.choice, b.array) &&
         *a.box == *b.box;
}

struct Empty {
  bool operator==(const Empty&) const = default;
};

// The largest object per byte of input here is an empty leaf, two bytes, or a node of a map; a decoder that
// trusts a count would be off by any factor.
constexpr std::uint64_t kMemoryPerByte = 128;

template <class T>
void check_type(ByteView bytes) {
  Result<T> value = Error(ErrorCode::kNotFound, "not decoded yet");
  {
    const MemoryWatch watch;
    value = Postcard::decode<T>(bytes);
    require(watch.peak_bytes() <= bytes.size() * kMemoryPerByte + kAllowance, "memory is in proportion");
  }
  if (!value) {
    require(value.error().code() == ErrorCode::kDecode, "what is refused is `decode`");
    require(value.error().offset() && *value.error().offset() <= bytes.size(), "and says where");
    return;
  }
  Bytes once;
  require_ok(Postcard::encode(*value, once), "what was decoded can be encoded");
  T target{};
  const auto used = Postcard::decode_into(once, target);
  require_ok(used, "that can be decoded");
  require(*used == once.size(), "all of it is the value");
  Bytes twice;
  require_ok(Postcard::encode(target, twice), "and encoded again");
  require(twice == once, "an encoding is stable");
  if constexpr (std::equality_comparable<T>) require(target == *value, "the value is the same");
  if (!once.empty()) {
    const ByteView cut(once.data(), once.size() - 1);
    require(!Postcard::decode<T>(cut), "an encoding that lacks a byte is refused");
  }
}

void check(ByteView input) {
  if (input.empty()) return;
  const auto bytes = input.subspan(1);
  switch (std::to_integer<unsigned>(input.front()) % 12) {
    case 0: return check_type<Tree>(bytes);
    case 1: return check_type<std::vector<Tree>>(bytes);
    case 2: return check_type<std::map<std::string, std::map<std::uint64_t, Leaf>>>(bytes);
    case 3: return check_type<WalEntry>(bytes);
    case 4: return check_type<CheckpointState>(bytes);
    case 5: return check_type<std::vector<std::string>>(bytes);
    case 6: return check_type<std::vector<Empty>>(bytes);
    case 7: return check_type<std::set<std::optional<std::vector<std::int16_t>>>>(bytes);
    case 8: return check_type<std::unordered_map<std::int64_t, Bytes>>(bytes);
    case 9: return check_type<std::vector<std::vector<std::vector<bool>>>>(bytes);
    case 10:
      return check_type<std::variant<std::string, std::pair<std::uint16_t, std::int16_t>, Empty>>(bytes);
    default: return check_type<std::pair<Uint128, Int128>>(bytes);
  }
}

}  // namespace
}  // namespace durability::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  durability::fuzz::check(std::as_bytes(std::span(data, size)));
  return 0;
}
