// What a sync of a file covers, and what is left of a handle whose sync has failed. This file replaces the
// operators new of the test program, so that an allocation can fail.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "durability/storage/fs_directory.hpp"
#include "durability/storage/system_calls.hpp"
#include "durability/storage/test_directories.hpp"

namespace {

thread_local bool no_memory = false;

void* allocate(std::size_t size) {
  void* const block = no_memory ? nullptr : std::malloc(size == 0 ? 1 : size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void operator delete(void* pointer) noexcept { std::free(pointer); }
void operator delete[](void* pointer) noexcept { std::free(pointer); }
void operator delete(void* pointer, std::size_t) noexcept { std::free(pointer); }
void operator delete[](void* pointer, std::size_t) noexcept { std::free(pointer); }

namespace durability::internal {
namespace {

using testing::ElementsAre;

/// What the system does; the table holds plain functions, so it stands here.
struct Script {
  int error = 0;  ///< of the next sync; it alone fails
  std::vector<std::string> syncs;
  std::function<void()> within;  ///< called in the middle of the next sync or truncation
};
Script script;

void go_within() {
  if (const auto within = std::exchange(script.within, nullptr)) within();
}

int scripted_sync(const char* name) {
  script.syncs.emplace_back(name);
  go_within();
  errno = std::exchange(script.error, 0);
  return errno == 0 ? 0 : -1;
}

class FsSync : public testing::Test {
 protected:
  FsSync() {
    calls_.sync_data = [](int) { return scripted_sync("data"); };
    calls_.sync_all = [](int) { return scripted_sync("all"); };
    calls_.ftruncate = [](int fd, off_t size) {
      go_within();
      return ::ftruncate(fd, size);
    };
    directory_ = FsDirectory::open(root_.path(), {.create = true, .system_calls = &calls_}).value();
    file_ = directory_->create("x").value();
    EXPECT_TRUE(succeeded(file_->append(as_bytes("text"))));
    script = {};
  }
  ~FsSync() override { script = {}; }

  TemporaryDirectory root_;
  SystemCalls calls_ = real_system_calls();
  std::shared_ptr<Directory> directory_;
  std::unique_ptr<File> file_;
};

// A failed sync is reported, and never silently tried again.
TEST_F(FsSync, AFailedOneIsReportedAfterOneAttempt) {
  script.error = EIO;
  EXPECT_EQ(file_->sync_data().error().os_error(), EIO);
  EXPECT_THAT(script.syncs, ElementsAre("data"));
}

// A signal came in the middle of an fdatasync, and the call was made again. What the first one had to say of
// the pages may be lost by then: the system reports a failure once.
TEST_F(FsSync, AnInterruptedOneHasFailedAndIsNotMadeAgain) {
  script.error = EINTR;
  EXPECT_EQ(file_->sync_data().error().os_error(), EINTR);
  EXPECT_THAT(script.syncs, ElementsAre("data"));
  script.error = EINTR;
  EXPECT_EQ(directory_->sync_directory("").error().os_error(), EINTR);
  EXPECT_THAT(script.syncs, ElementsAre("data", "all"));
}

TEST_F(FsSync, AHandleOnWhichOneFailedNeverSyncsAgain) {
  script.error = ENOSPC;
  EXPECT_FALSE(file_->sync_data());
  ASSERT_TRUE(succeeded(file_->append(as_bytes("more"))));
  const Status later = file_->sync_data();
  ASSERT_TRUE(fails_with(later, ErrorCode::kIo));
  EXPECT_EQ(later.error().os_error(), ENOSPC);
  EXPECT_THAT(script.syncs, ElementsAre("data")) << "the system would have said yes";
}

// The error of a failed fdatasync could not be built for lack of memory, so nobody remembered that it had
// failed: the next sync of the same file went through, and acknowledged entries that were gone.
TEST_F(FsSync, OneThatFailsWhileMemoryIsOutIsRememberedAllTheSame) {
  script.syncs.reserve(8);
  script.error = EIO;
  script.within = [] { no_memory = true; };
  bool thrown = false;
  try {
    EXPECT_FALSE(file_->sync_data());
  } catch (const std::bad_alloc&) {
    thrown = true;
  }
  no_memory = false;
  EXPECT_TRUE(thrown) << "the test did not reach its point";
  EXPECT_TRUE(fails_with(file_->sync_data(), ErrorCode::kIo));
}

// Of two syncs side by side the system reports the failure to one: the other one said ok for the same bytes.
TEST_F(FsSync, OneBesideAFailedOneHasNotSucceeded) {
  std::thread beside;
  std::atomic<bool> through = false;
  Status other;
  script.error = EIO;
  script.within = [&] {
    beside = std::thread([&] {
      other = file_->sync_data();
      through = true;
    });
    for (int i = 0; i < 10'000 && !through; ++i) std::this_thread::yield();  // it gets through, if it can
  };
  EXPECT_FALSE(file_->sync_data());
  beside.join();
  EXPECT_FALSE(other);
}

// C17: fdatasync may leave out a size that shrank, and what was cut off comes back.
TEST_F(FsSync, TheFirstOneAfterATruncationSyncsTheMetadataToo) {
  ASSERT_TRUE(succeeded(file_->sync_data()));
  ASSERT_TRUE(succeeded(file_->truncate(1)));
  ASSERT_TRUE(succeeded(file_->sync_data()));
  ASSERT_TRUE(succeeded(file_->sync_data()));
  EXPECT_THAT(script.syncs, ElementsAre("data", "all", "data"));
}

// The mark that a file was cut was set before it was. A sync in between took the mark, and the one that the
// cut waited for was an fdatasync.
TEST_F(FsSync, OneThatBeginsWithinATruncationLeavesItToTheNext) {
  script.within = [&] { EXPECT_TRUE(succeeded(file_->sync_data())); };
  ASSERT_TRUE(succeeded(file_->truncate(1)));
  ASSERT_TRUE(succeeded(file_->sync_data()));
  EXPECT_EQ(script.syncs.back(), "all");
}

}  // namespace
}  // namespace durability::internal
