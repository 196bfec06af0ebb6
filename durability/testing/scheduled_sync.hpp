#pragma once

// Mutexes, conditions, threads and atomics of durability/base/sync.hpp whose every step is a point at which
// another thread may go first (schedule.hpp). A build takes them in place of the system's with
// DURABILITY_SCHEDULED defined as this header's name; then it runs its threads in a ScheduleExplorer only.
//
// Unlocking is no such point: a thread that went before it would only wait for the mutex. Nobody wakes
// without being woken. Atomics are seen by all threads in one order, whatever order was asked for.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "durability/testing/schedule.hpp"

namespace durability {
namespace internal {

class SystemMutex {
 public:
  void lock() {
    if (auto* const schedule = testing::Schedule::current()) {
      schedule->reach("lock", meeting_, testing::Access::kChange, [this] { return !held_; });
    }
    held_ = true;
  }
  void unlock() noexcept { held_ = false; }

 private:
  friend class SystemCondition;
  testing::Meeting meeting_;
  bool held_ = false;
};

}  // namespace internal

template <class T>
class Atomic {
 public:
  Atomic() noexcept = default;
  // NOLINTNEXTLINE(google-explicit-constructor,hicpp-explicit-conversions): as std::atomic's
  Atomic(T value) noexcept : value_(value) {}
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;
  T operator=(T value) noexcept {
    store(value);
    return value;
  }
  // NOLINTNEXTLINE(google-explicit-constructor,hicpp-explicit-conversions): as std::atomic's
  operator T() const noexcept { return load(); }

  [[nodiscard]] T load(std::memory_order /*order*/ = std::memory_order_seq_cst) const noexcept {
    reach("load", testing::Access::kLook);
    return value_;
  }
  void store(T value, std::memory_order /*order*/ = std::memory_order_seq_cst) noexcept {
    reach("store", testing::Access::kChange);
    value_ = value;
  }
  T exchange(T value, std::memory_order /*order*/ = std::memory_order_seq_cst) noexcept {
    reach("exchange", testing::Access::kChange);
    return std::exchange(value_, value);
  }
  template <class... Orders>
  bool compare_exchange_strong(T& expected, T wanted, Orders... /*orders*/) noexcept {
    reach("compare_exchange", testing::Access::kChange);
    const bool same = value_ == expected;
    (same ? value_ : expected) = same ? wanted : value_;
    return same;
  }
  template <class... Orders>
  bool compare_exchange_weak(T& expected, T wanted, Orders... orders) noexcept {
    return compare_exchange_strong(expected, wanted, orders...);
  }
  T fetch_add(T value, std::memory_order /*order*/ = std::memory_order_seq_cst) noexcept {
    reach("fetch_add", testing::Access::kChange);
    return std::exchange(value_, static_cast<T>(value_ + value));
  }
  T fetch_sub(T value, std::memory_order /*order*/ = std::memory_order_seq_cst) noexcept {
    reach("fetch_sub", testing::Access::kChange);
    return std::exchange(value_, static_cast<T>(value_ - value));
  }
  T operator++() noexcept { return static_cast<T>(fetch_add(1) + 1); }
  T operator++(int) noexcept { return fetch_add(1); }

  void wait(T old, std::memory_order /*order*/ = std::memory_order_seq_cst) const noexcept {
    auto* const schedule = testing::Schedule::current();
    testing::require(schedule != nullptr, "a wait outside of a schedule");
    schedule->reach("atomic wait", meeting_, testing::Access::kChange);
    while (value_ == old) {
      schedule->explain_waiting(
          [this, old] { return value_ != old ? " (a lost wake-up: its value has changed)" : ""; });
      schedule->wait_at(this);
    }
  }
  // Whoever waited may have been woken by the value, and be gone, and this with it.
  void notify_one() noexcept {
    if (auto* const schedule = testing::Schedule::current()) schedule->notify_at(this, false);
  }
  void notify_all() noexcept {
    if (auto* const schedule = testing::Schedule::current()) schedule->notify_at(this, true);
  }

 private:
  void reach(const char* what, testing::Access access) const noexcept {
    if (auto* const schedule = testing::Schedule::current()) schedule->reach(what, meeting_, access);
  }

  mutable testing::Meeting meeting_;
  T value_{};
};

/// The others go first.
inline void yield() noexcept {
  if (auto* const schedule = testing::Schedule::current()) schedule->yield();
}

/// The calling thread's own T; gone when the run is over.
template <class T>
T& of_this_thread() {
  static const char key = 0;
  auto& own = testing::Schedule::current()->own_of_this_thread(&key);
  if (!own) own = std::make_shared<T>();
  return *static_cast<T*>(own.get());
}

namespace internal {

class SystemCondition {
 public:
  void wait(std::unique_lock<SystemMutex>& lock) { wait_for(lock, nullptr); }
  template <class Holds>
  void wait(std::unique_lock<SystemMutex>& lock, Holds holds) {
    const std::function<bool()> ask = std::ref(holds);
    while (!ask()) wait_for(lock, &ask);  // of a function clang does not know that it needs the mutex
  }
  void notify_one() {
    if (!reach("notify_one") || waiting_.empty()) return;
    const std::size_t chosen = testing::Schedule::current()->choose(waiting_.size());
    waiting_[chosen]->woken = true;
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(chosen));
  }
  void notify_all() {
    if (!reach("notify_all")) return;
    for (Waiting* const waiting : waiting_) waiting->woken = true;
    waiting_.clear();
  }

 private:
  struct Waiting {
    bool woken = false;
  };

  bool reach(const char* what) {
    auto* const schedule = testing::Schedule::current();
    if (schedule != nullptr) schedule->reach(what, meeting_, testing::Access::kChange);
    return schedule != nullptr;
  }
  void wait_for(std::unique_lock<SystemMutex>& lock, const std::function<bool()>* ask) {
    testing::require(reach("wait"), "a wait outside of a schedule");
    SystemMutex& mutex = *lock.mutex();
    Waiting me;
    waiting_.push_back(&me);
    mutex.held_ = false;
    auto& schedule = *testing::Schedule::current();
    schedule.explain_waiting([&me, ask] {
      if (me.woken) return " (woken, for the mutex)";
      return ask != nullptr && (*ask)() ? " (a lost wake-up: what it waits for holds)" : "";
    });
    schedule.reach("a wait for a condition", mutex.meeting_, testing::Access::kChange,
                   [&] { return me.woken && !mutex.held_; });
    mutex.held_ = true;
  }

  testing::Meeting meeting_;
  std::vector<Waiting*> waiting_;
};

class SystemThread {
 public:
  using id = std::size_t;  // 0: none

  SystemThread() noexcept = default;
  template <class Body>
    requires(!std::is_same_v<std::remove_cvref_t<Body>, SystemThread>)
  explicit SystemThread(Body&& body) {
    auto shared = std::make_shared<std::decay_t<Body>>(std::forward<Body>(body));
    id_ = testing::Schedule::current()->start([shared = std::move(shared)] { (*shared)(); }) + 1;
  }
  SystemThread(SystemThread&& other) noexcept : id_(std::exchange(other.id_, 0)) {}
  SystemThread& operator=(SystemThread&& other) noexcept {
    testing::require(!joinable(), "a thread that nobody joined is replaced");
    id_ = std::exchange(other.id_, 0);
    return *this;
  }
  SystemThread(const SystemThread&) = delete;
  SystemThread& operator=(const SystemThread&) = delete;
  ~SystemThread() { testing::require(!joinable(), "a thread that nobody joined is destroyed"); }

  [[nodiscard]] bool joinable() const noexcept { return id_ != 0; }
  [[nodiscard]] id get_id() const noexcept { return id_; }
  void join() {
    testing::require(joinable(), "a thread that is none is joined");
    testing::Schedule::current()->join(id_ - 1);
    id_ = 0;
  }
  void detach() noexcept { id_ = 0; }

 private:
  id id_ = 0;
};

inline SystemThread::id this_thread_id() noexcept { return testing::Schedule::current()->self() + 1; }

}  // namespace internal
}  // namespace durability
