#pragma once

// The most memory that is held at once while it lives, beyond what was held when it began. Counts only under
// AddressSanitizer; elsewhere it says 0. One at a time.

#include <cstdint>

namespace durability::fuzz {

class MemoryWatch {
 public:
  MemoryWatch() noexcept;
  ~MemoryWatch();
  MemoryWatch(const MemoryWatch&) = delete;
  MemoryWatch& operator=(const MemoryWatch&) = delete;

  [[nodiscard]] static std::uint64_t peak_bytes() noexcept;
};

/// What the library may take of a file of unknown origin: docs/failure-model.md, "Hostile input".
inline constexpr std::uint64_t kAllowance = std::uint64_t{1} << 20U;

}  // namespace durability::fuzz
