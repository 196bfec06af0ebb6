#pragma once

// How the tests of this folder run their histories, and what they count.

#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <iostream>
#include <map>
#include <string>
#include <string_view>

#include "program.hpp"

namespace durability::interop {

/// How many histories of a run had what; a run in which some kind is missing has tested less than it says.
class Tally {
 public:
  Tally(std::initializer_list<std::string_view> kinds) {
    for (const auto kind : kinds) kinds_[kind] = 0;
  }
  /// `kind` is one of those that the tally was made with.
  void count(std::string_view kind, bool had = true) { kinds_.at(kind) += had ? 1 : 0; }
  void history() { ++histories_; }
  void damaged() { ++damaged_; }
  /// A copy, damaged or not, of which ours says something else than the crate, on purpose.
  void difference(std::string_view name) { ++differences_[name]; }

  [[nodiscard]] std::string to_string() const;
  void expect_some_of_each() const;

 private:
  std::map<std::string_view, int> kinds_;
  std::map<std::string_view, int> differences_;
  int histories_ = 0;
  int damaged_ = 0;
};

enum class FirstWriter : std::uint8_t { kCrate, kOurs };

/// Calls `history(seed)`, which yields what is wrong or nothing, once for each seed of the direction.
template <class History>
void run_histories(FirstWriter first, Tally& tally, History history) {
  constexpr int kMaxFailures = 5;
  const std::uint64_t only = from_environment("DURABILITY_INTEROP_SEED", 0);
  const std::uint64_t count = only > 0 ? 1 : histories();
  const std::uint64_t begin = only > 0 ? only : first == FirstWriter::kCrate ? 1 : 1'000'001;
  int wrong_ones = 0;
  for (std::uint64_t seed = begin; seed < begin + count && wrong_ones < kMaxFailures; ++seed) {
    tally.history();
    const std::string wrong = history(seed);
    if (wrong.empty()) continue;
    ++wrong_ones;
    ADD_FAILURE() << wrong << "\nrepeat with DURABILITY_INTEROP_SEED=" << seed;
  }
  std::cout << "seeds " << begin << " to " << begin + count - 1 << ": " << tally.to_string() << '\n';
  if (only == 0) tally.expect_some_of_each();
}

}  // namespace durability::interop
