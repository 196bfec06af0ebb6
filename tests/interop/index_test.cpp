// Segment indexes, logs of WalEntry with published checkpoints, that the Rust crate and this library write in
// turn: the same entries and states are the same bytes, and each recovers the state that the other left, in
// every way of RecoveryManager, undamaged and damaged.

#include "index_history.hpp"

namespace durability::interop {
namespace {

void run(CrateProgram& crate, FirstWriter first) {
  Tally tally{"several segments",  "a truncated log",           "resumed by the crate",
              "resumed by us",     "a checkpoint by the crate", "a checkpoint by us",
              "deleted documents", "recovered though damaged",  "refused"};
  run_histories(first, tally, [&](std::uint64_t seed) {
    Scratch scratch;
    IndexHistory history(crate, scratch, seed, tally);
    auto wrong = history.write(first);
    return wrong.empty() ? history.compare_verdicts() : wrong;
  });
}

class IndexInterop : public InteropTest {};

TEST_F(IndexInterop, WhatTheCrateBeganWeRecoverAndGoOnWithAndTheCrateAgain) {
  run(*crate_, FirstWriter::kCrate);
}

TEST_F(IndexInterop, WhatWeBeganTheCrateRecoversAndGoesOnWithAndWeAgain) { run(*crate_, FirstWriter::kOurs); }

}  // namespace
}  // namespace durability::interop
