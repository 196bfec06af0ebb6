#include "durability/storage/flush_policy.hpp"

namespace durability {

Status FlushPolicy::validate() const {
  const auto* every = std::get_if<Every>(&kind_);
  if (every != nullptr && every->appends == 0) {
    return Error(ErrorCode::kInvalidConfig, "flush policy: every 0 appends")
        .advise("nothing was opened; use at least 1");
  }
  const auto* interval = std::get_if<Interval>(&kind_);
  if (interval != nullptr && interval->duration <= std::chrono::nanoseconds::zero()) {
    return Error(ErrorCode::kInvalidConfig, "flush policy: an interval that is not positive")
        .advise("nothing was opened; use a positive interval, or per_append()");
  }
  return {};
}

bool FlushSchedule::due_after(std::uint64_t appends, std::chrono::steady_clock::time_point now) noexcept {
  pending_ += appends;
  struct Due {
    std::uint64_t pending;
    std::chrono::nanoseconds since_flush;
    bool operator()(FlushPolicy::PerAppend) const noexcept { return true; }
    bool operator()(FlushPolicy::Every every) const noexcept { return pending >= every.appends; }
    bool operator()(FlushPolicy::Interval interval) const noexcept {
      return since_flush >= interval.duration;
    }
    bool operator()(FlushPolicy::Manual) const noexcept { return false; }
  };
  return std::visit(Due{pending_, now - last_flush_}, policy_.kind());
}

}  // namespace durability
