#pragma once

// A Clock whose hands a test turns.

#include <atomic>
#include <chrono>

#include "durability/base/clock.hpp"

namespace durability::testing {

/// Stands still until advance() is called. Thread-safe.
class ManualClock final : public Clock {
 public:
  /// `since_epoch` is what since_unix_epoch() says first; the steady clock begins at its own zero.
  explicit ManualClock(std::chrono::nanoseconds since_epoch = std::chrono::seconds(1'700'000'000)) noexcept
      : start_(since_epoch) {}

  [[nodiscard]] std::chrono::steady_clock::time_point steady_now() const noexcept override {
    return std::chrono::steady_clock::time_point(
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(passed()));
  }
  [[nodiscard]] std::chrono::nanoseconds since_unix_epoch() const noexcept override {
    return start_ + passed();
  }

  /// Both clocks go on by `duration`, which is not negative: a steady clock never goes back.
  void advance(std::chrono::nanoseconds duration) noexcept { passed_.fetch_add(duration.count()); }

 private:
  [[nodiscard]] std::chrono::nanoseconds passed() const noexcept {
    return std::chrono::nanoseconds(passed_.load());
  }

  std::chrono::nanoseconds start_;
  std::atomic<std::chrono::nanoseconds::rep> passed_{0};
};

}  // namespace durability::testing
