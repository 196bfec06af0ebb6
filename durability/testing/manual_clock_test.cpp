#include "durability/testing/manual_clock.hpp"

#include <gtest/gtest.h>

namespace durability::testing {
namespace {

TEST(ManualClock, StandsStillUntilItIsAdvanced) {
  ManualClock clock(std::chrono::seconds(5));
  const auto before = clock.steady_now();
  EXPECT_EQ(clock.steady_now(), before);
  clock.advance(std::chrono::milliseconds(20));
  EXPECT_EQ(clock.steady_now() - before, std::chrono::milliseconds(20));
  EXPECT_EQ(clock.since_unix_epoch(), std::chrono::milliseconds(5020));
}

}  // namespace
}  // namespace durability::testing
