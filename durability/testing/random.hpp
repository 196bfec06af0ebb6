#pragma once

// Randomness that repeats: everything random in a test comes from one seed, which its failure prints.

#include <atomic>
#include <cstdint>

#include "durability/base/bytes.hpp"
#include "durability/base/random.hpp"

namespace durability::testing {

/// The next number of the sequence that `state` stands in (SplitMix64, Steele, Lea and Flood 2014: any
/// seed will do, 0 too).
[[nodiscard]] constexpr std::uint64_t next_random(std::uint64_t& state) noexcept {
  std::uint64_t mixed = (state += 0x9e3779b97f4a7c15U);
  mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
  mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
  return mixed ^ (mixed >> 31U);
}

/// The same numbers for the same seed, on every machine. Thread-safe; threads share one sequence.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) noexcept : state_(seed) {}

  [[nodiscard]] std::uint64_t next_u64() override {
    std::uint64_t before = state_.fetch_add(0x9e3779b97f4a7c15U);
    return next_random(before);
  }
  /// A number below `limit`; 0 where `limit` is 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t limit) { return limit == 0 ? 0 : next_u64() % limit; }
  [[nodiscard]] bool one_in(std::uint64_t chances) { return below(chances) == 0; }
  /// `size` random bytes.
  [[nodiscard]] Bytes bytes(std::size_t size) {
    Bytes made(size);
    for (auto& byte : made) byte = static_cast<std::byte>(next_u64() & 0xffU);
    return made;
  }

 private:
  std::atomic<std::uint64_t> state_;
};

}  // namespace durability::testing
