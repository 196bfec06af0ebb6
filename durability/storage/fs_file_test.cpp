// Files on a disk under system calls that write short, are interrupted, or fail.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <functional>
#include <limits>
#include <thread>
#include <utility>

#include "durability/storage/fs_directory.hpp"
#include "durability/storage/system_calls.hpp"
#include "durability/storage/test_directories.hpp"

namespace durability::internal {
namespace {

using testing::ElementsAre;

/// What the system does; the table holds plain functions, so it stands here.
struct Script {
  std::vector<std::size_t> writes;  ///< at most so many bytes for the first calls; then no limit
  int write_error = 0;              ///< once `writes` is used up
  int interruptions = 0;            ///< of each call, EINTR before it does anything
  int interrupted = 0;
  int sync_error = 0;
  int close_error = 0;
  int truncate_error = 0;
  int reserve_error = 0;
  std::pair<off_t, off_t> reserved;
  std::size_t read_at_most = std::numeric_limits<std::size_t>::max();
  int read_error = 0;
  std::vector<std::string> syncs;
  std::function<void()> before_write;  ///< once
};
Script script;

int fail(int error) {
  errno = error;
  return -1;
}

bool interrupts() {
  if (script.interrupted >= script.interruptions) {
    script.interrupted = 0;
    return false;
  }
  ++script.interrupted;
  errno = EINTR;
  return true;
}

ssize_t scripted_pwritev(int fd, const iovec* pieces, int count, off_t offset) {
  if (const auto before = std::exchange(script.before_write, nullptr)) before();
  if (interrupts()) return -1;
  if (script.writes.empty()) {
    return script.write_error != 0 ? fail(script.write_error) : ::pwritev(fd, pieces, count, offset);
  }
  const std::size_t limit = script.writes.front();
  script.writes.erase(script.writes.begin());
  std::vector<iovec> part(pieces, pieces + count);
  std::size_t left = limit;
  for (iovec& piece : part) {
    piece.iov_len = std::min(piece.iov_len, left);
    left -= piece.iov_len;
  }
  return ::pwritev(fd, part.data(), count, offset);
}

ssize_t scripted_pread(int fd, void* into, std::size_t length, off_t offset) {
  if (interrupts()) return -1;
  if (script.read_error != 0) return fail(script.read_error);
  return ::pread(fd, into, std::min(length, script.read_at_most), offset);
}

int scripted_sync(int fd, const char* name) {
  script.syncs.emplace_back(name);
  return script.sync_error != 0 ? fail(script.sync_error) : ::fsync(fd);
}

int scripted_close(int fd) {
  const int closed = ::close(fd);
  return script.close_error != 0 ? fail(script.close_error) : closed;
}

int scripted_ftruncate(int fd, off_t size) {
  if (interrupts()) return -1;
  return script.truncate_error != 0 ? fail(script.truncate_error) : ::ftruncate(fd, size);
}

int scripted_fallocate(int fd, off_t offset, off_t length) {
  if (interrupts()) return -1;
  script.reserved = {offset, length};
  static_cast<void>(fd);
  return script.reserve_error != 0 ? fail(script.reserve_error) : 0;
}

const SystemCalls& scripted_calls() {
  static const SystemCalls kCalls = [] {
    SystemCalls calls = real_system_calls();
    calls.pwritev = scripted_pwritev;
    calls.pread = scripted_pread;
    calls.sync_data = [](int fd) { return scripted_sync(fd, "data"); };
    calls.sync_all = [](int fd) { return scripted_sync(fd, "all"); };
    calls.close = scripted_close;
    calls.ftruncate = scripted_ftruncate;
    calls.fallocate = scripted_fallocate;
    return calls;
  }();
  return kCalls;
}

class FsFileTest : public testing::Test {
 protected:
  FsFileTest() {
    script = {};
    directory_ = FsDirectory::open(root_.path(), {.create = true, .system_calls = &scripted_calls()}).value();
    script = {};
  }
  ~FsFileTest() override { script = {}; }

  [[nodiscard]] std::string text(std::string_view path) {
    script = {};
    return text_of(*directory_, path);
  }

  TemporaryDirectory root_;
  std::shared_ptr<Directory> directory_;
};

constexpr std::string_view kText = "onetwothreefour";
const std::array kPieces = {as_bytes("one"), as_bytes("two"), as_bytes(""), as_bytes("three"),
                            as_bytes("four")};

// The system may write less than it was asked to, and end anywhere.
TEST_F(FsFileTest, AShortWriteAtEachByteGoesOnWhereItEnded) {
  for (std::size_t length = 1; length <= kText.size(); ++length) {
    const auto file = directory_->create("x").value();
    script.writes = {length};
    ASSERT_TRUE(succeeded(file->write_at(2, kPieces))) << length;
    EXPECT_TRUE(script.writes.empty());
    EXPECT_EQ(text("x"), std::string(2, '\0') + std::string(kText)) << length;
  }
}

TEST_F(FsFileTest, AWriteOfOneByteAtATimeIsWhole) {
  const auto file = directory_->create("x").value();
  script.writes.assign(kText.size(), 1);
  ASSERT_TRUE(succeeded(file->write_at(0, kPieces)));
  EXPECT_EQ(text("x"), kText);
}

// A signal may interrupt any call (EINTR).
TEST_F(FsFileTest, InterruptedCallsAreMadeAgainAndNoByteIsWrittenTwice) {
  const auto file = directory_->create("x").value();
  script.interruptions = 3;
  script.writes = {4, 1, 6};
  ASSERT_TRUE(succeeded(file->append(as_bytes(kText))));
  script.interruptions = 3;
  ASSERT_TRUE(succeeded(file->write_at(kText.size(), as_bytes("!"))));
  ASSERT_TRUE(succeeded(file->sync_data()));
  std::array<std::byte, 32> buffer{};
  script.read_at_most = 5;
  EXPECT_EQ(file->read_at(0, buffer).value(), kText.size() + 1);
  ASSERT_TRUE(succeeded(file->truncate(kText.size())));
  ASSERT_TRUE(succeeded(file->sync_data()));
  EXPECT_THAT(script.syncs, ElementsAre("data", "all"));
  EXPECT_EQ(text("x"), kText);
}

TEST_F(FsFileTest, AWriteErrorAfterAShortWriteNamesTheOffsetAndTheReason) {
  for (const int reason : {EIO, ENOSPC, EDQUOT}) {
    const auto file = directory_->create("x").value();
    script.writes = {4};
    script.write_error = reason;
    const Status written = file->write_at(10, kPieces);
    ASSERT_TRUE(fails_with(written, ErrorCode::kIo));
    EXPECT_EQ(written.error().os_error(), reason);
    EXPECT_EQ(written.error().offset(), 14U);
    EXPECT_EQ(written.error().path(), "x");
    EXPECT_FALSE(written.error().advice().empty());
    script = {};
  }
}

// Two appends looked where the file ended, and the second wrote over the first: bytes were lost, and both
// said ok.
TEST_F(FsFileTest, AnAppendBetweenAnothersLookAndItsWriteWaits) {
  const auto first = directory_->open_append("x").value();
  const auto second = FsDirectory::open(root_.path()).value()->open_append("x").value();
  std::atomic<bool> through = false;
  std::thread beside;
  script.before_write = [&] {
    beside = std::thread([&] {
      EXPECT_TRUE(succeeded(second->append(as_bytes("two"))));
      through = true;
    });
    for (int i = 0; i < 10'000 && !through; ++i) std::this_thread::yield();  // it gets through, if it can
  };
  ASSERT_TRUE(succeeded(first->append(as_bytes("one"))));
  beside.join();
  EXPECT_EQ(text("x"), "onetwo");
}

// A thread that was appending when the child was made is not there to finish. The child must not wait for it.
TEST_F(FsFileTest, AChildMadeInTheMiddleOfAnAppendCanAppendToo) {
  const auto file = directory_->open_append("x").value();
  pid_t child = -1;
  script.before_write = [&] {
    child = ::fork();
    if (child != 0) return;
    ::alarm(10);
    const auto own = FsDirectory::open(root_.path()).value()->open_append("x").value();
    ::_exit(own->append(as_bytes("child")) ? 0 : 1);
  };
  ASSERT_TRUE(succeeded(file->append(as_bytes("x"))));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(FsFileTest, AFullDiskIsToldHowMuchWasWanted) {
  const auto file = directory_->create("x").value();
  script.write_error = script.reserve_error = ENOSPC;
  EXPECT_THAT(file->write_at(7, kPieces).error().message(), testing::StartsWith("write 15 bytes: "));
  EXPECT_THAT(file->append(as_bytes("four")).error().message(), testing::StartsWith("write 4 bytes: "));
  EXPECT_THAT(file->reserve(0, 1000).error().message(), testing::StartsWith("set space aside, 1000 bytes: "));
  const Status zeros = file->preallocate(8, std::uint64_t{16} << 20U);
  EXPECT_THAT(zeros.error().message(), testing::StartsWith("write zeros, 16777216 bytes: "));
  EXPECT_EQ(zeros.error().offset(), 8U);
}

TEST_F(FsFileTest, AWriteThatMakesNoProgressIsAnErrorAndNotALoop) {
  const auto file = directory_->create("x").value();
  script.writes = {0};
  EXPECT_TRUE(fails_with(file->write_at(0, kPieces), ErrorCode::kIo));
}

TEST_F(FsFileTest, PreallocationReportsAFullDisk) {
  const auto file = directory_->create("x").value();
  script.writes = {1 << 16};
  script.write_error = ENOSPC;
  EXPECT_EQ(file->preallocate(0, 1 << 20).error().os_error(), ENOSPC);
}

TEST_F(FsFileTest, SettingSpaceAsideReportsAFullDiskAndGoesOnAfterASignal) {
  const auto file = directory_->create("x").value();
  script.reserve_error = ENOSPC;
  const auto refused = file->reserve(8, 100);
  EXPECT_EQ(refused.error().os_error(), ENOSPC);
  EXPECT_EQ(refused.error().offset(), 8U);
  script = {};
  script.interruptions = 3;
  ASSERT_TRUE(succeeded(file->reserve(8, 100)));
  EXPECT_EQ(script.reserved, (std::pair<off_t, off_t>(8, 100)));
  EXPECT_TRUE(fails_with(file->reserve(std::uint64_t{1} << 63U, 2), ErrorCode::kInvalidConfig));
  ASSERT_TRUE(succeeded(file->close()));
  EXPECT_TRUE(fails_with(file->reserve(0, 1), ErrorCode::kClosed));
}

// File systems have many words for "not here": an fallocate that said EINVAL, EPERM or EFBIG stopped a log
// that could have written zeros.
TEST_F(FsFileTest, WhereNoSpaceCanBeSetAsideZerosAreWritten) {
  for (const int reason : {EOPNOTSUPP, ENOSYS, EINVAL, EPERM, EFBIG}) {
    const auto file = directory_->create("x").value();
    script.reserve_error = reason;
    ASSERT_TRUE(succeeded(file->reserve(0, 100)));
    script.write_error = ENOSPC;
    EXPECT_EQ(file->reserve(100, 100).error().os_error(), ENOSPC) << "it was written";
    script = {};
    EXPECT_EQ(text("x"), std::string(100, '\0'));
  }
}

TEST_F(FsFileTest, ShortReadsGoOnAndReadErrorsNameTheOffset) {
  const auto file = directory_->create("x").value();
  ASSERT_TRUE(succeeded(file->write_at(0, kPieces)));
  std::array<std::byte, kText.size()> buffer{};
  script.read_at_most = 1;
  EXPECT_EQ(file->read_at(0, buffer).value(), kText.size());
  EXPECT_EQ(as_text(buffer), kText);
  script.read_error = EIO;
  const auto failed = file->read_at(3, buffer);
  ASSERT_TRUE(fails_with(failed, ErrorCode::kIo));
  EXPECT_EQ(failed.error().offset(), 3U);
}

TEST_F(FsFileTest, CutByItsOpeningCountsAsATruncation) {
  ASSERT_TRUE(succeeded(directory_->atomic_write("x", as_bytes(kText))));
  const auto file = directory_->create("x").value();
  script.syncs.clear();
  ASSERT_TRUE(succeeded(file->sync_data()));
  EXPECT_THAT(script.syncs, ElementsAre("all"));
}

TEST_F(FsFileTest, AFailedTruncationIsReported) {
  ASSERT_TRUE(succeeded(directory_->atomic_write("x", as_bytes(kText))));
  script.truncate_error = EIO;
  EXPECT_TRUE(fails_with(directory_->create("x"), ErrorCode::kIo));
  EXPECT_TRUE(fails_with(directory_->open_append("x").value()->truncate(0), ErrorCode::kIo));
  EXPECT_EQ(text("x"), kText);
}

// F7: a failed write-back is reported to the descriptors that were open, each once; a sync through a new
// one may succeed over lost pages.
TEST_F(FsFileTest, SyncsGoThroughTheDescriptorThatWrote) {
  static int written;
  static std::vector<int> synced;
  synced.clear();
  SystemCalls calls = real_system_calls();
  calls.pwritev = [](int fd, const iovec* pieces, int count, off_t offset) {
    written = fd;
    return ::pwritev(fd, pieces, count, offset);
  };
  calls.sync_data = [](int fd) {
    synced.push_back(fd);
    return ::fdatasync(fd);
  };
  const auto directory = FsDirectory::open(root_.path(), {.create = true, .system_calls = &calls}).value();
  const auto file = directory->create("x").value();
  ASSERT_TRUE(succeeded(file->append(as_bytes(kText))));
  ASSERT_TRUE(succeeded(file->sync_data()));
  EXPECT_THAT(synced, ElementsAre(written));
  ASSERT_TRUE(succeeded(directory->write_durable("y", as_bytes(kText))));
  EXPECT_EQ(synced.back(), written);
}

// The descriptor is gone even where close fails; closing it again could close somebody else's.
TEST_F(FsFileTest, ACloseErrorSurfacesOnceAndTheDescriptorIsGone) {
  for (const int reason : {EIO, EINTR}) {
    const auto file = directory_->create("x").value();
    script.close_error = reason;
    EXPECT_EQ(file->close().error().os_error(), reason);
    EXPECT_TRUE(succeeded(file->close()));
    EXPECT_TRUE(fails_with(file->size(), ErrorCode::kClosed));
    script = {};
  }
}

// What close says decides whether the new contents take the old ones' place.
TEST_F(FsFileTest, ACloseErrorStopsAnAtomicWrite) {
  ASSERT_TRUE(succeeded(directory_->atomic_write("x", as_bytes("old"))));
  script.close_error = EIO;
  EXPECT_TRUE(fails_with(directory_->atomic_write("x", as_bytes("new")), ErrorCode::kIo));
  EXPECT_EQ(text("x"), "old");
  EXPECT_EQ(directory_->list("")->size(), 1U);
}

// C20: a mapped file that another process cuts kills the reader with SIGBUS.
TEST_F(FsFileTest, AFileThatSomebodyElseCutsReadsShort) {
  const std::string text(1 << 16, 'x');
  ASSERT_TRUE(succeeded(directory_->atomic_write("x", as_bytes(text))));
  const auto file = directory_->open("x").value();
  ASSERT_EQ(::truncate((root_.path() / "x").c_str(), 100), 0);
  Bytes buffer(text.size());
  EXPECT_EQ(file->read_at(0, buffer).value(), 100U);
  EXPECT_EQ(file->read_at(4096, buffer).value(), 0U);
}

// C20: cut between the look at its size and the read.
TEST_F(FsFileTest, ReadFileReportsAFileThatShrinksUnderIt) {
  ASSERT_TRUE(succeeded(directory_->atomic_write("x", as_bytes(kText))));
  SystemCalls calls = real_system_calls();
  calls.pread = [](int fd, void* into, std::size_t length, off_t offset) {
    return ::pread(fd, into, length, offset + 5);  // what it sees of a file five bytes shorter
  };
  const auto directory = FsDirectory::open(root_.path(), {.create = true, .system_calls = &calls}).value();
  EXPECT_TRUE(fails_with(directory->read_file("x", 100), ErrorCode::kTruncated));
}

TEST_F(FsFileTest, DroppingCachedPagesKeepsTheContents) {
  const auto file = directory_->create("x").value();
  ASSERT_TRUE(succeeded(file->write_at(0, kPieces)));
  ASSERT_TRUE(succeeded(file->sync_data()));
  ASSERT_TRUE(succeeded(file->drop_cached_pages()));
  EXPECT_EQ(text("x"), kText);
}

}  // namespace
}  // namespace durability::internal
