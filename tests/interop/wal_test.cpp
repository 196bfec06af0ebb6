// Logs that the Rust crate and this library write in turn, thousands of random ones: each reads, resumes and
// appends to what the other left, undamaged and damaged, and says the same of it, but for the differences
// that tests/compat/crate_verdicts.hpp names.
//
// DURABILITY_INTEROP_HISTORIES says how many each way; DURABILITY_INTEROP_SEED goes to one that failed.

#include <iostream>

#include "history.hpp"
#include "program.hpp"

namespace durability::interop {
namespace {

constexpr int kDamagedCopies = 3;
constexpr int kMaxFailures = 5;

std::string one_history(CrateProgram& crate, FirstWriter first, std::uint64_t seed, Tally& tally) {
  Scratch scratch;
  History history(crate, scratch, seed);
  if (auto wrong = history.write(first, tally); !wrong.empty()) return wrong;
  if (auto wrong = history.compare_bytes(); !wrong.empty()) return wrong;
  return history.compare_verdicts(kDamagedCopies, tally);
}

void run_histories(CrateProgram& crate, FirstWriter first) {
  const std::uint64_t only = from_environment("DURABILITY_INTEROP_SEED", 0);
  const std::uint64_t count = only > 0 ? 1 : histories();
  const std::uint64_t begin = only > 0 ? only : first == FirstWriter::kCrate ? 1 : 1'000'001;
  Tally tally;
  int wrong_ones = 0;
  for (std::uint64_t seed = begin; seed < begin + count && wrong_ones < kMaxFailures; ++seed) {
    const std::string wrong = one_history(crate, first, seed, tally);
    if (wrong.empty()) continue;
    ++wrong_ones;
    ADD_FAILURE() << wrong << "\nrepeat with DURABILITY_INTEROP_SEED=" << seed;
  }
  std::cout << "seeds " << begin << " to " << begin + count - 1 << ": " << tally.to_string() << std::endl;
  if (only > 0) return;
  for (const auto& [what, logs] : tally.logs) EXPECT_GT(logs, 0) << "no log had " << what;
}

class WalInterop : public InteropTest {};

TEST_F(WalInterop, WhatTheCrateBeganWeReadAndGoOnWithAndTheCrateAgain) {
  run_histories(*crate_, FirstWriter::kCrate);
}

TEST_F(WalInterop, WhatWeBeganTheCrateReadsAndGoesOnWithAndWeAgain) {
  run_histories(*crate_, FirstWriter::kOurs);
}

}  // namespace
}  // namespace durability::interop
