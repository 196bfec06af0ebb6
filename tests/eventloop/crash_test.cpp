// Nothing is acknowledged before the sync that covers it, in whatever order completions come, whichever
// of them are lost, and whenever the power is cut.

#include <gtest/gtest.h>

#include <iostream>

#include "async_log_subject.hpp"

namespace durability::eventloop {
namespace {

constexpr std::uint64_t kSeeds = 12;

void expect_no_violation(bool losses) {
  testing::ExplorerOptions options{.exhaustive_states = 4, .samples = 2, .depth = 1};
  options.disk = {.sector_bytes = 64, .blocks_remember = false};
  testing::Explorer explorer(std::move(options));
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    explorer.explore(AsyncLogSubject({.seed = seed, .losses = losses}));
  }
  EXPECT_EQ(explorer.failure(), "");
  std::cout << explorer.report();
}

TEST(AsyncCrash, NothingIsAcknowledgedEarlyInWhateverOrderCompletionsCome) { expect_no_violation(false); }

TEST(AsyncCrash, NothingIsAcknowledgedEarlyWhicheverCompletionsAreLost) { expect_no_violation(true); }

// The test above would be none if nothing were acknowledged, or all of it in order.
TEST(AsyncCrash, CompletionsDoComeOutOfOrder) {
  int reordered = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    AsyncLogSubject subject({.seed = seed});
    testing::Machine machine(testing::CrashDirectory::make());
    EXPECT_EQ(subject.work(machine), "");
    EXPECT_GT(subject.acknowledged(), 4U);
    reordered += subject.reordered() ? 1 : 0;
  }
  EXPECT_GT(reordered, 2);
}

}  // namespace
}  // namespace durability::eventloop
