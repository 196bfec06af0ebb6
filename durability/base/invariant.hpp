#pragma once

// What must hold of an object between two calls. Checked where DURABILITY_INVARIANTS is defined: in every
// Debug build, so in the tests (CMake's option of that name), never in a release. What a caller or a disk can
// bring about is no invariant: that gets an Error.

namespace durability::internal {
/// Says which, and aborts.
[[noreturn]] void invariant_is_broken(const char* what, const char* file, int line) noexcept;
}  // namespace durability::internal

#ifdef DURABILITY_INVARIANTS
#define DURABILITY_INVARIANT(holds) \
  ((holds) ? static_cast<void>(0) : ::durability::internal::invariant_is_broken(#holds, __FILE__, __LINE__))
#else
#define DURABILITY_INVARIANT(holds) static_cast<void>(sizeof((holds) ? 1 : 0))
#endif
