#include "durability/base/clock.hpp"

namespace durability {
namespace {

class SystemClock final : public Clock {
 public:
  [[nodiscard]] std::chrono::steady_clock::time_point steady_now() const noexcept override {
    return std::chrono::steady_clock::now();
  }
  [[nodiscard]] std::chrono::nanoseconds since_unix_epoch() const noexcept override {
    return std::chrono::system_clock::now().time_since_epoch();
  }
};

}  // namespace

std::shared_ptr<const Clock> Clock::system() {
  static const auto kClock = std::make_shared<const SystemClock>();
  return kClock;
}

}  // namespace durability
