#include "durability/walog/read/verdict.hpp"

#include <gtest/gtest.h>

#include <string>

#include "durability/walog/test_support.hpp"

namespace durability::walog {
namespace {

struct Row {
  Finding finding;
  const char* strict;
  const char* best_effort;
  const char* resume;
};

// The table of docs/recovery.md. It stands here a second time, in words, so that a verdict cannot be
// changed by accident and a new finding cannot be added without one.
constexpr Row kTable[] = {
    {Finding::kNoSegments, "ok", "ok", "start log"},
    {Finding::kEnd, "ok", "ok", "continue here"},
    {Finding::kSealedEnd, "ok", "ok", "continue in next"},
    {Finding::kTorn, "torn_tail", "ok", "seal at cut"},
    {Finding::kAcknowledgedDamage, "corrupt", "corrupt", "corrupt"},
    {Finding::kDamageBeforeFinal, "corrupt", "corrupt", "corrupt"},
    {Finding::kSealedWithoutSuccessor, "corrupt", "corrupt", "corrupt"},
    {Finding::kUnsealedBeforeTwoSpares, "corrupt", "corrupt", "corrupt"},
    {Finding::kSegmentGap, "corrupt", "corrupt", "corrupt"},
    {Finding::kForeignLog, "corrupt", "corrupt", "corrupt"},
    {Finding::kStartMismatch, "corrupt", "corrupt", "corrupt"},
    {Finding::kSegmentIdMismatch, "corrupt", "corrupt", "corrupt"},
    {Finding::kHeaderDamaged, "corrupt", "corrupt", "corrupt"},
    {Finding::kRuleBroken, "format", "format", "format"},
    {Finding::kSealMismatch, "corrupt", "corrupt", "corrupt"},
    {Finding::kTooManySpares, "format", "format", "format"},
    {Finding::kSearchBudgetSpent, "format", "format", "format"},
    {Finding::kFirstSegmentEmpty, "truncated", "ok", "start over"},
    {Finding::kOnlySpares, "corrupt", "corrupt", "corrupt"},
    {Finding::kUnreadable, "io", "io", "io"},
    // Versions 2 and 3.
    {Finding::kCutFrame, "truncated", "ok", "cut tail"},
    {Finding::kZerosThenData, "format", "ok", "cut tail"},
    {Finding::kCutHeader, "truncated", "ok", "replace header"},
    {Finding::kLoneCutHeader, "truncated", "ok", "invalid_state"},
    {Finding::kSkippingHeader, "format", "ok", "replace header"},
    {Finding::kCutBeforeFinal, "truncated", "truncated", "truncated"},
    {Finding::kBadBytes, "format", "format", "format"},
    {Finding::kCrcMismatch, "crc_mismatch", "crc_mismatch", "crc_mismatch"},
    {Finding::kFramesAfterDamage, "format", "format", "format"},
};

std::string in_words(const Verdict& verdict) {
  switch (verdict.action) {
    case Action::kRefuse: return std::string(code_name(verdict.code));
    case Action::kAccept: return "ok";
    case Action::kStartLog: return "start log";
    case Action::kContinueHere: return "continue here";
    case Action::kContinueInNext: return "continue in next";
    case Action::kSealAtCut: return "seal at cut";
    case Action::kStartOver: return "start over";
    case Action::kCutTail: return "cut tail";
    case Action::kReplaceHeader: return "replace header";
  }
  return "unknown";
}

TEST(Verdict, IsTheTableForEveryFindingInEveryMode) {
  ASSERT_EQ(std::size(kTable), static_cast<std::size_t>(kLastFinding) + 1) << "a finding without a row";
  for (std::size_t i = 0; i < std::size(kTable); ++i) {
    const Row& row = kTable[i];
    SCOPED_TRACE(describe(row.finding));
    ASSERT_EQ(static_cast<std::size_t>(row.finding), i);
    EXPECT_EQ(in_words(judge(row.finding, Mode::kStrict)), row.strict);
    EXPECT_EQ(in_words(judge(row.finding, Mode::kBestEffort)), row.best_effort);
    EXPECT_EQ(in_words(judge(row.finding, Mode::kResume)), row.resume);
  }
}

// The version of the segment in which the fault lies decides: the older ones say `format`.
TEST(Verdict, OfADisorderOfSegmentsIsFormatInTheOlderVersions) {
  for (const auto format : {WalFormat::kV2, WalFormat::kV3}) {
    for (const auto finding : {Finding::kSegmentGap, Finding::kStartMismatch, Finding::kSegmentIdMismatch}) {
      for (const auto mode : {Mode::kStrict, Mode::kBestEffort, Mode::kResume}) {
        EXPECT_EQ(in_words(judge(finding, mode, format)), "format") << describe(finding);
      }
    }
  }
}

TEST(Verdict, EveryFindingIsDescribedInWordsOfItsOwn) {
  for (std::size_t i = 0; i < std::size(kTable); ++i) {
    EXPECT_FALSE(describe(kTable[i].finding).empty()) << i;
    EXPECT_FALSE(advice_for(kTable[i].finding).empty()) << i;
    for (std::size_t j = 0; j < i; ++j) {
      EXPECT_NE(describe(kTable[i].finding), describe(kTable[j].finding)) << i << ' ' << j;
    }
  }
}

// No repair in a mode that only reads, and never a milder verdict in strict than in best effort.
TEST(Verdict, ReadingNeverChangesAnythingAndStrictIsTheStricter) {
  for (const Row& row : kTable) {
    for (const auto mode : {Mode::kStrict, Mode::kBestEffort}) {
      const Action action = judge(row.finding, mode).action;
      EXPECT_TRUE(action == Action::kAccept || action == Action::kRefuse) << describe(row.finding);
    }
    if (judge(row.finding, Mode::kStrict).action == Action::kAccept) {
      EXPECT_EQ(judge(row.finding, Mode::kBestEffort).action, Action::kAccept) << describe(row.finding);
    }
  }
}

}  // namespace
}  // namespace durability::walog
