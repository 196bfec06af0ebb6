#pragma once

#include <type_traits>

namespace durability {

/// Whether there is nothing to call in it: a null pointer, an empty std::function and its like.
template <class Callable>
[[nodiscard]] constexpr bool calls_nothing(const Callable& callable) noexcept {
  if constexpr (std::is_pointer_v<Callable> || std::is_member_pointer_v<Callable>) {
    return callable == nullptr;
  } else if constexpr (requires {
                         callable == nullptr;
                         callable.operator bool();
                       }) {
    return !callable.operator bool();
  } else {
    return false;
  }
}

}  // namespace durability
