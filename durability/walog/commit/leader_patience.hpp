#pragma once

// How long a leader of a group commit waits for others before its sync. Measured in yields to the
// scheduler, not in time; it adapts: where those who were woken came in time before, the leader waits longer.

#include <algorithm>
#include <cstddef>

namespace durability::walog {

/// Guarded by the group commit's mutex.
class LeaderPatience {
 public:
  /// Somebody waits for a sync that has not begun.
  void arrived() noexcept { ++arrived_; }
  /// So many were released by a sync.
  void released(std::size_t waiters) noexcept { expected_ = waiters; }

  /// How often the leader may yield to others before the next sync.
  [[nodiscard]] std::size_t yields() noexcept {
    if (++groups_ % kTryAgain == 0) patience_ = std::max(patience_, kFewTurns);
    return patience_;
  }
  [[nodiscard]] bool complete() const noexcept { return arrived_ >= expected_; }
  /// The sync begins. Those who did not come are not waited for as long the next time.
  void begun() noexcept {
    patience_ = complete() ? std::min(2 * patience_ + 1, kMostTurns) : patience_ / 2;
    arrived_ = 0;
  }

 private:
  static constexpr std::size_t kMostTurns = 32;
  static constexpr std::size_t kFewTurns = 4;
  static constexpr std::size_t kTryAgain = 64;

  std::size_t arrived_ = 0;
  std::size_t expected_ = 0;
  std::size_t patience_ = kFewTurns;
  std::size_t groups_ = 0;
};

}  // namespace durability::walog
