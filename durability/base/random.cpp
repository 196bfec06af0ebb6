#include "durability/base/random.hpp"

#include <sys/random.h>

#include <atomic>
#include <chrono>

namespace durability {
namespace {

class SystemRandom final : public Random {
 public:
  [[nodiscard]] std::uint64_t next_u64() override {
    std::uint64_t value = 0;
    if (::getrandom(&value, sizeof value, 0) == static_cast<ssize_t>(sizeof value)) return value;
    // Without the system's generator a clock and a counter still never repeat within a process.
    const auto now = std::chrono::system_clock::now().time_since_epoch().count();
    return static_cast<std::uint64_t>(now) * 0x9e3779b97f4a7c15U + fallback_.fetch_add(1);
  }

 private:
  std::atomic<std::uint64_t> fallback_{0};
};

}  // namespace

std::shared_ptr<Random> Random::system() {
  static const auto kRandom = std::make_shared<SystemRandom>();
  return kRandom;
}

}  // namespace durability
