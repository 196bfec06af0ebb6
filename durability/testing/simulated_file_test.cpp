#include "durability/testing/simulated_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace durability::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr std::size_t kSector = 4;

// Every content a power cut may leave; a dot stands for a zero byte.
std::set<std::string> outcomes(const SimulatedFile& file, const CrashProfile& profile,
                               const std::vector<Bytes>& earlier_lives = {}) {
  std::set<std::string> seen;
  ExhaustiveChooser chooser;
  while (chooser.next()) {
    std::string text(as_text(file.after_power_cut(profile, chooser, earlier_lives)));
    std::replace(text.begin(), text.end(), '\0', '.');
    seen.insert(text);
  }
  EXPECT_FALSE(chooser.diverged());
  return seen;
}

SimulatedFile synced(std::string_view text) {
  SimulatedFile file(kSector);
  file.write(0, as_bytes(text));
  file.sync();
  return file;
}

Bytes bytes_of(std::string_view text) {
  const auto view = as_bytes(text);
  return {view.begin(), view.end()};
}

TEST(SimulatedFile, KeepsWhatWasSyncedUnderEveryProfile) {
  const auto file = synced("abcdefghij");
  EXPECT_TRUE(file.all_synced());
  for (const CrashProfile& profile : kAllCrashProfiles) {
    EXPECT_THAT(outcomes(file, profile), ElementsAre("abcdefghij")) << profile.name;
  }
}

TEST(SimulatedFile, AppendsInOrderedModeNeverShowBytesThatWereNotWritten) {
  auto file = synced("ab");
  file.write(2, as_bytes("CDEFGHIJ"));
  EXPECT_THAT(outcomes(file, CrashProfile::ordered()),
              UnorderedElementsAre("ab", "abCD", "abCDEFGH", "abCDEFGHIJ"));
}

TEST(SimulatedFile, OverwrittenSectorsInOrderedModeAreOldOrNewEachByItself) {
  auto file = synced("aaaabbbb");
  file.write(0, as_bytes("AAAABBBB"));
  EXPECT_THAT(outcomes(file, CrashProfile::ordered()),
              UnorderedElementsAre("aaaabbbb", "AAAAbbbb", "aaaaBBBB", "AAAABBBB"));
}

TEST(SimulatedFile, WritebackLosesSizesAndSectorsIndependently) {
  SimulatedFile file(kSector);
  file.write(0, as_bytes("AAAABBBB"));
  EXPECT_THAT(outcomes(file, CrashProfile::writeback()),
              UnorderedElementsAre("", "........", "AAAA....", "....BBBB", "AAAABBBB"));
  file.write(8, as_bytes("C"));
  EXPECT_THAT(outcomes(file, CrashProfile::writeback()),
              IsSupersetOf({"", "AAAABBBB", ".........", "....BBBB.", "AAAA....C"}));
  EXPECT_THAT(outcomes(file, CrashProfile::writeback()), Not(Contains("AAAA"))) << "no write ended there";
}

TEST(SimulatedFile, WritebackMakesSectorsOldNewOrZero) {
  auto file = synced("aaaabbbb");
  file.write(0, as_bytes("AAAABBBB"));
  const auto seen = outcomes(file, CrashProfile::writeback());
  EXPECT_EQ(seen.size(), 9U);
  EXPECT_THAT(seen, IsSupersetOf({"aaaabbbb", "....BBBB", "AAAA....", "aaaa....", "AAAABBBB"}));
}

TEST(SimulatedFile, ASectorWrittenTwiceMayHoldTheStateBetween) {
  auto file = synced("aaaa");
  file.write(0, as_bytes("BB"));
  file.write(2, as_bytes("CC"));
  EXPECT_THAT(outcomes(file, CrashProfile::ordered()), UnorderedElementsAre("aaaa", "BBaa", "BBCC"));
  EXPECT_THAT(outcomes(file, CrashProfile::writeback()),
              UnorderedElementsAre("aaaa", "BBaa", "BBCC", "...."));
}

TEST(SimulatedFile, APowerCutChangesNoByteThatAnUnsyncedWriteDidNotCover) {
  auto file = synced("abcdefgh");
  file.write(5, as_bytes("F"));
  for (const CrashProfile& profile : kAllCrashProfiles) {
    for (std::string text : outcomes(file, profile, {bytes_of("01234567")})) {
      text[5] = 'f';
      EXPECT_EQ(text, "abcdefgh") << profile.name;
    }
  }
}

TEST(SimulatedFile, HostileSectorsMayBeStaleTornOrGarbage) {
  auto file = synced("aaaa");
  file.write(0, as_bytes("BBBB"));
  const auto seen = outcomes(file, CrashProfile::hostile(), {bytes_of("0123")});
  EXPECT_THAT(seen, IsSupersetOf({"aaaa", "BBBB", "....", "0123", "Baaa", "BBaa", "BBBa"}));
  EXPECT_EQ(seen.size(), 8U) << "and one more, of garbage";
}

TEST(SimulatedFile, ALostTruncationBringsItsBytesBackUnchanged) {
  auto file = synced("aaaabbbbcc");
  file.truncate(6);
  for (const CrashProfile& profile : kAllCrashProfiles) {
    EXPECT_THAT(outcomes(file, profile), UnorderedElementsAre("aaaabb", "aaaabbbbcc")) << profile.name;
  }
  file.sync();
  EXPECT_THAT(outcomes(file, CrashProfile::hostile()), ElementsAre("aaaabb"));
}

TEST(SimulatedFile, WhatWasWrittenAfterATruncationIsLostWithIt) {
  auto file = synced("aaaa");
  file.truncate(0);
  file.write(0, as_bytes("BB"));
  EXPECT_THAT(outcomes(file, CrashProfile::ordered()), UnorderedElementsAre("aaaa", "", "BB"));
  EXPECT_THAT(outcomes(file, CrashProfile::weak()), UnorderedElementsAre("aaaa", "", "BB", "aa", ".."));
}

TEST(SimulatedFile, AFileThatShrankAndGrewReadsAsZerosOnceSynced) {
  auto file = synced("aaaabbbb");
  file.truncate(2);
  file.truncate(8);
  file.sync();
  EXPECT_EQ(file.durable(), file.cached());
  EXPECT_EQ(file.cached(), bytes_of(std::string("aa\0\0\0\0\0\0", 8)));
}

TEST(SimulatedFile, AFailedSyncThatKeepsItsPagesWritesThemLater) {
  auto file = synced("aaaa");
  file.write(0, as_bytes("BBBB"));
  file.fail_sync(SyncFailure::kKeep);
  EXPECT_THAT(outcomes(file, CrashProfile::ordered()), UnorderedElementsAre("aaaa", "BBBB"));
  file.sync();
  EXPECT_THAT(outcomes(file, CrashProfile::ordered()), ElementsAre("BBBB"));
}

// V16: the page stays in the cache, clean, and every later sync is a lie.
TEST(SimulatedFile, AFailedSyncThatForgetsItsPagesIsFollowedBySyncsThatProveNothing) {
  auto file = synced("aaaabbbb");
  file.write(0, as_bytes("BBBB"));
  file.fail_sync(SyncFailure::kForget);
  file.sync();
  EXPECT_EQ(as_text(file.cached()), "BBBBbbbb");
  EXPECT_THAT(outcomes(file, CrashProfile::ordered()), ElementsAre("aaaabbbb"));
  file.drop_clean_pages();
  EXPECT_EQ(as_text(file.cached()), "aaaabbbb");
}

TEST(SimulatedFile, WritingIntoAForgottenPageBringsItsBytesAlong) {
  auto file = synced("aaaa");
  file.write(0, as_bytes("BB"));
  file.fail_sync(SyncFailure::kForget);
  file.write(3, as_bytes("C"));
  EXPECT_THAT(outcomes(file, CrashProfile::weak()), UnorderedElementsAre("aaaa", "BBaC", "..a."));
  file.drop_clean_pages();
  EXPECT_EQ(as_text(file.cached()), "BBaC") << "a dirty page is not dropped";
}

TEST(SimulatedFile, AForgottenAppendHasItsSizeButNotItsBytes) {
  auto file = synced("aaaa");
  file.write(4, as_bytes("BBBB"));
  file.fail_sync(SyncFailure::kForget);
  file.sync();
  EXPECT_EQ(file.durable(), bytes_of(std::string("aaaa\0\0\0\0", 8)));
}

TEST(SimulatedFile, ATruncationAlsoDropsWhatAFailedSyncLeftOnTheDisk) {
  auto file = synced("aaaabbbb");
  file.write(4, Bytes(4));
  file.fail_sync(SyncFailure::kForget);
  file.truncate(4);
  file.truncate(8);
  file.sync();
  EXPECT_EQ(file.durable(), bytes_of(std::string("aaaa\0\0\0\0", 8)));
}

TEST(SimulatedFile, AFailedSyncThatRevertsShowsTheDisk) {
  auto file = synced("aaaa");
  file.write(0, as_bytes("BBBBCC"));
  file.fail_sync(SyncFailure::kRevert);
  EXPECT_EQ(as_text(file.cached()), "aaaa");
  EXPECT_TRUE(file.all_synced());
}

}  // namespace
}  // namespace durability::testing
