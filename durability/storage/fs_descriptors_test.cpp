// Programs with closed standard streams, and processes without a descriptor left.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <new>
#include <vector>

#include "durability/storage/fs_descriptors.hpp"
#include "durability/storage/fs_directory.hpp"
#include "durability/storage/system_calls.hpp"
#include "durability/storage/test_directories.hpp"

namespace durability::internal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

int lowest;  // descriptor that was opened

int noted(int fd) {
  if (fd >= 0) lowest = std::min(lowest, fd);
  return fd;
}

/// Does something of everything that opens.
bool use(const std::filesystem::path& path, const SystemCalls& calls) {
  const auto directory = FsDirectory::open(path / "a/b", {.create = true, .system_calls = &calls});
  if (!directory) return false;
  const auto lock = (*directory)->lock("wal/.lock");
  const auto file = (*directory)->create("wal/x");
  return lock && file && (*file)->append(as_bytes("text")) && (*directory)->write_durable("wal/y", {}) &&
         (*directory)->list("wal") && (*directory)->rename_durable("wal/y", "d/z") &&
         (*directory)->read_file("wal/x", 100) && !(*directory)->lock("wal/.lock") &&
         (*directory)->remove_durable("d");
}

// In a program started with stderr closed a segment was opened as descriptor 2. A line to stderr overwrote
// its header, and the log was gone.
TEST(FsDescriptors, NoneIsEverThatOfAStandardStream) {
  SystemCalls calls = real_system_calls();
  calls.open_beneath = [](int directory, const char* path, int flags, mode_t mode) {
    return noted(real_system_calls().open_beneath(directory, path, flags, mode));
  };
  calls.openat = [](int directory, const char* path, int flags, mode_t mode) {
    return noted(real_system_calls().openat(directory, path, flags, mode));
  };
  SystemCalls without_openat2 = calls;
  without_openat2.open_beneath = [](int, const char*, int, mode_t) {
    errno = ENOSYS;
    return -1;
  };
  for (const SystemCalls* looked_up : {&calls, &without_openat2}) {
    const TemporaryDirectory root;
    const pid_t child = ::fork();
    if (child == 0) {
      for (const int standard : {0, 1, 2}) ::close(standard);
      lowest = 1000;
      const bool worked = use(root.path(), *looked_up);
      bool all_free = true;
      for (const int standard : {0, 1, 2}) all_free = all_free && ::fcntl(standard, F_GETFD) == -1;
      ::_exit((worked ? 0 : 1) + (lowest > 2 && lowest < 1000 ? 0 : 2) + (all_free ? 0 : 4));
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << "exit code " << WEXITSTATUS(status);
  }
}

bool none_left = false;
std::vector<ino_t> synced;

int refused_open() {
  errno = EMFILE;
  return -1;
}

class HeldDirectories : public testing::Test {
 protected:
  HeldDirectories() {
    none_left = false;
    calls_.open_beneath = [](int directory, const char* path, int flags, mode_t mode) {
      return none_left ? refused_open() : real_system_calls().open_beneath(directory, path, flags, mode);
    };
    calls_.openat = [](int directory, const char* path, int flags, mode_t mode) {
      return none_left ? refused_open() : real_system_calls().openat(directory, path, flags, mode);
    };
    calls_.sync_all = [](int fd) {
      struct stat status{};
      EXPECT_EQ(::fstat(fd, &status), 0);
      synced.push_back(status.st_ino);
      return ::fsync(fd);
    };
    directory_ = FsDirectory::open(root_.path(), {.create = true, .system_calls = &calls_}).value();
  }
  ~HeldDirectories() override { none_left = false; }

  [[nodiscard]] ino_t inode_of(std::string_view path) const {
    struct stat status{};
    EXPECT_EQ(::stat((root_.path() / path).c_str(), &status), 0) << path;
    return status.st_ino;
  }

  TemporaryDirectory root_;
  SystemCalls calls_ = real_system_calls();
  std::shared_ptr<Directory> directory_;
};

// A server that had run out of descriptors for a moment could not look whether it still held the lock, nor
// sync `wal/`, and its log was poisoned though no write had failed.
TEST_F(HeldDirectories, NamesBesideALockAreChangedAndSyncedWithoutADescriptor) {
  auto lock = directory_->lock("wal/.lock").value();
  ASSERT_TRUE(succeeded(directory_->atomic_write("wal/a", as_bytes("text"))));
  ASSERT_TRUE(succeeded(directory_->atomic_write("wal/c", as_bytes("text"))));
  synced.clear();
  none_left = true;
  EXPECT_TRUE(succeeded(lock->check()));
  EXPECT_TRUE(succeeded(directory_->rename_durable("wal/a", "wal/b")));
  EXPECT_EQ(directory_->exists("wal/a"), false);
  EXPECT_TRUE(succeeded(directory_->remove_durable("wal/c")));
  EXPECT_TRUE(succeeded(directory_->rename("wal/b", "b"))) << "the root is open too";
  EXPECT_TRUE(succeeded(directory_->sync_directory("")));
  EXPECT_THAT(synced, ElementsAre(inode_of("wal"), inode_of("wal"), inode_of("")));
  lock.reset();
  EXPECT_EQ(directory_->sync_directory("wal").error().os_error(), EMFILE)
      << "held for as long as the lock is";
}

TEST_F(HeldDirectories, ADirectoryInThePlaceOfOneThatIsHeldIsTheOneThatIsMeant) {
  const auto lock = directory_->lock("wal/.lock").value();
  ASSERT_TRUE(succeeded(directory_->atomic_write("wal/a", as_bytes("old"))));
  ASSERT_TRUE(succeeded(directory_->rename("wal", "old")));
  EXPECT_TRUE(fails_with(directory_->sync_directory("wal"), ErrorCode::kNotFound));
  ASSERT_TRUE(succeeded(directory_->atomic_write("wal/a", as_bytes("new"))));
  synced.clear();
  ASSERT_TRUE(succeeded(directory_->rename_durable("wal/a", "wal/b")));
  EXPECT_THAT(synced, ElementsAre(inode_of("wal")));
  EXPECT_EQ(text_of(*directory_, "wal/b"), "new");
  EXPECT_EQ(text_of(*directory_, "old/a"), "old");
  const auto second = directory_->lock("wal/.lock").value();
  none_left = true;
  EXPECT_TRUE(succeeded(second->check()));
  EXPECT_TRUE(fails_with(lock->check(), ErrorCode::kLockFailed));
}

TEST_F(HeldDirectories, WhoHasNoDescriptorLeftIsToldOnceWhatToDo) {
  none_left = true;
  const Error refused = directory_->create("x").error();
  EXPECT_EQ(refused.os_error(), EMFILE);
  EXPECT_THAT(refused.to_string(), HasSubstr("close some files or raise the limit"));
}

Result<UniqueFd> some_descriptor() {
  return UniqueFd(::open("/", O_RDONLY | O_CLOEXEC), real_system_calls());
}

/// What the next one that is opened writes into the memory of one that was destroyed so.
std::array<std::byte, sizeof(ParentsFd)> written_after(void (*destroy)(ParentsFd&)) {
  alignas(ParentsFd) std::array<std::byte, sizeof(ParentsFd)> memory{};
  auto* const gone = new (memory.data()) ParentsFd;
  EXPECT_TRUE(gone->open(some_descriptor));
  destroy(*gone);
  memory.fill(std::byte{0});
  ParentsFd next;
  EXPECT_TRUE(next.open(some_descriptor));
  return memory;
}

// Where it stayed in the list of those that a fork closes, the next one would write into its memory.
TEST(ParentsFd, ThatIsDestroyedIsInNoListAnyMore) {
  EXPECT_TRUE(all_zeros(written_after([](ParentsFd& fd) { std::destroy_at(&fd); })));
  EXPECT_TRUE(all_zeros(written_after([](ParentsFd& fd) {
    struct Owner {
      ParentsFd& fd;
      ~Owner() { std::destroy_at(&fd); }
    };
    try {
      const Owner owner{fd};
      throw std::bad_alloc();
    } catch (const std::bad_alloc&) {
    }
  }))) << "by an exception";
}

TEST(ForksWait, IsOverWhereAnExceptionPassesIt) {
  ParentsFd fd;
  EXPECT_THROW(static_cast<void>(fd.open([]() -> Result<UniqueFd> { throw std::bad_alloc(); })),
               std::bad_alloc);
  const ForksWait again;  // waits for ever where the first one still holds
}

}  // namespace
}  // namespace durability::internal
