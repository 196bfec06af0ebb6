#pragma once

// When buffered bytes are handed to the operating system. Flushing protects from a process crash;
// a power loss needs flush_and_sync.

#include <chrono>
#include <cstdint>
#include <variant>

#include "durability/base/result.hpp"

namespace durability {

/// A full buffer is always written out, whatever the policy: memory is bounded.
class FlushPolicy {
 public:
  struct PerAppend {
    bool operator==(const PerAppend&) const = default;
  };
  struct Every {
    std::uint64_t appends;
    bool operator==(const Every&) const = default;
  };
  struct Interval {
    std::chrono::nanoseconds duration;
    bool operator==(const Interval&) const = default;
  };
  struct Manual {
    bool operator==(const Manual&) const = default;
  };
  using Kind = std::variant<PerAppend, Every, Interval, Manual>;

  /// After each append; a batch flushes once.
  [[nodiscard]] static constexpr FlushPolicy per_append() noexcept { return FlushPolicy(PerAppend{}); }
  /// After every `appends` entries. 0 is `invalid_config` when a writer is opened with it.
  [[nodiscard]] static constexpr FlushPolicy every(std::uint64_t appends) noexcept {
    return FlushPolicy(Every{appends});
  }
  /// When `duration` has passed since the last flush. Looked at on append only: there is no timer, so
  /// the last entries before a pause wait for the next append. Not positive: `invalid_config`.
  [[nodiscard]] static constexpr FlushPolicy interval(std::chrono::nanoseconds duration) noexcept {
    return FlushPolicy(Interval{duration});
  }
  /// Only when flush or flush_and_sync is called.
  [[nodiscard]] static constexpr FlushPolicy manual() noexcept { return FlushPolicy(Manual{}); }

  [[nodiscard]] constexpr const Kind& kind() const noexcept { return kind_; }
  /// `invalid_config` for a policy that makes no sense.
  [[nodiscard]] Status validate() const;

  bool operator==(const FlushPolicy&) const = default;

 private:
  constexpr explicit FlushPolicy(Kind kind) noexcept : kind_(kind) {}

  Kind kind_;
};

/// Counts appends and watches the clock for one writer, and says when its policy asks for a flush.
class FlushSchedule {
 public:
  FlushSchedule(FlushPolicy policy, std::chrono::steady_clock::time_point now) noexcept
      : policy_(policy), last_flush_(now) {}

  /// Whether the policy reads the clock; a writer whose policy does not, need not either.
  [[nodiscard]] bool needs_clock() const noexcept {
    return std::holds_alternative<FlushPolicy::Interval>(policy_.kind());
  }
  /// To be called after `appends` entries; true where a flush is due.
  [[nodiscard]] bool due_after(std::uint64_t appends, std::chrono::steady_clock::time_point now) noexcept;
  void flushed(std::chrono::steady_clock::time_point now) noexcept {
    pending_ = 0;
    last_flush_ = now;
  }

 private:
  FlushPolicy policy_;
  std::uint64_t pending_ = 0;
  std::chrono::steady_clock::time_point last_flush_;
};

}  // namespace durability
