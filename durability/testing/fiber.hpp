#pragma once

// A stack of its own within one thread of the system: what a simulated thread runs on. Handing over costs a
// fraction of what it costs between real threads, and thousands of schedules a second matter. Sanitizers do
// not follow it.

#include <ucontext.h>

#include <cstddef>
#include <functional>
#include <memory>

namespace durability::testing {

/// One that has no body stands for the stack that was there already.
class Fiber {
 public:
  Fiber() = default;
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// The next switch to it begins `body`, which must not return, nor let an exception out. What the body
  /// before left on the stack is forgotten, its destructors are not run.
  void begin(std::function<void()> body);
  /// Returns when something switches back.
  void switch_to(Fiber& other);

 private:
  /// What the runtime keeps for a thread about its exceptions (the C++ ABI's __cxa_eh_globals).
  struct Exceptions {
    void* caught = nullptr;
    unsigned uncaught = 0;
  };

  static void run();

  ucontext_t context_{};
  std::unique_ptr<std::byte[]> stack_;
  std::function<void()> body_;
  Exceptions exceptions_;
};

}  // namespace durability::testing
