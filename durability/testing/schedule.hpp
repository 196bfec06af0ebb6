#pragma once

// One run of several threads of which one goes at a time, and which hand over only where they meet: at a
// mutex, a condition, an atomic, the start or the end of a thread, an operation of a disk. Each such step is
// a point at which another thread may go first; who does is decided from outside (schedule_search.hpp). So a
// run can be repeated, and all runs that differ can be made.
//
// Simulated is what happens between threads that see each other's writes in one order. What a processor
// reorders, a schedule does not show.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "durability/testing/fiber.hpp"
#include "durability/testing/schedule_search.hpp"

namespace durability::testing {

/// Something that threads meet at; part of a mutex, a condition, an atomic, a disk.
class Meeting {
 public:
  Meeting() noexcept;
  ~Meeting();
  Meeting(const Meeting&) = delete;
  Meeting& operator=(const Meeting&) = delete;

 private:
  friend class Schedule;
  std::uint64_t id_ = 0;
  std::uint64_t history_ = 0;  // who changed it in which order, as a hash
  std::uint64_t readers_ = 0;  // who looked at it since, in any order
  std::uint64_t lookers_ = 0;  // threads, a bit each
  std::uint64_t changers_ = 0;
  bool shared_ = true;
  volatile bool gone_ = false;  // looked at when it is no more
};

enum class Access : std::uint8_t {
  kLook,    ///< commutes with the looks of others
  kChange,  ///< everything else
};

/// What was found to be met by several threads of which one changes it. Only there it matters who goes first;
/// of the rest nothing is a point at which another thread may go. Grows from run to run.
class SharedMeetings {
 public:
  [[nodiscard]] bool contains(std::uint64_t id) const { return all_ || ids_.contains(id); }
  void add_all() noexcept { all_ = true; }
  void add(std::uint64_t id) { ids_.insert(id); }
  [[nodiscard]] std::size_t size() const noexcept { return ids_.size(); }

 private:
  std::unordered_set<std::uint64_t> ids_;
  bool all_ = false;
};

/// What the runs of one exploration have in common.
struct ScheduleWorld {
  std::vector<std::unique_ptr<Fiber>> fibers;  // used again
  SharedMeetings shared;
};

/// One run.
class Schedule {
 public:
  using ThreadNumber = std::size_t;

  /// The run that is under way; none outside of one, where everything happens on one thread.
  [[nodiscard]] static Schedule* current() noexcept;

  /// A step of the calling thread: others may go first, and do where `ready` does not hold. Returns when it
  /// is this thread's turn and `ready` holds. The step itself is what the thread does next.
  template <class Ready>
  void reach(const char* what, Meeting& at, Access access, const Ready& ready) {
    reach(Step{.what = what,
               .at = &at,
               .access = access,
               .is_ready = [](const void* of) { return (*static_cast<const Ready*>(of))(); },
               .of = &ready});
  }
  void reach(const char* what, Meeting& at, Access access) {
    reach(Step{.what = what, .at = &at, .access = access});
  }
  /// Lets the others go first, which is no preemption; going on at once counts as one.
  void yield();
  /// A number below `options`, each of which is tried.
  [[nodiscard]] std::size_t choose(std::size_t options);

  [[nodiscard]] ThreadNumber self() const noexcept { return self_; }
  /// A thread that may go at the next step of any.
  ThreadNumber start(std::function<void()> body);
  /// Returns when that thread has ended.
  void join(ThreadNumber thread);

  /// Waits at an address to be woken there; an atomic's, which may be gone when it is notified.
  void wait_at(const void* address);
  void notify_at(const void* address, bool all);

  /// One that lives as long as the run.
  [[nodiscard]] Meeting& keep_meeting();
  /// What the calling thread keeps under a key, until the run is over; null at first.
  [[nodiscard]] std::shared_ptr<void>& own_of_this_thread(const void* key) {
    return threads_[self_]->own[key];
  }

  /// For what a life does not ask about, such as opening its log: until decide_again(), or the end, threads
  /// go one way only, and nothing is decided.
  void go_one_way() noexcept { one_way_ = true; }
  /// Lets the others go on for as long as they can, and again decides from here on.
  void decide_again();

  /// Ends the run.
  [[noreturn]] void fail(std::string what);
  /// For a thread that waits: what a deadlock's report says of it. Called when nothing goes on any more.
  void explain_waiting(std::function<std::string()> why);

  // For the explorer.

  /// Runs `life` as thread 0, and returns when all its threads have ended, or it failed: then with what was
  /// wrong.
  [[nodiscard]] static std::string run(ScheduleSearch& search, const std::function<void()>& life,
                                       ScheduleWorld& world, std::string* trace);

 private:
  friend class Meeting;
  struct Step {
    const char* what = "start";
    Meeting* at = nullptr;
    Access access = Access::kChange;
    bool (*is_ready)(const void* of) = nullptr;
    const void* of = nullptr;
    bool yields = false;
  };
  struct Thread {
    std::unique_ptr<Meeting> end;  // met by those who join
    Fiber* fiber = nullptr;
    std::function<void()> body;
    Step step;  // that it is about to take
    std::function<std::string()> why;
    std::map<const void*, std::shared_ptr<void>> own;
    std::uint64_t id = 0;
    std::uint64_t history = 0;
    std::uint64_t created = 0;  // threads and meetings
    bool finished = false;
  };

  struct WaitingAt {
    const void* address;
    bool* woken;
  };

  Schedule(ScheduleSearch& search, ScheduleWorld& world, std::string* trace)
      : search_(&search), world_(&world), trace_(trace) {}

  void reach(const Step& step);
  void turn();
  void switch_to(ThreadNumber next);
  void met(const Step& step);
  void note_sharing(Meeting& at, Access access);
  void finish();
  [[nodiscard]] bool can_go(const Thread& thread) const;
  [[nodiscard]] std::uint64_t new_id();
  [[nodiscard]] std::string describe_deadlock() const;
  Meeting& meeting_at(const void* address);
  Fiber& fiber(ThreadNumber number);

  ScheduleSearch* search_;
  ScheduleWorld* world_;
  std::string* trace_;
  Fiber root_;
  std::vector<std::unique_ptr<Thread>> threads_;
  std::vector<ThreadNumber> able_;  // those that can go, in the order of the options
  ThreadNumber self_ = 0;
  std::map<const void*, Meeting*> addresses_;  // at which somebody waited, or was notified
  std::vector<WaitingAt> waiting_at_;
  std::vector<std::unique_ptr<Meeting>> kept_;
  std::uint64_t state_ = 0;  // of all threads and meetings, as a sum
  std::uint64_t steps_ = 0;
  bool one_way_ = false;
  std::string failure_;
};

/// Ends the run: what a life's threads assert does not hold.
[[noreturn]] void break_off(const std::string& what);
inline void require(bool holds, const std::string& what) {
  if (!holds) break_off(what);
}

}  // namespace durability::testing
