#pragma once

// Runs a piece of life with several threads under every schedule with up to so many preemptions:
//
//   ScheduleExplorer explorer({.preemptions = 2});
//   explorer.explore("two that append", [] {
//     Log log;                              // made anew for every run
//     Thread one = …; Thread other = …;     // of durability/base/sync.hpp, built with DURABILITY_SCHEDULED
//     one.join(); other.join();
//     require(log.holds_both(), "an entry is missing");
//   });
//   EXPECT_EQ(explorer.failure(), "");
//
// A failure is one line, `<name> | <schedule>`, and what was wrong: a deadlock, an assertion, an exception, a
// run without end. repeat() makes that run again, and says each step. Bounds are tried from 0 upwards, so
// what is found first has the fewest preemptions.
//
// What runs must be determined by the schedule alone: no clock, no randomness but a seeded one, no addresses.
// Its threads may share what mutexes and atomics of sync.hpp guard, and what they write down in any order.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "durability/testing/schedule.hpp"

namespace durability::testing {

struct ScheduleOptions {
  unsigned preemptions = 2;         ///< at most 6
  std::uint64_t most_runs = ~0ULL;  ///< of a bound; then it is not complete
};

/// The same schedules for the same seed.
struct ScheduleSample {
  unsigned preemptions = 3;  ///< at most
  std::uint64_t runs = 0;
  std::uint64_t seed = 1;
};

/// Not thread-safe, and one at a time in a process.
class ScheduleExplorer {
 public:
  explicit ScheduleExplorer(ScheduleOptions options = {}) : options_(options) {}

  /// Stops at the first failure.
  void explore(std::string_view name, const std::function<void()>& life);
  /// Schedules at random, of a life that has too many. Stops at the first failure.
  void sample(std::string_view name, const ScheduleSample& sample, const std::function<void()>& life);
  /// The run of `schedule`, the second half of a failure's line.
  void repeat(std::string_view name, std::string_view schedule, const std::function<void()>& life);

  /// Empty, or the line that repeats it and what was wrong.
  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }
  [[nodiscard]] std::uint64_t runs() const noexcept { return runs_; }
  /// How many threads there were at most, the life's own included.
  [[nodiscard]] std::size_t threads() const noexcept { return world_.fibers.size(); }
  /// True where all schedules with up to `preemptions` have been visited.
  [[nodiscard]] bool complete() const noexcept { return complete_; }
  /// Of repeat(): a line a step, `thread what object`.
  [[nodiscard]] const std::string& trace() const noexcept { return trace_; }

 private:
  bool explore_up_to(unsigned preemptions, std::string_view name, const std::function<void()>& life);
  bool run(ScheduleSearch& search, std::string_view name, const std::function<void()>& life,
           std::string* trace);

  ScheduleOptions options_;
  ScheduleWorld world_;
  std::string failure_;
  std::string trace_;
  std::uint64_t runs_ = 0;
  bool complete_ = false;
};

}  // namespace durability::testing
