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

template <class T>
using Atomic = std::atomic<T>;

/// Lets other threads run.
inline void yield() noexcept { std::this_thread::yield(); }

namespace internal {
using SystemMutex = std::mutex;
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
#include "durability/base/thread_annotations.hpp"

namespace durability {

class DURABILITY_CAPABILITY("mutex") Mutex {
 public:
  void lock() DURABILITY_ACQUIRE() { system_.lock(); }
  void unlock() DURABILITY_RELEASE() { system_.unlock(); }

 private:
  friend class Condition;
  internal::SystemMutex system_;
};

/// As std::unique_lock, that of one mutex.
class DURABILITY_SCOPED_CAPABILITY Lock {
 public:
  explicit Lock(Mutex& mutex) DURABILITY_ACQUIRE(mutex) : lock_(mutex) {}
  ~Lock() DURABILITY_RELEASE() = default;
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  void lock() DURABILITY_ACQUIRE() { lock_.lock(); }
  void unlock() DURABILITY_RELEASE() { lock_.unlock(); }
  [[nodiscard]] bool owns_lock() const noexcept { return lock_.owns_lock(); }

 private:
  std::unique_lock<Mutex> lock_;
};

class DURABILITY_SCOPED_CAPABILITY LockGuard {
 public:
  explicit LockGuard(Mutex& mutex) DURABILITY_ACQUIRE(mutex) : guard_(mutex) {}
  ~LockGuard() DURABILITY_RELEASE() = default;
  LockGuard(const LockGuard&) = delete;
  LockGuard& operator=(const LockGuard&) = delete;

 private:
  const std::lock_guard<Mutex> guard_;
};

/// Lets go of a mutex while it lives; whoever locked it has it again then.
class DURABILITY_SCOPED_CAPABILITY Dropped {
 public:
  explicit Dropped(Mutex& mutex) DURABILITY_RELEASE(mutex) : mutex_(mutex) { mutex_.unlock(); }
  ~Dropped() DURABILITY_RELEASE() { mutex_.lock(); }
  Dropped(const Dropped&) = delete;
  Dropped& operator=(const Dropped&) = delete;

 private:
  Mutex& mutex_;
};

/// As std::condition_variable, but may be destroyed in a child of fork: the threads that wait on it there are
/// not there, and destroying the system's own would wait for them for ever.
class Condition {
 public:
  Condition() noexcept { std::construct_at(&condition_); }
  ~Condition() {
    if (!opener_.left()) std::destroy_at(&condition_);
  }
  Condition(const Condition&) = delete;
  Condition& operator=(const Condition&) = delete;

  void notify_one() noexcept { condition_.notify_one(); }
  void notify_all() noexcept { condition_.notify_all(); }
  /// With the mutex held; has it again when it returns.
  void wait(Mutex& mutex) DURABILITY_REQUIRES(mutex) {
    Adopted adopted(mutex);
    condition_.wait(adopted.lock);
  }
  template <class Predicate>
  void wait(Mutex& mutex, Predicate predicate) DURABILITY_REQUIRES(mutex) {
    Adopted adopted(mutex);
    condition_.wait(adopted.lock, std::move(predicate));
  }

 private:
  /// What the system's condition takes; whoever locked the mutex goes on holding it.
  struct Adopted {
    explicit Adopted(Mutex& mutex) : lock(mutex.system_, std::adopt_lock) {}
    ~Adopted() { static_cast<void>(lock.release()); }
    Adopted(const Adopted&) = delete;
    Adopted& operator=(const Adopted&) = delete;
    std::unique_lock<internal::SystemMutex> lock;
  };

  union {
    internal::SystemCondition condition_;
  };
  internal::OpeningProcess opener_;
};

/// A thread, or none. Movable. Must be joined before it is destroyed; in a child of fork, where it is not,
/// both do nothing.
class Thread {
 public:
  Thread() noexcept = default;
  Thread(Thread&& other) noexcept = default;
  Thread& operator=(Thread&& other) noexcept = default;
  ~Thread() {
    if (joinable() && opener_.left()) thread_.detach();
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
    if (!opener_.left()) thread_.join();
  }
  void detach() { thread_.detach(); }

 private:
  explicit Thread(internal::SystemThread thread) noexcept : thread_(std::move(thread)) {}

  internal::SystemThread thread_;
  internal::OpeningProcess opener_;
};

}  // namespace durability
