#include "durability/recordlog/verdict.hpp"

#include <gtest/gtest.h>

#include <map>

namespace durability::recordlog {
namespace {

constexpr Verdict refuse(ErrorCode code) { return {.action = Action::kRefuse, .code = code}; }
constexpr Verdict act(Action action) { return {.action = action}; }

TEST(RecordLogVerdict, OfEachFindingInEachModeIsTheTable) {
  using enum Finding;
  struct Row {
    Verdict strict, best_effort, reopen;
  };
  const Verdict truncated = refuse(ErrorCode::kTruncated);
  const Verdict format = refuse(ErrorCode::kFormat);
  const Verdict crc = refuse(ErrorCode::kCrcMismatch);
  const Verdict accept = act(Action::kAccept);
  const std::map<Finding, Row> table{
      {kNoFile, {accept, accept, act(Action::kStart)}},
      {kEnd, {accept, accept, act(Action::kGoOn)}},
      {kCutHeader, {truncated, accept, act(Action::kStart)}},
      {kCutRecord, {truncated, accept, act(Action::kCutTail)}},
      {kZeros, {truncated, accept, act(Action::kCutTail)}},
      {kBadMagic, {format, format, format}},
      {kBadVersion, {format, format, format}},
      {kOverCap, {format, format, act(Action::kCutTail)}},
      {kCrcMismatch, {crc, crc, act(Action::kCutTail)}},
      {kRecordsAfter, {format, format, format}},
      {kSearchGivenUp, {format, format, format}},
  };
  for (int i = 0; i <= static_cast<int>(kLastFinding); ++i) {
    const auto finding = static_cast<Finding>(i);
    ASSERT_TRUE(table.contains(finding)) << i;
    EXPECT_EQ(judge(finding, Mode::kStrict), table.at(finding).strict) << i;
    EXPECT_EQ(judge(finding, Mode::kBestEffort), table.at(finding).best_effort) << i;
    EXPECT_EQ(judge(finding, Mode::kReopen), table.at(finding).reopen) << i;
    EXPECT_NE(describe(finding), "") << i;
    EXPECT_EQ(advice_for(finding).empty(), finding == kNoFile || finding == kEnd) << i;
  }
}

}  // namespace
}  // namespace durability::recordlog
