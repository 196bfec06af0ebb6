// Stores that write checkpoints, publish and truncate, crashed at each of their operations.

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "durability/testing/explorer.hpp"
#include "store_subject.hpp"

namespace durability::checkpointing {
namespace {

void expect_no_violation(const StoreSubject& store, testing::ExplorerOptions options) {
  options.disk.sector_bytes = 64;
  options.disk.blocks_remember = false;
  testing::Explorer explorer(std::move(options));
  explorer.explore(store);
  EXPECT_EQ(explorer.failure(), "");
  std::cout << explorer.report();
}

TEST(PublishCrash, LosesNothingWhereverItHappensInALogOfManySmallSegments) {
  for (const std::size_t recycle_segments : {0U, 2U}) {
    expect_no_violation({"AAAUPAAAUAAAUAf", 200, recycle_segments}, {.exhaustive_states = 24, .samples = 8});
  }
}

// Nothing is truncated here, so nothing but publishing itself makes the marker durable.
TEST(PublishCrash, LosesNothingWhereverItHappensInALogOfOneSegment) {
  expect_no_violation({"aaaUaaaUaaaUaf", 4096}, {.exhaustive_states = 24, .samples = 8});
}

TEST(PublishCrash, LosesNothingWhereACheckpointIsWrittenAndTheLogTruncatedByHand) {
  expect_no_violation({"AACAATAbkCTAcU", 200}, {});
}

// Every history of up to a few letters. DURABILITY_CRASH_LENGTH says how many; `make crash` takes more.
TEST(StoreWords, LoseNothingAcknowledged) {
  const char* text = std::getenv("DURABILITY_CRASH_LENGTH");
  const std::size_t length = text == nullptr ? 2 : std::strtoul(text, nullptr, 10);
  for (const std::size_t recycle_segments : {0U, 2U}) {
    testing::ExplorerOptions options{.exhaustive_states = 4, .samples = 2};
    options.disk = {.sector_bytes = 64, .blocks_remember = false};
    testing::Explorer explorer(std::move(options));
    explorer.explore_words("aAbsCUTPck", length, [&](const std::string& word) {
      return std::make_unique<StoreSubject>(word, 200, recycle_segments);
    });
    EXPECT_EQ(explorer.failure(), "");
    std::cout << explorer.report();
  }
}

}  // namespace
}  // namespace durability::checkpointing
