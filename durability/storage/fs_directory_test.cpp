// What only a disk has: symbolic links, FIFOs, modes, and kernels without openat2. The hostile tests
// run with both ways of looking up a path.

#include "durability/storage/fs_directory.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <vector>

#include "durability/storage/durable_directory.hpp"
#include "durability/storage/system_calls.hpp"
#include "durability/storage/test_directories.hpp"

namespace durability::internal {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr std::array kModes = {OpenMode::kRead, OpenMode::kReadWrite, OpenMode::kCreate, OpenMode::kCreateNew,
                               OpenMode::kAppend};

mode_t permissions(const std::filesystem::path& path) {
  struct stat status{};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777U;
}

void write_outside(const std::filesystem::path& path, std::string_view text) { std::ofstream(path) << text; }

std::string read_outside(const std::filesystem::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

enum class Lookup : std::uint8_t { kSystem, kNoOpenat2, kForbiddenOpenat2 };

std::string_view name_of(Lookup lookup) {
  switch (lookup) {
    case Lookup::kSystem: return "System";
    case Lookup::kNoOpenat2: return "NoOpenat2";
    case Lookup::kForbiddenOpenat2: return "ForbiddenOpenat2";
  }
  return "";
}

SystemCalls calls_for(Lookup lookup) {
  SystemCalls calls = real_system_calls();
  const auto refuse_with = [&](auto refuse) { calls.open_beneath = refuse; };
  if (lookup == Lookup::kNoOpenat2) {
    refuse_with([](int, const char*, int, mode_t) {
      errno = ENOSYS;
      return -1;
    });
  } else if (lookup == Lookup::kForbiddenOpenat2) {  // what a seccomp filter says
    refuse_with([](int, const char*, int, mode_t) {
      errno = EPERM;
      return -1;
    });
  }
  return calls;
}

class FsDirectoryLookup : public testing::TestWithParam<Lookup> {
 protected:
  FsDirectoryLookup() : calls_(calls_for(GetParam())) {
    std::filesystem::create_directories(base_.path() / "outside");
    write_outside(outside() / "secret", "secret");
    directory_ = FsDirectory::open(root(), {.create = true, .system_calls = &calls_}).value();
  }
  [[nodiscard]] std::filesystem::path root() const { return base_.path() / "root"; }
  [[nodiscard]] std::filesystem::path outside() const { return base_.path() / "outside"; }

  /// Whatever an operation through a link did, this is still so.
  void expect_outside_untouched() const {
    EXPECT_EQ(read_outside(outside() / "secret"), "secret");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(outside()), {}), 1);
  }

  TemporaryDirectory base_;
  SystemCalls calls_;
  std::shared_ptr<Directory> directory_;
};

INSTANTIATE_TEST_SUITE_P(, FsDirectoryLookup,
                         testing::Values(Lookup::kSystem, Lookup::kNoOpenat2, Lookup::kForbiddenOpenat2),
                         [](const auto& tested) { return std::string(name_of(tested.param)); });

TEST_P(FsDirectoryLookup, FindsWhatItMade) {
  ASSERT_TRUE(succeeded(directory_->atomic_write("a/b/c/x", as_bytes("deep"))));
  EXPECT_EQ(text_of(*directory_, "a/b/c/x"), "deep");
  EXPECT_EQ(read_outside(root() / "a/b/c/x"), "deep");
  EXPECT_TRUE(directory_->exists("a/b").value());
  EXPECT_TRUE(fails_with(directory_->open("a/missing/x"), ErrorCode::kNotFound));
  EXPECT_TRUE(succeeded(directory_->rename("a/b/c/x", "y")));
  EXPECT_TRUE(succeeded(directory_->sync_directory("a/b")));
  EXPECT_TRUE(succeeded(directory_->remove("a")));
  EXPECT_THAT(*directory_->list(""), ElementsAre("y"));
}

// F8: a symbolic link in place of a file was followed, to read and to write.
TEST_P(FsDirectoryLookup, ALinkToAFileIsRefusedInEveryMode) {
  for (const char* target : {"../outside/secret", "../outside/new", "inside"}) {
    write_outside(root() / "inside", "inside");
    std::filesystem::create_symlink(target, root() / "link");
    for (const OpenMode mode : kModes) EXPECT_FALSE(directory_->open("link", mode)) << target;
    EXPECT_EQ(directory_->open("link").error().os_error(), ELOOP);
    EXPECT_FALSE(directory_->lock("link"));
    EXPECT_FALSE(directory_->read_file("link", 100));
    EXPECT_EQ(text_of(*directory_, "inside"), "inside");
    expect_outside_untouched();
    std::filesystem::remove(root() / "link");
  }
}

// F8: a symbolic link to a directory led out of the root.
TEST_P(FsDirectoryLookup, ALinkToADirectoryLeadsNowhereForAnyOperation) {
  std::filesystem::create_symlink(outside(), root() / "link");
  std::filesystem::create_symlink("../outside", root() / "relative");
  write_outside(root() / "x", "mine");
  for (const std::string& link : {std::string("link"), std::string("relative")}) {
    SCOPED_TRACE(link);
    const std::string secret = link + "/secret";
    const std::string fresh = link + "/new";
    for (const OpenMode mode : kModes) {
      EXPECT_FALSE(directory_->open(secret, mode));
      EXPECT_FALSE(directory_->open(fresh, mode));
    }
    EXPECT_EQ(directory_->open(secret).error().os_error(), ELOOP);
    EXPECT_FALSE(directory_->exists(secret));
    EXPECT_FALSE(directory_->remove(secret));
    EXPECT_FALSE(directory_->remove_durable(secret));
    EXPECT_FALSE(directory_->rename("x", fresh));
    EXPECT_FALSE(directory_->rename(secret, "stolen"));
    EXPECT_FALSE(directory_->atomic_write(fresh, {}));
    EXPECT_FALSE(directory_->write_durable(secret, {}));
    EXPECT_FALSE(directory_->create_directories(link));
    EXPECT_FALSE(directory_->create_directories(fresh));
    EXPECT_FALSE(directory_->list(link));
    EXPECT_FALSE(directory_->sync_directory(link));
    EXPECT_FALSE(directory_->lock(fresh));
    expect_outside_untouched();
  }
  EXPECT_THAT(*directory_->list(""), UnorderedElementsAre("link", "relative", "x"));
}

TEST_P(FsDirectoryLookup, RemovingATreeStopsAtLinks) {
  std::filesystem::create_directories(root() / "tree/sub");
  std::filesystem::create_symlink(outside(), root() / "tree/sub/link");
  std::filesystem::create_symlink(outside() / "secret", root() / "tree/link");
  ASSERT_TRUE(succeeded(directory_->remove("tree")));
  EXPECT_THAT(*directory_->list(""), IsEmpty());
  expect_outside_untouched();
}

TEST_P(FsDirectoryLookup, ReplacingALinkReplacesTheLinkOnly) {
  std::filesystem::create_symlink(outside() / "secret", root() / "x");
  ASSERT_TRUE(succeeded(directory_->atomic_write("x", as_bytes("mine"))));
  EXPECT_EQ(text_of(*directory_, "x"), "mine");
  expect_outside_untouched();
}

// F8: a FIFO in place of a file hung the reader. A hang here runs into the test's time limit.
TEST_P(FsDirectoryLookup, AFifoIsRefusedAndNotWaitedFor) {
  ASSERT_EQ(::mkfifo((root() / "fifo").c_str(), 0600), 0);
  for (const OpenMode mode : kModes) {
    EXPECT_TRUE(fails_with(directory_->open("fifo", mode), ErrorCode::kInvalidState));
  }
  EXPECT_TRUE(fails_with(directory_->read_file("fifo", 100), ErrorCode::kInvalidState));
  EXPECT_TRUE(fails_with(directory_->lock("fifo"), ErrorCode::kInvalidState));
  EXPECT_TRUE(directory_->exists("fifo").value());
  EXPECT_TRUE(succeeded(directory_->remove("fifo")));
  EXPECT_FALSE(directory_->exists("fifo").value());
}

// F8: files were 0644.
TEST_P(FsDirectoryLookup, FilesAre0600AndDirectories0700) {
  const mode_t before = ::umask(0);
  ASSERT_TRUE(succeeded(directory_->create("a/created")));
  ASSERT_TRUE(succeeded(directory_->create_new("a/new")));
  ASSERT_TRUE(succeeded(directory_->open_append("a/appended")));
  ASSERT_TRUE(succeeded(directory_->atomic_write("a/written", {})));
  ASSERT_TRUE(succeeded(directory_->lock("a/lock")));
  ASSERT_TRUE(succeeded(FsDirectory::open(base_.path() / "m/n")));
  ::umask(before);
  for (const char* name : {"created", "new", "appended", "written", "lock"}) {
    EXPECT_EQ(permissions(root() / "a" / name), 0600U) << name;
  }
  EXPECT_EQ(permissions(root() / "a"), 0700U);
  EXPECT_EQ(permissions(base_.path() / "m"), 0700U);
  EXPECT_EQ(permissions(base_.path() / "m/n"), 0700U);
}

// A program that is started must not inherit the files.
TEST_P(FsDirectoryLookup, EveryDescriptorIsClosedOnExec) {
  const auto file = directory_->create("a/x").value();
  const auto lock = directory_->lock("a/lock").value();
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const auto target = std::filesystem::read_symlink(entry.path(), gone);
    if (gone || !target.native().starts_with(base_.path().native())) continue;
    const int flags = ::fcntl(std::stoi(entry.path().filename()), F_GETFD);
    EXPECT_NE(flags & FD_CLOEXEC, 0) << target;
  }
}

TEST(FsDirectory, OpensNothingAndMakesNothingWithoutCreate) {
  const TemporaryDirectory base;
  EXPECT_TRUE(fails_with(FsDirectory::open(base.path() / "a/b", {.create = false}), ErrorCode::kNotFound));
  EXPECT_TRUE(std::filesystem::is_empty(base.path()));
  EXPECT_TRUE(succeeded(FsDirectory::open(base.path(), {.create = false})));
}

TEST(FsDirectory, RefusesARootThatIsNoDirectory) {
  const TemporaryDirectory base;
  write_outside(base.path() / "file", "text");
  for (const bool create : {true, false}) {
    EXPECT_TRUE(fails_with(FsDirectory::open(base.path() / "file", {.create = create}), ErrorCode::kIo));
  }
  EXPECT_TRUE(fails_with(FsDirectory::open(""), ErrorCode::kInvalidConfig));
  EXPECT_TRUE(fails_with(FsDirectory::open(std::string("a\0b", 3)), ErrorCode::kInvalidConfig));
}

TEST(FsDirectory, ATrailingSlashIsNoName) {
  const TemporaryDirectory base;
  const auto directory = FsDirectory::open(base.path() / "a/b/").value();
  EXPECT_EQ(directory->file_path("wal/x"), (base.path() / "a/b/wal/x").string());
}

// Which directories were synced, as the system knows them.
std::vector<ino_t> synced;

SystemCalls recording_calls() {
  synced.clear();
  SystemCalls calls = real_system_calls();
  calls.sync_all = [](int fd) {
    struct stat status{};
    EXPECT_EQ(::fstat(fd, &status), 0);
    synced.push_back(status.st_ino);
    return ::fsync(fd);
  };
  return calls;
}

ino_t inode_of(const std::filesystem::path& path) {
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_ino;
}

// F7: the root itself was made and never synced into its parent.
TEST(FsDirectory, EveryDirectoryMadeForTheRootIsSyncedIntoItsParent) {
  const TemporaryDirectory base;
  const SystemCalls calls = recording_calls();
  ASSERT_TRUE(succeeded(FsDirectory::open(base.path() / "a/b", {.create = true, .system_calls = &calls})));
  EXPECT_THAT(synced, Contains(inode_of(base.path())));
  EXPECT_THAT(synced, Contains(inode_of(base.path() / "a")));
}

// F7: whoever made it may have been killed before its sync.
TEST(FsDirectory, ARootThatExistsIsSyncedIntoItsParentUnlessItIsOnlyRead) {
  const TemporaryDirectory base;
  std::filesystem::create_directory(base.path() / "a");
  const SystemCalls calls = recording_calls();
  ASSERT_TRUE(succeeded(FsDirectory::open(base.path() / "a", {.create = true, .system_calls = &calls})));
  EXPECT_THAT(synced, ElementsAre(inode_of(base.path())));
  synced.clear();
  ASSERT_TRUE(succeeded(FsDirectory::open(base.path() / "a", {.create = false, .system_calls = &calls})));
  EXPECT_THAT(synced, IsEmpty());
}

TEST(FsDirectory, SyncDirectorySyncsThatDirectory) {
  const TemporaryDirectory base;
  const SystemCalls calls = recording_calls();
  const auto directory = FsDirectory::open(base.path(), {.create = true, .system_calls = &calls}).value();
  ASSERT_TRUE(succeeded(directory->create_directories("a/b")));
  synced.clear();
  ASSERT_TRUE(succeeded(directory->sync_directory("a/b")));
  ASSERT_TRUE(succeeded(directory->sync_directory("")));
  EXPECT_THAT(synced, ElementsAre(inode_of(base.path() / "a/b"), inode_of(base.path())));
}

TEST(FsDirectory, SyncParentOfPathSyncsTheDirectoryThatThePathStandsIn) {
  const TemporaryDirectory base;
  std::filesystem::create_directory(base.path() / "a");
  const SystemCalls calls = recording_calls();
  ASSERT_TRUE(succeeded(sync_parent_of_path(base.path() / "a/name", &calls)));
  EXPECT_THAT(synced, ElementsAre(inode_of(base.path() / "a")));
}

TEST(FsDirectory, AFailedDirectorySyncIsReported) {
  const TemporaryDirectory base;
  SystemCalls calls = real_system_calls();
  calls.sync_all = [](int) {
    errno = EIO;
    return -1;
  };
  const FsOptions options{.create = true, .system_calls = &calls};
  EXPECT_TRUE(fails_with(FsDirectory::open(base.path() / "new", options), ErrorCode::kIo));
  const auto directory = FsDirectory::open(base.path(), {.create = false, .system_calls = &calls}).value();
  EXPECT_EQ(directory->sync_directory("").error().os_error(), EIO);
  EXPECT_EQ(directory->write_durable("x", {}).error().os_error(), EIO);
  EXPECT_EQ(directory->create_directories("d").error().os_error(), EIO);
}

int sync_failure;  // of whatever is synced

// A data directory that is a mount point stood below a root that is read-only, or another's: its sync is
// EROFS or EINVAL, and the log could not be opened though nothing had been made up there.
TEST(FsDirectory, WhatLiesAboveADirectoryThatIsThereNeedNotBeOneThatCanBeSynced) {
  const TemporaryDirectory base;
  SystemCalls calls = real_system_calls();
  calls.sync_all = [](int) {
    errno = sync_failure;
    return -1;
  };
  const FsOptions options{.create = true, .system_calls = &calls};
  for (const int reason : {EROFS, EINVAL}) {
    sync_failure = reason;
    EXPECT_TRUE(succeeded(FsDirectory::open(base.path(), options))) << reason;
    EXPECT_EQ(FsDirectory::open(base.path() / fmt::format("new {}", reason), options).error().os_error(),
              reason)
        << "made, and not durable";
  }
  for (const int reason : {EIO, EINTR, ENOSPC}) {
    sync_failure = reason;
    EXPECT_EQ(FsDirectory::open(base.path(), options).error().os_error(), reason);
  }
}

TEST(FsDirectory, AFileSystemThatCannotSyncDirectoriesIsCalledThat) {
  const TemporaryDirectory base;
  SystemCalls calls = real_system_calls();
  calls.sync_all = [](int) {
    errno = sync_failure;
    return -1;
  };
  const auto directory = FsDirectory::open(base.path(), {.create = false, .system_calls = &calls}).value();
  for (const int reason : {EINVAL, EIO}) {
    sync_failure = reason;
    EXPECT_EQ(directory->sync_directory("").error().advice().starts_with("this file system cannot sync"),
              reason == EINVAL);
  }
}

// A second close could close what another thread has just opened.
TEST(FsDirectory, ListingClosesItsDescriptorOnce) {
  const TemporaryDirectory base;
  SystemCalls calls = real_system_calls();
  calls.close = [](int fd) {
    const int closed = ::close(fd);
    EXPECT_EQ(closed, 0);
    return closed;
  };
  const auto directory = FsDirectory::open(base.path(), {.create = true, .system_calls = &calls}).value();
  EXPECT_THAT(*directory->list(""), IsEmpty());
}

TEST(FsDirectory, TheIdentityIsThatOfThePlaceAndNotOfItsName) {
  const TemporaryDirectory root;
  const auto first = FsDirectory::open(root.path() / "a").value();
  const auto again = FsDirectory::open(root.path() / "a").value();
  EXPECT_EQ(first->identity(), again->identity());
  std::filesystem::rename(root.path() / "a", root.path() / "b");
  EXPECT_EQ(FsDirectory::open(root.path() / "b").value()->identity(), first->identity());
  EXPECT_NE(FsDirectory::open(root.path() / "a").value()->identity(), first->identity());
}

TEST(FsDirectory, AHardLinkIsCounted) {
  const TemporaryDirectory root;
  const auto directory = FsDirectory::open(root.path()).value();
  const auto file = directory->create("x").value();
  std::filesystem::create_hard_link(root.path() / "x", root.path() / "y");
  EXPECT_EQ(file->links().value(), 2U);
}

TEST(FsDirectory, GoesOnWhereItsRootIsMoved) {
  const TemporaryDirectory base;
  const auto directory = FsDirectory::open(base.path() / "old").value();
  std::filesystem::rename(base.path() / "old", base.path() / "new");
  ASSERT_TRUE(succeeded(directory->atomic_write("x", as_bytes("text"))));
  EXPECT_EQ(read_outside(base.path() / "new/x"), "text");
}

}  // namespace
}  // namespace durability::internal
