#pragma once

// What a person can do where the system is short of something.

#include <string_view>

namespace durability::internal {

/// What helps against an errno value, to be followed by what to do then: "free some space".
[[nodiscard]] std::string_view remedy_for(int os_error) noexcept;

}  // namespace durability::internal
