// C16: who holds the lock, when processes fork, exec and die, and files are replaced.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "durability/storage/fs_directory.hpp"
#include "durability/storage/system_calls.hpp"
#include "durability/storage/test_directories.hpp"

namespace durability::internal {
namespace {

class FsLockTest : public testing::Test {
 protected:
  FsLockTest() : directory_(FsDirectory::open(root_.path()).value()) {}

  [[nodiscard]] testing::AssertionResult is_locked() {
    return fails_with(directory_->lock(".lock"), ErrorCode::kLockFailed);
  }

  TemporaryDirectory root_;
  std::shared_ptr<Directory> directory_;
};

class Pipe {
 public:
  Pipe() { EXPECT_EQ(::pipe2(ends_.data(), O_CLOEXEC), 0); }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  void close_writer() { close_end(1); }
  [[nodiscard]] int reader() const { return ends_[0]; }
  [[nodiscard]] int writer() const { return ends_[1]; }
  /// Waits for a byte; false where every writer is gone.
  [[nodiscard]] bool receive() {
    close_end(1);
    char byte = 0;
    return ::read(ends_[0], &byte, 1) == 1;
  }
  void send() const { EXPECT_EQ(::write(ends_[1], "x", 1), 1); }

 private:
  void close_end(std::size_t end) {
    if (ends_.at(end) >= 0) ::close(ends_.at(end));
    ends_.at(end) = -1;
  }

  std::array<int, 2> ends_{-1, -1};
};

int wait_for(pid_t child) {
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}

// C16: a stale lock file once stopped everybody, and taking it over stole live ones.
TEST_F(FsLockTest, AKilledHolderLeavesNothingToCleanUp) {
  Pipe locked;
  const pid_t child = ::fork();
  if (child == 0) {
    const auto other = FsDirectory::open(root_.path()).value();
    const auto held = other->lock(".lock");
    if (held) locked.send();
    while (held) ::pause();
    ::_exit(1);
  }
  ASSERT_TRUE(locked.receive());
  EXPECT_TRUE(is_locked());
  ::kill(child, SIGKILL);
  wait_for(child);
  EXPECT_TRUE(directory_->exists(".lock").value());
  EXPECT_TRUE(succeeded(directory_->lock(".lock")));
}

// LOCK_UN in the child would release what the parent believes it holds.
TEST_F(FsLockTest, AForkedChildThatReleasesOrDiesLeavesTheParentsLockAlone) {
  auto held = directory_->lock(".lock").value();
  const pid_t child = ::fork();
  if (child == 0) {
    held.reset();
    ::_exit(0);
  }
  wait_for(child);
  EXPECT_TRUE(is_locked());
  EXPECT_TRUE(succeeded(held->check()));
}

// The child had a copy of the descriptor, and the lock belongs to the open file: it lived on in a child that
// had nothing to do with the log, after the parent was gone, and nobody could open the log.
TEST_F(FsLockTest, AForkedChildDoesNotKeepTheLockOfADeadParent) {
  Pipe forked;
  Pipe over;
  const pid_t parent = ::fork();
  if (parent == 0) {
    over.close_writer();
    const auto other = FsDirectory::open(root_.path()).value();
    const auto held = other->lock(".lock");
    if (!held || !(*held)->check()) ::_exit(1);
    if (::fork() == 0) {
      forked.send();
      static_cast<void>(over.receive());  // returns when the test is over
      ::_exit(0);
    }
    while (true) ::pause();
  }
  ASSERT_TRUE(forked.receive());
  EXPECT_TRUE(is_locked());
  ::kill(parent, SIGKILL);
  wait_for(parent);
  EXPECT_TRUE(succeeded(directory_->lock(".lock")));
}

TEST_F(FsLockTest, InAForkedChildTheLockIsTheParents) {
  auto held = directory_->lock(".lock").value();
  const auto elsewhere = directory_->lock("elsewhere").value();
  const pid_t child = ::fork();
  if (child == 0) {
    const Status checked = held->check();
    held.reset();
    // Descriptors that were closed for it are not closed again: this one has the number of one of them.
    const auto own = directory_->lock("own");
    const bool fine = fails_with(checked, ErrorCode::kLockFailed) &&
                      fails_with(directory_->lock(".lock"), ErrorCode::kLockFailed) && own && (*own)->check();
    ::_exit(fine ? 0 : 1);
  }
  EXPECT_EQ(wait_for(child), 0);
  EXPECT_TRUE(succeeded(held->check()));
  EXPECT_TRUE(succeeded(elsewhere->check()));
}

// A program started by a lock's holder must not hold it too.
TEST_F(FsLockTest, AProgramThatIsExecutedDoesNotKeepTheLock) {
  auto held = directory_->lock(".lock").value();
  const Pipe input;
  Pipe executed;  // closed by exec
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(input.reader(), STDIN_FILENO);
    ::execlp("cat", "cat", nullptr);
    executed.send();
    ::_exit(1);
  }
  ASSERT_FALSE(executed.receive()) << "exec failed";
  held.reset();
  EXPECT_TRUE(succeeded(directory_->lock(".lock")));
  ::kill(child, SIGKILL);
  wait_for(child);
}

// Between the open and the flock somebody replaces the file; the lock must be on the one that has
// the name in the end.
TEST_F(FsLockTest, ALockFileReplacedWhileItIsTakenIsOpenedAgain) {
  static std::filesystem::path path;
  static int replacements;
  path = root_.path() / ".lock";
  SystemCalls calls = real_system_calls();
  calls.flock = [](int fd, int operation) {
    if (replacements > 0) {
      --replacements;
      std::filesystem::remove(path);
      // Another file under the name, made while the old inode is still open, so that it is a new one.
      ::close(::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    }
    return ::flock(fd, operation);
  };
  const auto directory = FsDirectory::open(root_.path(), {.create = true, .system_calls = &calls}).value();
  replacements = 3;
  {
    const auto held = directory->lock(".lock");
    ASSERT_TRUE(succeeded(held));
    EXPECT_TRUE(succeeded((*held)->check()));
    EXPECT_TRUE(is_locked());
  }
  replacements = 1000;
  EXPECT_TRUE(fails_with(directory->lock(".lock"), ErrorCode::kLockFailed));
  EXPECT_GT(replacements, 900);
}

TEST_F(FsLockTest, AnInterruptedFlockIsMadeAgain) {
  static int interruptions;
  interruptions = 2;
  SystemCalls calls = real_system_calls();
  calls.flock = [](int fd, int operation) {
    if (interruptions-- > 0) {
      errno = EINTR;
      return -1;
    }
    return ::flock(fd, operation);
  };
  const auto directory = FsDirectory::open(root_.path(), {.create = true, .system_calls = &calls}).value();
  EXPECT_TRUE(succeeded(directory->lock(".lock")));
}

TEST_F(FsLockTest, AFileSystemWithoutFlockIsCalledThat) {
  static int reason;
  SystemCalls calls = real_system_calls();
  calls.flock = [](int, int) {
    errno = reason;
    return -1;
  };
  const auto directory = FsDirectory::open(root_.path(), {.create = true, .system_calls = &calls}).value();
  for (const int each : {ENOLCK, EOPNOTSUPP, ENOSYS, EIO}) {
    reason = each;
    const Error refused = directory->lock(".lock").error();
    EXPECT_EQ(refused.os_error(), each);
    EXPECT_EQ(refused.path(), ".lock");
    EXPECT_EQ(refused.to_string().find("has no flock") != std::string::npos, each != EIO) << refused;
    EXPECT_NE(refused.message().find(root_.path().string()), std::string::npos) << refused;
  }
}

// Which of a machine's logs is locked, and by whom: the message had only `wal/.lock` to say.
TEST_F(FsLockTest, WhoIsRefusedHearsWhichDirectoryItIsAndWhoHoldsIt) {
  const auto held = directory_->lock("wal/.lock").value();
  const Error refused = directory_->lock("wal/.lock").error();
  EXPECT_EQ(refused.path(), "wal/.lock");
  EXPECT_NE(refused.message().find(root_.path().string()), std::string::npos) << refused;
  std::ifstream locks("/proc/locks");
  const std::string listing(std::istreambuf_iterator<char>(locks), {});
  if (listing.find(fmt::format(" {} ", ::getpid())) == std::string::npos)
    GTEST_SKIP() << "locks are not listed";
  EXPECT_NE(refused.message().find(fmt::format("process {} holds", ::getpid())), std::string::npos)
      << refused;
}

// The lock is held on a file that has lost its name, so another process can lock the new one.
TEST_F(FsLockTest, CheckNoticesAFileRenamedOverTheLock) {
  const auto held = directory_->lock(".lock").value();
  ASSERT_TRUE(succeeded(directory_->atomic_write(".lock", {})));
  EXPECT_TRUE(fails_with(held->check(), ErrorCode::kLockFailed));
}

TEST_F(FsLockTest, ALockOutlivesItsDirectoryObject) {
  auto held = FsDirectory::open(root_.path()).value()->lock(".lock").value();
  EXPECT_TRUE(is_locked());
  EXPECT_TRUE(succeeded(held->check()));
}

}  // namespace
}  // namespace durability::internal
