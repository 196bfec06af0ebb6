// The composite operations of Directory, cut off at each of their steps under every profile; and the
// same with a step taken out, which the model must catch.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "durability/testing/crash_directory.hpp"

namespace durability::testing {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::Not;

constexpr std::string_view kOld = "the old contents";
constexpr std::string_view kNew = "the NEW contents, longer";

std::string text_of(Directory& directory, std::string_view path) {
  const auto contents = directory.read_file(path, 1U << 20U);
  if (!contents)
    return contents.error().code() == ErrorCode::kNotFound ? "(none)" : contents.error().to_string();
  return std::string(as_text(*contents));
}

using Step = std::function<Status(Directory&)>;

// Runs `prepare`, then `work` cut off at each of its operations; `check` sees every directory that a
// kill or a power cut may leave, and whether `work` had returned.
void for_each_crash(const Step& prepare, const Step& work,
                    const std::function<void(Directory&, bool)>& check) {
  for (std::uint64_t cut = 0;; ++cut) {
    const auto directory = CrashDirectory::make({.sector_bytes = 8}).value();
    ASSERT_TRUE(prepare(*directory));
    directory->cut_after(directory->operations() + cut);
    const bool done = work(*directory).has_value();
    for (const CrashProfile& profile : kAllCrashProfiles) {
      ExhaustiveChooser chooser;
      while (chooser.next()) {
        const auto after = directory->after_power_cut(profile, chooser);
        SCOPED_TRACE(fmt::format("cut at operation {}, {}, choices {}\n{}", cut, profile.name,
                                 chooser.choices(), after->describe()));
        check(*after, done);
        if (::testing::Test::HasFailure()) return;
      }
    }
    SCOPED_TRACE(fmt::format("killed at operation {}", cut));
    check(*directory->after_kill(), done);
    if (done) return;
  }
}

Status prepare_old(Directory& directory) { return directory.write_durable("d/x", as_bytes(kOld)); }

// What a reader may find at d/x after crashes of `work`; all the outcomes, and those after its return.
struct Outcomes {
  std::set<std::string> all;
  std::set<std::string> when_done;
};
Outcomes outcomes_of(const Step& work) {
  Outcomes outcomes;
  for_each_crash(prepare_old, work, [&](Directory& after, bool done) {
    outcomes.all.insert(text_of(after, "d/x"));
    if (done) outcomes.when_done.insert(text_of(after, "d/x"));
  });
  return outcomes;
}

// atomic_write without a step or two, as somebody might write it.
Status replace(Directory& directory, bool sync_file, bool sync_parent) {
  DURABILITY_TRY_ASSIGN(const auto file, directory.create_new("d/x.new"));
  DURABILITY_TRY(file->write_at(0, as_bytes(kNew)));
  if (sync_file) DURABILITY_TRY(file->sync_data());
  DURABILITY_TRY(directory.rename("d/x.new", "d/x"));
  return sync_parent ? directory.sync_directory("d") : Status();
}

// A crash at each step leaves the old contents or the new ones, whole; the new ones once it returned.
TEST(WriteDurable, LeavesTheOldOrTheNewContentsWhereverItIsCutOff) {
  const auto outcomes =
      outcomes_of([](Directory& directory) { return directory.write_durable("d/x", as_bytes(kNew)); });
  EXPECT_THAT(outcomes.all, ::testing::ElementsAre(kNew, kOld));
  EXPECT_THAT(outcomes.when_done, ::testing::ElementsAre(kNew));
}

TEST(AtomicWrite, LeavesTheOldOrTheNewContentsWhereverItIsCutOff) {
  const auto outcomes =
      outcomes_of([](Directory& directory) { return directory.atomic_write("d/x", as_bytes(kNew)); });
  EXPECT_THAT(outcomes.all, ::testing::ElementsAre(kNew, kOld));
  EXPECT_THAT(outcomes.when_done, ::testing::ElementsAre(kNew, kOld)) << "it promises no durability";
}

TEST(CrashModel, PassesAReplacementThatSyncsBothFileAndName) {
  const auto outcomes = outcomes_of([](Directory& directory) { return replace(directory, true, true); });
  EXPECT_THAT(outcomes.all, ::testing::ElementsAre(kNew, kOld));
  EXPECT_THAT(outcomes.when_done, ::testing::ElementsAre(kNew));
}

TEST(CrashModel, CatchesAReplacementWithoutTheSyncOfItsFileAsTorn) {
  const auto outcomes = outcomes_of([](Directory& directory) { return replace(directory, false, true); });
  EXPECT_THAT(outcomes.all, Contains("")) << "the empty file that ext4 became known for";
  EXPECT_THAT(outcomes.when_done, Contains(Not(AnyOf(kOld, kNew))));
}

TEST(CrashModel, CatchesAReplacementWithoutTheSyncOfItsNameAsLost) {
  const auto outcomes = outcomes_of([](Directory& directory) { return replace(directory, true, false); });
  EXPECT_THAT(outcomes.when_done, Contains(kOld));
}

TEST(CrashModel, CatchesOverwritingInPlace) {
  const auto outcomes = outcomes_of([](Directory& directory) -> Status {
    DURABILITY_TRY_ASSIGN(const auto file, directory.create("d/x"));
    DURABILITY_TRY(file->write_at(0, as_bytes(kNew)));
    return file->sync_data();
  });
  EXPECT_THAT(outcomes.all, Contains(Not(AnyOf(kOld, kNew))));
  EXPECT_THAT(outcomes.when_done, ::testing::ElementsAre(kNew));
}

// F7: every directory that is made is durable in its parent.
TEST(CreateDirectories, AreAllThereOnceItReturned) {
  const auto make = [](Directory& directory) { return directory.create_directories("a/b/c"); };
  for_each_crash([](Directory&) { return Status(); }, make,
                 [](Directory& after, bool done) {
                   if (done) {
                     EXPECT_TRUE(after.exists("a/b/c").value());
                   }
                 });
}

TEST(CreateDirectories, AreDurableThoughAKilledProcessMadeThem) {
  const auto directory = CrashDirectory::make();
  ASSERT_TRUE(directory->do_make_directory("a"));
  ASSERT_TRUE(directory->do_make_directory("a/b"));
  const auto killed = directory->after_kill();
  ASSERT_TRUE(killed->create_directories("a/b"));
  EXPECT_TRUE(killed->all_synced());
}

TEST(CrashModel, CatchesADirectoryThatWasNotSyncedIntoItsParent) {
  bool lost = false;
  const auto make = [](Directory& directory) -> Status {
    DURABILITY_TRY(directory.do_make_directory("a"));
    DURABILITY_TRY(directory.do_make_directory("a/b"));
    return directory.sync_directory("a");
  };
  for_each_crash([](Directory&) { return Status(); }, make,
                 [&](Directory& after, bool done) { lost |= done && !after.exists("a/b").value(); });
  EXPECT_TRUE(lost);
}

// A rename between directories; the file is never without a name, and has only the new one once it
// returned.
TEST(RenameDurable, NeverLosesTheFileAndLeavesNoOldNameOnceItReturned) {
  const auto work = [](Directory& directory) { return directory.rename_durable("d/x", "e/f/y"); };
  for_each_crash(prepare_old, work, [](Directory& after, bool done) {
    const std::string at_old = text_of(after, "d/x");
    const std::string at_new = text_of(after, "e/f/y");
    EXPECT_THAT(at_old, AnyOf(kOld, "(none)"));
    EXPECT_THAT(at_new, AnyOf(kOld, "(none)"));
    EXPECT_TRUE(at_old == kOld || at_new == kOld);
    if (done) {
      EXPECT_TRUE(at_old == "(none)" && at_new == kOld);
    }
  });
}

TEST(CrashModel, CatchesARenameThatSyncsOnlyTheNewParent) {
  bool old_name_back = false;
  const auto work = [](Directory& directory) -> Status {
    DURABILITY_TRY(directory.create_directories("e"));
    DURABILITY_TRY(directory.rename("d/x", "e/y"));
    return directory.sync_directory("e");
  };
  for_each_crash(prepare_old, work, [&](Directory& after, bool done) {
    EXPECT_TRUE(!done || text_of(after, "e/y") == kOld);
    old_name_back |= done && text_of(after, "d/x") == kOld;
  });
  EXPECT_TRUE(old_name_back);
}

TEST(RemoveDurable, LeavesNothingOnceItReturned) {
  for_each_crash(
      prepare_old, [](Directory& directory) { return directory.remove_durable("d/x"); },
      [](Directory& after, bool done) {
        EXPECT_THAT(text_of(after, "d/x"), AnyOf(kOld, "(none)"));
        if (done) {
          EXPECT_EQ(text_of(after, "d/x"), "(none)");
        }
      });
}

}  // namespace
}  // namespace durability::testing
