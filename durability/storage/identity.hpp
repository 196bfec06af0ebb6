#pragma once

// What Directory::identity() is made of.

#include <atomic>
#include <cstdint>

namespace durability::internal {

/// Every bit of `number` changes about half of the bits (the last step of SplitMix64).
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t number) noexcept {
  number = (number ^ (number >> 30U)) * 0xbf58476d1ce4e5b9U;
  number = (number ^ (number >> 27U)) * 0x94d049bb133111ebU;
  return number ^ (number >> 31U);
}

[[nodiscard]] constexpr std::uint64_t identity_of(std::uint64_t device, std::uint64_t inode) noexcept {
  return mix(mix(device + 0x9e3779b97f4a7c15U) + inode);
}

/// For a place that is nowhere but in this process.
[[nodiscard]] inline std::uint64_t new_identity() noexcept {
  static std::atomic<std::uint64_t> made = 0;
  return mix(~made.fetch_add(1));
}

}  // namespace durability::internal
