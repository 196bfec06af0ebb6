// The order of the primitives in each composite operation, and what a failure of each one leaves.

#include "durability/storage/directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "durability/storage/test_directories.hpp"

namespace durability::internal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kTemporary = "x.000000000000000a.tmp";

// The bytes are durable before a name leads to them.
TEST(Directory, AtomicWriteSyncsTheTemporaryBeforeItRenamesIt) {
  RecordingDirectory directory;
  ASSERT_TRUE(succeeded(directory.atomic_write("x", as_bytes("new"))));
  EXPECT_THAT(directory.record.steps,
              ElementsAre("create_new x.000000000000000a.tmp", "write x.000000000000000a.tmp",
                          "sync_data x.000000000000000a.tmp", "close x.000000000000000a.tmp",
                          "rename x.000000000000000a.tmp x"));
  EXPECT_EQ(text_of(directory, "x"), "new");
}

TEST(Directory, AtomicWriteSyncsNothingWithoutStableStorage) {
  RecordingDirectory directory;
  directory.stable = false;
  ASSERT_TRUE(succeeded(directory.atomic_write("a/x", as_bytes("new"))));
  for (const std::string& step : directory.record.steps) EXPECT_FALSE(step.starts_with("sync")) << step;
}

TEST(Directory, WriteDurableSyncsTheParentLast) {
  RecordingDirectory directory;
  ASSERT_TRUE(succeeded(directory.create_directories("d")));
  directory.record.steps.clear();
  ASSERT_TRUE(succeeded(directory.write_durable("d/x", as_bytes("new"))));
  EXPECT_EQ(directory.record.steps.size(), 6U);
  EXPECT_EQ(directory.record.steps.back(), "sync 'd'");
}

// An error at any step leaves the old contents or the new, whole, and no temporary; and it is reported.
TEST(Directory, AFailureAtAnyStepOfWriteDurableIsReportedAndLeavesOldOrNew) {
  constexpr std::size_t kSteps = 6;
  constexpr std::size_t kRename = 4;
  for (std::size_t fail_at = 0; fail_at < kSteps; ++fail_at) {
    RecordingDirectory directory;
    ASSERT_TRUE(succeeded(directory.atomic_write("x", as_bytes("old"))));
    directory.record = {.steps = {}, .fail_at = fail_at};
    EXPECT_TRUE(fails_with(directory.write_durable("x", as_bytes("new")), ErrorCode::kIo)) << fail_at;
    EXPECT_EQ(text_of(directory, "x"), fail_at <= kRename ? "old" : "new") << fail_at;
    EXPECT_THAT(*directory.list(""), ElementsAre("x")) << fail_at;
  }
}

// A file of the temporary's name that somebody else made is neither written to nor removed.
TEST(Directory, AtomicWriteLeavesAForeignFileOfItsTemporaryNameAlone) {
  RecordingDirectory directory;
  ASSERT_TRUE(succeeded(directory.create(kTemporary)));
  EXPECT_TRUE(fails_with(directory.atomic_write("x", as_bytes("new")), ErrorCode::kInvalidState));
  EXPECT_THAT(*directory.list(""), ElementsAre(kTemporary));
}

// A power loss must not take a/b/c away because `a` was never synced into the root.
TEST(Directory, CreateDirectoriesSyncsEveryAncestorIntoItsParentBeforeTheNext) {
  RecordingDirectory directory;
  ASSERT_TRUE(succeeded(directory.create_directories("a/b/c")));
  EXPECT_THAT(directory.record.steps,
              ElementsAre("mkdir a", "sync ''", "mkdir a/b", "sync 'a'", "mkdir a/b/c", "sync 'a/b'"));
}

// F7: directories were once made on the way and not synced into their parents. One that exists may
// stem from a process that was killed before its sync, so it is synced all the same.
TEST(Directory, CreateDirectoriesSyncsTheParentsOfDirectoriesThatExist) {
  RecordingDirectory directory;
  ASSERT_TRUE(succeeded(directory.create_directories("a/b")));
  directory.record.steps.clear();
  ASSERT_TRUE(succeeded(directory.create_directories("a/b")));
  EXPECT_THAT(directory.record.steps, ElementsAre("mkdir a", "sync ''", "mkdir a/b", "sync 'a'"));
}

// F7: parents made on the way were not synced either.
TEST(Directory, ParentsMadeOnTheWayAreSyncedBeforeTheFileIsMade) {
  RecordingDirectory directory;
  ASSERT_TRUE(succeeded(directory.create("a/b/x")));
  EXPECT_THAT(directory.record.steps,
              ElementsAre("mkdir a", "sync ''", "mkdir a/b", "sync 'a'", "open a/b/x"));
}

TEST(Directory, ParentsThatAreThereCostNothing) {
  RecordingDirectory directory;
  ASSERT_TRUE(succeeded(directory.create_directories("a")));
  directory.record.steps.clear();
  ASSERT_TRUE(succeeded(directory.create("a/x")));
  EXPECT_THAT(directory.record.steps, ElementsAre("open a/x"));
}

TEST(Directory, AFailedSyncOfANewParentIsReportedAndTheFileIsNotMade) {
  RecordingDirectory directory;
  directory.record.fail_at = 1;
  EXPECT_TRUE(fails_with(directory.create("a/x"), ErrorCode::kIo));
  EXPECT_FALSE(*directory.exists("a/x"));
}

// The new name first, so that a power loss in between leaves two names and never none.
TEST(Directory, RenameDurableSyncsBothParentsTheNewOneFirst) {
  RecordingDirectory directory;
  ASSERT_TRUE(succeeded(directory.create("a/x")));
  ASSERT_TRUE(succeeded(directory.create_directories("b")));
  directory.record.steps.clear();
  ASSERT_TRUE(succeeded(directory.rename_durable("a/x", "b/y")));
  EXPECT_THAT(directory.record.steps, ElementsAre("rename a/x b/y", "sync 'b'", "sync 'a'"));
}

// Both parents are one directory: one sync covers both names.
TEST(Directory, RenameDurableWithinADirectorySyncsItOnce) {
  RecordingDirectory directory;
  ASSERT_TRUE(succeeded(directory.create("x")));
  directory.record.steps.clear();
  ASSERT_TRUE(succeeded(directory.rename_durable("x", "y")));
  EXPECT_THAT(directory.record.steps, ElementsAre("rename x y", "sync ''"));
}

TEST(Directory, AFailureAtAnyStepOfRenameDurableIsReported) {
  for (std::size_t fail_at = 0; fail_at < 5; ++fail_at) {
    RecordingDirectory directory;
    ASSERT_TRUE(succeeded(directory.create("x")));
    directory.record = {.steps = {}, .fail_at = fail_at};  // mkdir, sync, rename, sync, sync
    EXPECT_TRUE(fails_with(directory.rename_durable("x", "b/y"), ErrorCode::kIo)) << fail_at;
  }
}

// C10: a durable delete once left its parent unsynced, and the file came back.
TEST(Directory, RemoveDurableSyncsTheParent) {
  RecordingDirectory directory;
  ASSERT_TRUE(succeeded(directory.create("a/x")));
  directory.record.steps.clear();
  ASSERT_TRUE(succeeded(directory.remove_durable("a/x")));
  EXPECT_THAT(directory.record.steps, ElementsAre("unlink a/x", "sync 'a'"));
}

// C10: whoever removed it may have been killed before the sync.
TEST(Directory, RemoveDurableSyncsTheParentOfWhatIsGoneAlready) {
  RecordingDirectory directory;
  ASSERT_TRUE(succeeded(directory.create_directories("a")));
  directory.record.steps.clear();
  ASSERT_TRUE(succeeded(directory.remove_durable("a/x")));
  EXPECT_THAT(directory.record.steps, ElementsAre("sync 'a'"));
  directory.record.steps.clear();
  ASSERT_TRUE(succeeded(directory.remove_durable("a/b/c/x")));
  EXPECT_THAT(directory.record.steps, ElementsAre("sync 'a'"));
}

TEST(Directory, AFailureAtAnyStepOfRemoveDurableIsReported) {
  for (std::size_t fail_at = 0; fail_at < 4; ++fail_at) {
    RecordingDirectory directory;
    ASSERT_TRUE(succeeded(directory.create("a/x")));
    ASSERT_TRUE(succeeded(directory.create("a/y")));
    directory.record = {.steps = {}, .fail_at = fail_at};  // unlink, unlink, rmdir, sync
    EXPECT_TRUE(fails_with(directory.remove_durable("a"), ErrorCode::kIo)) << fail_at;
  }
}

TEST(Directory, DurableOperationsWithoutStableStorageAreRefusedBeforeAnythingIsChanged) {
  RecordingDirectory directory;
  directory.stable = false;
  ASSERT_TRUE(succeeded(directory.atomic_write("x", as_bytes("old"))));
  directory.record.steps.clear();
  EXPECT_TRUE(fails_with(directory.write_durable("x", as_bytes("new")), ErrorCode::kNotSupported));
  EXPECT_TRUE(fails_with(directory.rename_durable("x", "y"), ErrorCode::kNotSupported));
  EXPECT_TRUE(fails_with(directory.remove_durable("x"), ErrorCode::kNotSupported));
  EXPECT_TRUE(fails_with(directory.sync_directory(""), ErrorCode::kNotSupported));
  EXPECT_THAT(directory.record.steps, IsEmpty());
}

// Only names of exactly this form are ever cleaned up.
TEST(Directory, TemporaryNamesStandBesideTheirTargetAndAreKnownByTheirForm) {
  RecordingDirectory directory;
  const std::string name = directory.temporary_name("dir/checkpoint");
  EXPECT_EQ(name, "dir/checkpoint.000000000000000a.tmp");
  EXPECT_NE(directory.temporary_name("dir/checkpoint"), name);
  EXPECT_TRUE(Directory::is_temporary_name(name));
  EXPECT_TRUE(Directory::is_temporary_name("x.0123456789abcdef.tmp"));
  for (const char* other :
       {"", ".tmp", "x.tmp", "x.0123456789abcde.tmp", "x.0123456789abcdef0.tmp", "x.0123456789ABCDEF.tmp",
        "x.0123456789abcdeg.tmp", "x.0123456789abcdef.tmp.bak", "x.0123456789abcdef", "x0123456789abcdef.tmp",
        ".0123456789abcdef.tmp", "dir/.0123456789abcdef.tmp", "x.0123456789abcdef_tmp"}) {
    EXPECT_FALSE(Directory::is_temporary_name(other)) << other;
  }
}

}  // namespace
}  // namespace durability::internal
