#pragma once

// Mutexes, conditions, threads, and the atomics that carry a protocol between threads. All of the library
// takes them from here, so that a test can put others in their place that visit every interleaving: a build
// that defines DURABILITY_SCHEDULED includes the header of that name, which defines the same types.

#ifdef DURABILITY_SCHEDULED
#include DURABILITY_SCHEDULED
#else
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace durability {

using Mutex = std::mutex;
template <class T>
using Atomic = std::atomic<T>;

/// Lets other threads run.
inline void yield() noexcept { std::this_thread::yield(); }

namespace internal {
using SystemCondition = std::condition_variable;
using SystemThread = std::thread;
/// Says who calls: to be compared with SystemThread::get_id().
inline SystemThread::id this_thread_id() noexcept { return std::this_thread::get_id(); }
}  // namespace internal

}  // namespace durability
#endif

#include <cerrno>
#include <memory>
#include <mutex>
#include <system_error>
#include <utility>

#include "durability/base/process.hpp"
#include "durability/base/result.hpp"

namespace durability {

using Lock = std::unique_lock<Mutex>;
using LockGuard = std::lock_guard<Mutex>;

/// Lets go of a mutex while it lives.
class Dropped {
 public:
  explicit Dropped(Lock& lock) : lock_(lock) { lock_.unlock(); }
  ~Dropped() { lock_.lock(); }
  Dropped(const Dropped&) = delete;
  Dropped& operator=(const Dropped&) = delete;

 private:
  Lock& lock_;
};

/// As std::condition_variable, but may be destroyed in a child of fork: the threads that wait on it there are
/// not there, and destroying the system's own would wait for them for ever.
class Condition {
 public:
  Condition() noexcept { std::construct_at(&condition_); }
  ~Condition() {
    if (!home_.left()) std::destroy_at(&condition_);
  }
  Condition(const Condition&) = delete;
  Condition& operator=(const Condition&) = delete;

  void notify_one() noexcept { condition_.notify_one(); }
  void notify_all() noexcept { condition_.notify_all(); }
  void wait(Lock& lock) { condition_.wait(lock); }
  template <class Predicate>
  void wait(Lock& lock, Predicate predicate) {
    condition_.wait(lock, std::move(predicate));
  }

 private:
  union {
    internal::SystemCondition condition_;
  };
  internal::HomeProcess home_;
};

/// A thread, or none. Movable. Must be joined before it is destroyed; in a child of fork, where it is not,
/// both do nothing.
class Thread {
 public:
  Thread() noexcept = default;
  Thread(Thread&& other) noexcept = default;
  Thread& operator=(Thread&& other) noexcept = default;
  ~Thread() {
    if (joinable() && home_.left()) thread_.detach();
  }

  /// Runs `body`, which must not throw, on a thread of its own. `io` where the system has no more threads to
  /// give; nothing was started then.
  template <class Body>
  [[nodiscard]] static Result<Thread> start(Body&& body) {
    try {
      return Thread(internal::SystemThread(std::forward<Body>(body)));
    } catch (const std::system_error& refused) {
      const int reason = refused.code().value() != 0 ? refused.code().value() : EAGAIN;
      return Error::from_errno(reason, "cannot start a thread")
          .advise(
              "what it was to do was not begun; end some threads or free memory, or raise the limit on "
              "either, and try again");
    }
  }

  [[nodiscard]] bool joinable() const noexcept { return thread_.joinable(); }
  [[nodiscard]] bool is_current() const noexcept {
    return joinable() && thread_.get_id() == internal::this_thread_id();
  }
  /// Returns when it has ended.
  void join() {
    if (!home_.left()) thread_.join();
  }
  void detach() { thread_.detach(); }

 private:
  explicit Thread(internal::SystemThread thread) noexcept : thread_(std::move(thread)) {}

  internal::SystemThread thread_;
  internal::HomeProcess home_;
};

}  // namespace durability
