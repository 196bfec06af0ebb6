#pragma once

// A shortage: the k-th allocation, thread start or descriptor that this program asks for can't be had, once
// or from then on. Counted on all threads while it lies in wait.
//
// Linked into a program, this replaces operator new and pthread_create. Descriptors run out for directories
// that were opened with system_calls().

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "durability/testing/system_calls.hpp"

namespace durability::shortages {

enum class Resource : std::uint8_t { kAllocation, kThread, kDescriptor };
inline constexpr std::array<std::string_view, 3> kResourceNames{"allocation", "thread", "descriptor"};

enum class Lasting : std::uint8_t { kOnce, kFromThenOn };
inline constexpr std::array<std::string_view, 2> kLastingNames{"once", "from-then-on"};

struct Shortage {
  Resource resource = Resource::kAllocation;
  Lasting lasting = Lasting::kOnce;
  std::uint64_t number = 0;  ///< counted from 1; 0: only count
};

/// Where something was asked for: the innermost callers.
struct Site {
  static constexpr std::size_t kDepth = 14;
  std::array<void*, kDepth> callers{};

  [[nodiscard]] std::uint64_t hash() const noexcept;
};

/// What came of one shortage. Lies in memory that the watching process sees too.
struct Tally {
  static constexpr std::size_t kMostSites = 1U << 16U;
  std::uint64_t asked = 0;    ///< how often that resource was asked for
  std::uint64_t refused = 0;  ///< how often in vain
  Site first_refused;
  std::array<std::uint64_t, kMostSites> sites;  ///< of each time, where only counted
};

/// From here on it lies in wait. `tally` must outlive disarm().
void arm(const Shortage& shortage, Tally& tally) noexcept;
void disarm() noexcept;

/// What this thread asks for while it lives is neither counted nor refused: it is the test's own.
class Exempt {
 public:
  Exempt() noexcept;
  ~Exempt();
  Exempt(const Exempt&) = delete;
  Exempt& operator=(const Exempt&) = delete;
};

/// The system's, but that descriptors can run out (EMFILE).
[[nodiscard]] const internal::SystemCalls& system_calls() noexcept;

}  // namespace durability::shortages
