#pragma once

// Memory that ends for what is large, on one thread.

#include <cstddef>

namespace durability::schedules {

inline constexpr std::size_t kLarge = 100'000;

/// One in a life.
class LargeMemory {
 public:
  LargeMemory() noexcept;
  ~LargeMemory();
  LargeMemory(const LargeMemory&) = delete;
  LargeMemory& operator=(const LargeMemory&) = delete;

  /// From here on the calling thread gets no piece of kLarge bytes.
  static void end_for_this_thread() noexcept;
};

}  // namespace durability::schedules
