#include "durability/walog/commit/leader_patience.hpp"

#include <gtest/gtest.h>

namespace durability::walog {
namespace {

void arrive(LeaderPatience& patience, int count) {
  for (int i = 0; i < count; ++i) patience.arrived();
}

TEST(LeaderPatience, WaitsForNobodyWhereOneThreadAppends) {
  LeaderPatience patience;
  for (int i = 0; i < 10; ++i) {
    patience.arrived();
    EXPECT_TRUE(patience.complete());
    patience.begun();
    patience.released(1);
  }
}

TEST(LeaderPatience, IsCompleteWhenAsManyHaveArrivedAsWereReleased) {
  LeaderPatience patience;
  patience.released(3);
  arrive(patience, 2);
  EXPECT_FALSE(patience.complete());
  arrive(patience, 1);
  EXPECT_TRUE(patience.complete());
}

TEST(LeaderPatience, LosesPatienceWithThoseWhoDoNotComeAndTriesAgainNowAndThen) {
  LeaderPatience patience;
  std::size_t without = 0;
  std::size_t tried_again = 0;
  for (int i = 0; i < 1000; ++i) {
    patience.released(8);
    patience.arrived();
    const std::size_t turns = patience.yields();
    without += turns == 0 ? 1 : 0;
    tried_again += turns > 0 ? 1 : 0;
    patience.begun();
  }
  EXPECT_GT(without, 900U);
  EXPECT_GT(tried_again, 10U);
}

TEST(LeaderPatience, TakesItsTimeWithThoseWhoAlwaysCome) {
  LeaderPatience patience;
  std::size_t turns = 0;
  for (int i = 0; i < 10; ++i) {
    patience.released(8);
    turns = patience.yields();
    arrive(patience, 8);
    patience.begun();
  }
  EXPECT_GT(turns, 16U);
}

}  // namespace
}  // namespace durability::walog
