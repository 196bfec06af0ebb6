#pragma once

// Time, passed in: the age of a segment, the interval flush policy and created_at read a Clock, so
// that a test turns the hands itself.

#include <chrono>
#include <memory>

namespace durability {

class Clock {
 public:
  virtual ~Clock() = default;
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;

  /// For durations: never goes back. Called from several threads.
  [[nodiscard]] virtual std::chrono::steady_clock::time_point steady_now() const noexcept = 0;
  /// For people: what stands in a segment's header.
  [[nodiscard]] virtual std::chrono::nanoseconds since_unix_epoch() const noexcept = 0;

  /// The machine's own clock.
  [[nodiscard]] static std::shared_ptr<const Clock> system();
};

}  // namespace durability
