#include "durability/storage/flush_policy.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace durability {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr std::chrono::steady_clock::time_point kStart{};

TEST(FlushPolicy, WhatMakesNoSenseIsRefusedAndNotClamped) {
  for (const FlushPolicy& bad : {FlushPolicy::every(0), FlushPolicy::interval(nanoseconds(0)),
                                 FlushPolicy::interval(nanoseconds(-1))}) {
    const Status validated = bad.validate();
    ASSERT_FALSE(validated);
    EXPECT_EQ(validated.error().code(), ErrorCode::kInvalidConfig);
    EXPECT_FALSE(validated.error().advice().empty());
  }
  for (const FlushPolicy& good :
       {FlushPolicy::per_append(), FlushPolicy::every(1), FlushPolicy::interval(nanoseconds(1)),
        FlushPolicy::manual(), FlushPolicy::every(std::numeric_limits<std::uint64_t>::max())}) {
    EXPECT_TRUE(good.validate());
  }
}

TEST(FlushPolicy, EqualityIsThatOfItsParameters) {
  EXPECT_EQ(FlushPolicy::every(3), FlushPolicy::every(3));
  EXPECT_NE(FlushPolicy::every(3), FlushPolicy::every(4));
  EXPECT_NE(FlushPolicy::manual(), FlushPolicy::per_append());
}

TEST(FlushSchedule, PerAppendIsDueAfterEachAppend) {
  FlushSchedule schedule(FlushPolicy::per_append(), kStart);
  EXPECT_TRUE(schedule.due_after(1, kStart));
  EXPECT_FALSE(schedule.needs_clock());
}

TEST(FlushSchedule, ManualIsNeverDue) {
  FlushSchedule schedule(FlushPolicy::manual(), kStart);
  EXPECT_FALSE(schedule.due_after(1'000'000, kStart + std::chrono::hours(1000)));
  EXPECT_FALSE(schedule.needs_clock());
}

TEST(FlushSchedule, EveryNIsDueWithTheNthAppendAndStaysDueUntilAFlush) {
  FlushSchedule schedule(FlushPolicy::every(3), kStart);
  EXPECT_FALSE(schedule.due_after(1, kStart));
  EXPECT_FALSE(schedule.due_after(1, kStart));
  EXPECT_TRUE(schedule.due_after(1, kStart));
  EXPECT_TRUE(schedule.due_after(1, kStart));
  schedule.flushed(kStart);
  EXPECT_FALSE(schedule.due_after(2, kStart));
  EXPECT_TRUE(schedule.due_after(5, kStart));
  EXPECT_FALSE(schedule.needs_clock());
}

TEST(FlushSchedule, IntervalIsDueOnceItsTimeHasPassedSinceTheLastFlush) {
  FlushSchedule schedule(FlushPolicy::interval(milliseconds(10)), kStart);
  EXPECT_TRUE(schedule.needs_clock());
  EXPECT_FALSE(schedule.due_after(1, kStart + milliseconds(10) - nanoseconds(1)));
  EXPECT_TRUE(schedule.due_after(1, kStart + milliseconds(10)));
  schedule.flushed(kStart + milliseconds(10));
  EXPECT_FALSE(schedule.due_after(1, kStart + milliseconds(19)));
  EXPECT_TRUE(schedule.due_after(1, kStart + milliseconds(20)));
}

}  // namespace
}  // namespace durability
