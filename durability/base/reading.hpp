#pragma once

// What all readers of logs share: how much they put up with, and how a callback that is shown one thing after
// the other says whether it wants more.

#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "durability/base/result.hpp"

namespace durability {

/// How much a reader puts up with.
enum class ReadMode : std::uint8_t {
  kStrict,      ///< anything but a clean end is an error
  kBestEffort,  ///< a tail that no acknowledgement covers is left out; damage to acknowledged entries is not
};

enum class Flow : std::uint8_t { kContinue, kStop };

namespace internal {
// A callback may return nothing, a Status (an error ends the reading), a Flow, or a Result<Flow>.
template <class Call>
Result<Flow> flow_of(Call&& call) {
  using Returned = std::invoke_result_t<Call>;
  if constexpr (std::is_void_v<Returned>) {
    std::forward<Call>(call)();
    return Flow::kContinue;
  } else if constexpr (std::same_as<Returned, Status>) {
    DURABILITY_TRY(std::forward<Call>(call)());
    return Flow::kContinue;
  } else {
    return std::forward<Call>(call)();
  }
}
}  // namespace internal

}  // namespace durability
