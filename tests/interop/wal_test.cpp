// Logs that the Rust crate and this library write in turn, thousands of random ones: each reads, resumes and
// appends to what the other left, undamaged and damaged, and says the same of it, but for the differences
// that tests/compat/crate_verdicts.hpp names.
//
// DURABILITY_INTEROP_HISTORIES says how many each way; DURABILITY_INTEROP_SEED goes to one that failed.

#include "history.hpp"

namespace durability::interop {
namespace {

constexpr int kDamagedCopies = 3;

std::string one_history(CrateProgram& crate, FirstWriter first, std::uint64_t seed, Tally& tally) {
  Scratch scratch;
  History history(crate, scratch, seed);
  if (auto wrong = history.write(first, tally); !wrong.empty()) return wrong;
  if (auto wrong = history.compare_bytes(); !wrong.empty()) return wrong;
  return history.compare_verdicts(kDamagedCopies, tally);
}

void run(CrateProgram& crate, FirstWriter first) {
  Tally tally{"several segments", "a torn tail", "padding", "a rotation by age", "a version change"};
  run_histories(first, tally, [&](std::uint64_t seed) { return one_history(crate, first, seed, tally); });
}

class WalInterop : public InteropTest {};

TEST_F(WalInterop, WhatTheCrateBeganWeReadAndGoOnWithAndTheCrateAgain) { run(*crate_, FirstWriter::kCrate); }

TEST_F(WalInterop, WhatWeBeganTheCrateReadsAndGoesOnWithAndWeAgain) { run(*crate_, FirstWriter::kOurs); }

}  // namespace
}  // namespace durability::interop
