#pragma once

// Memory that each thread keeps for itself. A build with scheduled threads (sync.hpp) has its own: they share
// one thread of the system.

#ifdef DURABILITY_SCHEDULED
#include DURABILITY_SCHEDULED
#else

namespace durability {

/// The calling thread's own T; made when it first asks, gone when it ends.
template <class T>
T& of_this_thread() {
  thread_local T own;
  return own;
}

}  // namespace durability
#endif
