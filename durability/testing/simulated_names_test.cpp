#include "durability/testing/simulated_names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "durability/base/error.hpp"

namespace durability::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

std::string listing(const SimulatedNames& names) {
  std::string text;
  names.walk([&](const std::string& path, Inode inode) {
    if (!text.empty()) text += ' ';
    text += path + (inode.is_directory ? "/" : fmt::format("={}", inode.id));
  });
  return text;
}

std::set<std::string> outcomes(const SimulatedNames& names, const CrashProfile& profile) {
  std::set<std::string> seen;
  ExhaustiveChooser chooser;
  while (chooser.next()) {
    const auto after = names.after_power_cut(profile, chooser);
    EXPECT_TRUE(after.all_synced());
    seen.insert(listing(after));
  }
  EXPECT_FALSE(chooser.diverged());
  return seen;
}

// Inodes are numbered from 2 in the order in which they are made.
struct Tree : ::testing::Test {
  Inode file(std::string_view path) { return names.create(names.place_of(path).value(), false); }
  void directory(std::string_view path) { names.create(names.place_of(path).value(), true); }
  void unlink(std::string_view path) { names.unlink(names.place_of(path).value()); }
  void rename(std::string_view from, std::string_view to) {
    names.rename(names.place_of(from).value(), names.place_of(to).value());
  }
  void sync(std::string_view path) { names.sync(names.find(path)->id); }

  SimulatedNames names;
};

using SimulatedNamesTest = Tree;

TEST_F(SimulatedNamesTest, AJournalKeepsAPrefixOverTheWholeTree) {
  directory("d");
  file("d/x");
  file("y");
  EXPECT_THAT(outcomes(names, CrashProfile::ordered()),
              UnorderedElementsAre("", "d/", "d/ d/x=3", "d/ d/x=3 y=4"));
}

TEST_F(SimulatedNamesTest, WithoutAJournalAnySubsetPersists) {
  file("x");
  file("y");
  unlink("x");
  EXPECT_THAT(outcomes(names, CrashProfile::weak()), UnorderedElementsAre("", "x=2", "y=3", "x=2 y=3"));
}

TEST_F(SimulatedNamesTest, ASyncMakesTheNamesOfItsDirectoryDurableAndNoOthers) {
  directory("d");
  file("d/x");
  sync("d");
  EXPECT_THAT(outcomes(names, CrashProfile::weak()), UnorderedElementsAre("", "d/ d/x=3"));
  EXPECT_THAT(outcomes(names, CrashProfile::ordered()), ElementsAre("d/ d/x=3"))
      << "a journal brings d along";
  sync("");
  EXPECT_THAT(outcomes(names, CrashProfile::weak()), ElementsAre("d/ d/x=3"));
}

TEST_F(SimulatedNamesTest, TheSyncOfAFileBringsItsNameAlongOnlyWithAJournal) {
  file("w");
  const Inode synced = file("x");
  file("y");
  names.file_synced(synced.id);
  EXPECT_THAT(outcomes(names, CrashProfile::ordered()), UnorderedElementsAre("w=2 x=3", "w=2 x=3 y=4"));
  EXPECT_EQ(outcomes(names, CrashProfile::weak()).size(), 8U);
}

TEST_F(SimulatedNamesTest, ARenameWithinADirectoryLeavesTheOldNameOrTheNewOne) {
  file("x");
  file("y");
  sync("");
  rename("x", "y");
  for (const CrashProfile& profile : kAllCrashProfiles) {
    EXPECT_THAT(outcomes(names, profile), UnorderedElementsAre("x=2 y=3", "y=2")) << profile.name;
  }
}

TEST_F(SimulatedNamesTest, ANameIsNeverLostBetweenARenameAndWhatFollows) {
  file("x");
  sync("");
  rename("x", "y");
  file("x");
  EXPECT_THAT(outcomes(names, CrashProfile::hostile()), UnorderedElementsAre("x=2", "y=2", "x=3 y=2"));
}

TEST_F(SimulatedNamesTest, ARenameBetweenDirectoriesMayLeaveBothNamesButNeverNone) {
  directory("a");
  directory("b");
  file("a/x");
  sync("");
  sync("a");
  rename("a/x", "b/x");
  EXPECT_THAT(outcomes(names, CrashProfile::weak()),
              UnorderedElementsAre("a/ a/x=4 b/", "a/ a/x=4 b/ b/x=4", "a/ b/ b/x=4"));
  EXPECT_THAT(outcomes(names, CrashProfile::ordered()), UnorderedElementsAre("a/ a/x=4 b/", "a/ b/ b/x=4"));
  auto old_parent_synced = names;
  old_parent_synced.sync(names.find("a")->id);
  EXPECT_THAT(outcomes(old_parent_synced, CrashProfile::weak()), ElementsAre("a/ b/ b/x=4"));
  sync("b");
  EXPECT_THAT(outcomes(names, CrashProfile::weak()),
              UnorderedElementsAre("a/ a/x=4 b/ b/x=4", "a/ b/ b/x=4"));
}

TEST_F(SimulatedNamesTest, ADirectoryMovesInOneStepWithAllThatIsInIt) {
  directory("a");
  directory("b");
  directory("a/d");
  file("a/d/x");
  for (const std::string_view path : {"", "a", "a/d"}) sync(path);
  rename("a/d", "b/e");
  EXPECT_THAT(outcomes(names, CrashProfile::weak()),
              UnorderedElementsAre("a/ a/d/ a/d/x=5 b/", "a/ b/ b/e/ b/e/x=5"));
}

// V6: deletions without a sync in between come to the disk in any order.
TEST_F(SimulatedNamesTest, UnsyncedUnlinksAreReordered) {
  file("1");
  file("2");
  sync("");
  unlink("1");
  unlink("2");
  EXPECT_THAT(outcomes(names, CrashProfile::weak()), UnorderedElementsAre("1=2 2=3", "1=2", "2=3", ""));
  EXPECT_THAT(outcomes(names, CrashProfile::writeback()), UnorderedElementsAre("1=2 2=3", "2=3", ""));
}

TEST_F(SimulatedNamesTest, AForgottenNameIsSeenButNeverSynced) {
  file("x");
  names.forget(SimulatedNames::kRoot);
  sync("");
  EXPECT_EQ(listing(names), "x=2");
  EXPECT_THAT(outcomes(names, CrashProfile::ordered()), ElementsAre(""));
}

}  // namespace
}  // namespace durability::testing
