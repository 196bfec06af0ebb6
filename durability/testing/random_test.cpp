#include "durability/testing/random.hpp"

#include <gtest/gtest.h>

namespace durability::testing {
namespace {

TEST(SeededRandom, RepeatsWithItsSeed) {
  SeededRandom first(42);
  SeededRandom second(42);
  EXPECT_EQ(first.bytes(100), second.bytes(100));
  EXPECT_NE(first.next_u64(), SeededRandom(43).next_u64());
}

// The reference values of SplitMix64 for seed 0: other machines must repeat what this one printed.
TEST(SeededRandom, IsSplitMix64) {
  SeededRandom random(0);
  EXPECT_EQ(random.next_u64(), 0xe220a8397b1dcdafU);
  EXPECT_EQ(random.next_u64(), 0x6e789e6aa1b965f4U);
}

TEST(SeededRandom, StaysBelowItsLimit) {
  SeededRandom random(1);
  for (int round = 0; round < 1000; ++round) ASSERT_LT(random.below(7), 7U);
  EXPECT_EQ(random.below(0), 0U);
  EXPECT_TRUE(random.one_in(1));
}

}  // namespace
}  // namespace durability::testing
