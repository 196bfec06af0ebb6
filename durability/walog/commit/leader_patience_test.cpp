#include "durability/walog/commit/leader_patience.hpp"

#include <gtest/gtest.h>

namespace durability::walog {
namespace {

void arrive(Gathering& gathering, int count) {
  for (int i = 0; i < count; ++i) gathering.arrived();
}

TEST(Gathering, WaitsForNobodyWhereOneThreadAppends) {
  Gathering gathering;
  for (int i = 0; i < 10; ++i) {
    gathering.arrived();
    EXPECT_TRUE(gathering.complete());
    gathering.begun();
    gathering.released(1);
  }
}

TEST(Gathering, IsCompleteWhenAsManyHaveArrivedAsWereReleased) {
  Gathering gathering;
  gathering.released(3);
  arrive(gathering, 2);
  EXPECT_FALSE(gathering.complete());
  arrive(gathering, 1);
  EXPECT_TRUE(gathering.complete());
}

TEST(Gathering, LosesPatienceWithThoseWhoDoNotComeAndTriesAgainNowAndThen) {
  Gathering gathering;
  std::size_t without = 0;
  std::size_t tried_again = 0;
  for (int i = 0; i < 1000; ++i) {
    gathering.released(8);
    gathering.arrived();
    const std::size_t turns = gathering.turns();
    without += turns == 0 ? 1 : 0;
    tried_again += turns > 0 ? 1 : 0;
    gathering.begun();
  }
  EXPECT_GT(without, 900U);
  EXPECT_GT(tried_again, 10U);
}

TEST(Gathering, TakesItsTimeWithThoseWhoAlwaysCome) {
  Gathering gathering;
  std::size_t turns = 0;
  for (int i = 0; i < 10; ++i) {
    gathering.released(8);
    turns = gathering.turns();
    arrive(gathering, 8);
    gathering.begun();
  }
  EXPECT_GT(turns, 16U);
}

}  // namespace
}  // namespace durability::walog
