#pragma once

// Which schedules there are: a tree of decisions, walked depth first. A run makes the decisions again that
// lead to where it is to differ, and from there on the first one each time.
//
// A decision that takes the turn from a thread that could go on is a preemption; schedules with no more of
// them than a bound are visited, all of them (CHESS). Whoever waits gives the turn away for free. Almost
// every fault of a protocol shows itself with two or three.
//
// Different schedules of what does not touch each other end in the same state. A state is known by the
// order in which each thread met each object (its happens-before relation), as a hash; where one was met
// before with as many preemptions left, nothing new follows from it.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "durability/base/result.hpp"

namespace durability::testing {

/// One decision of a run.
struct Decision {
  std::uint64_t position;  ///< in the run; rises
  std::size_t options;     ///< at least 2; option 0 is the one that a run takes by itself
  bool preempts;           ///< every other option is a preemption
  std::uint64_t state;     ///< equal where what can follow is equal
};

/// Not thread-safe.
class ScheduleSearch {
 public:
  explicit ScheduleSearch(unsigned preemptions) : preemptions_(preemptions) {}

  /// Schedules at random, without end, with so many preemptions at most; the same for the same seed.
  static ScheduleSearch sampling(unsigned preemptions, std::uint64_t seed);
  /// One schedule only: what schedule() printed. `invalid_config` where it is none.
  static Result<ScheduleSearch> repeating(std::string_view schedule);

  /// Begins the next run; false where all have been.
  bool next();
  [[nodiscard]] std::size_t decide(const Decision& decision);

  /// The current run: `17:2 41:1`, at position 17 option 2, at position 41 option 1, else option 0.
  [[nodiscard]] std::string schedule() const;
  [[nodiscard]] std::uint64_t runs() const noexcept { return runs_; }
  [[nodiscard]] std::uint64_t states() const noexcept { return seen_count_; }

 private:
  struct Node {
    std::uint64_t position;
    std::size_t option;
    std::size_t options;
    bool preempts;
    unsigned left;  // preemptions, before it
  };

  void draw();
  [[nodiscard]] std::size_t draw_option(const Decision& decision);
  [[nodiscard]] bool is_new(std::uint64_t state);
  void grow_seen();

  unsigned preemptions_;
  std::vector<Node> path_;
  std::size_t followed_ = 0;  // nodes of the path that the run has passed
  unsigned left_ = 0;
  bool nothing_new_ = false;  // the run goes on only to its end
  bool repeating_ = false;

  // For a sample: before which of the decisions that may preempt to do so, of as many as the longest run had.
  bool sampling_ = false;
  std::uint64_t random_ = 0;
  std::vector<std::uint64_t> preempt_at_;
  std::uint64_t may_preempt_ = 0;
  std::uint64_t most_may_preempt_ = 0;

  std::uint64_t runs_ = 0;
  std::vector<std::uint64_t> seen_;  // open addressing; the lowest 3 bits are the preemptions left, and 1
  std::uint64_t seen_count_ = 0;
};

}  // namespace durability::testing
