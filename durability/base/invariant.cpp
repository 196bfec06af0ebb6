#include "durability/base/invariant.hpp"

#include <cstdio>
#include <cstdlib>

namespace durability::internal {

void invariant_is_broken(const char* what, const char* file, int line) noexcept {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg,hicpp-vararg): nothing that could need memory
  static_cast<void>(std::fprintf(stderr, "durability: %s:%d: does not hold: %s\n", file, line, what));
  std::abort();
}

}  // namespace durability::internal
