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
  const FlushPolicy::Kind& kind = policy_.kind();
  if (const auto* every = std::get_if<FlushPolicy::Every>(&kind)) return pending_ >= every->appends;
  if (const auto* interval = std::get_if<FlushPolicy::Interval>(&kind)) {
    return now - last_flush_ >= interval->duration;
  }
  return std::holds_alternative<FlushPolicy::PerAppend>(kind);
}

}  // namespace durability
