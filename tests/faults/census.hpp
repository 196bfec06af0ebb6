#pragma once

// The faults of one test: every operation of every run fails, and what came of it is counted.
//
// A site is an operation and its place with the numbers taken out: `sync_data wal/wal_#.log`. Where a run
// comes to a site that none before it came to, every errno is tried in every way, at the first time and the
// last; at each other operation one of them is. DURABILITY_CRASH_SAMPLES below 1 (the sanitizers) leaves out
// as much of the latter. Sites that are reached only after a failure fail after that failure.

#include <functional>
#include <set>
#include <string>

#include "trap.hpp"

namespace durability::faults {

/// One run with that fault, and all that must hold after it. Fills the trap; yields what is wrong.
using Play = std::function<std::string(Trap& trap)>;

class Census {
 public:
  /// `name` says in a failure which run it was.
  void fail_every_operation(std::string_view name, const Play& play);
  /// Prints the figures; fails the test where a site was never made to fail.
  void report() const;

 private:
  std::vector<testing::OperationRecord> try_one(const Fault& fault);
  void try_every_way(std::uint64_t number);
  void try_after(const Fault& first, const std::vector<testing::OperationRecord>& seen);

  std::string_view name_;
  Play play_;
  std::set<std::string> there_;
  std::set<std::string> failed_;
  std::set<std::string> on_a_sound_disk_;
  std::set<std::string> after_a_fault_;
  std::uint64_t runs_ = 0;
};

}  // namespace durability::faults
