// What a writer asks of the file system beside writes and syncs, so that rotation costs little: whether the
// next segment's file gets zeros or space set aside, and what is to be written back before its seal.

#include <gtest/gtest.h>

#include <mutex>

#include "durability/storage/fs_directory.hpp"
#include "durability/storage/system_calls.hpp"
#include "durability/storage/test_directories.hpp"
#include "durability/testing/manual_worker.hpp"
#include "durability/walog/reader.hpp"
#include "durability/walog/test_support.hpp"

namespace durability::walog {
namespace {

constexpr std::uint64_t kSegmentBytes = std::uint64_t{4} << 20U;
constexpr std::size_t kEntryBytes = 100'000;

struct Range {
  off_t begin;
  off_t end;
};

/// The table of system calls holds plain functions, so it stands here.
struct Seen {
  std::mutex mutex;
  std::uint64_t set_aside = 0;
  std::vector<Range> written_back;
};
Seen seen;

const internal::SystemCalls& watched_calls() {
  static const internal::SystemCalls kCalls = [] {
    internal::SystemCalls calls = internal::real_system_calls();
    calls.fallocate = [](int /*fd*/, off_t /*offset*/, off_t length) {
      const std::lock_guard lock(seen.mutex);
      seen.set_aside += static_cast<std::uint64_t>(length);
      return 0;
    };
    calls.start_write_back = [](int /*fd*/, off_t offset, off_t length) {
      const std::lock_guard lock(seen.mutex);
      seen.written_back.push_back({offset, offset + length});
    };
    return calls;
  }();
  return kCalls;
}

class SpareFilling : public ::testing::Test {
 protected:
  SpareFilling() {
    seen.set_aside = 0;
    seen.written_back.clear();
    options_.segment_bytes = kSegmentBytes;
    options_.flush = FlushPolicy::manual();
    directory_ = FsDirectory::open(root_.path(), {.create = true, .system_calls = &watched_calls()}).value();
    writer_ = test::open_writer(directory_, options_).value();
  }

  void append_until(std::uint64_t segment, bool syncing) {
    const std::string entry(kEntryBytes, 'x');
    while (writer_->segment_id() < SegmentId(segment)) {
      ASSERT_TRUE(writer_->append(as_bytes(entry)));
      if (!syncing) continue;
      ASSERT_TRUE(writer_->flush_and_sync());
    }
  }
  /// Ends with everything in the background done.
  void fill_segments(std::uint64_t up_to, bool syncing) {
    append_until(up_to, syncing);
    ASSERT_TRUE(writer_->close());
    EXPECT_TRUE(
        test::succeeded(WalReader<Bytes>(directory_).for_each_bytes(ReadMode::kStrict, [](auto&&) {})));
  }

  internal::TemporaryDirectory root_;
  WalOptions options_;
  std::shared_ptr<Directory> directory_;
  std::unique_ptr<ByteWriter> writer_;
};

// Zeros double what goes to the disk: a log that only its seals sync has nothing of them.
TEST_F(SpareFilling, ALogThatNobodySyncsHasItsSpaceSetAside) {
  fill_segments(3, false);
  EXPECT_GE(seen.set_aside, 2 * kSegmentBytes);
}

TEST_F(SpareFilling, ALogThatIsSyncedWhileItFillsGetsZeros) {
  fill_segments(3, true);
  EXPECT_EQ(seen.set_aside, 0U);
}

// One sync, and for as long as it was open the log's zeros were written.
TEST_F(SpareFilling, ALogThatIsNoLongerSyncedHasItsSpaceSetAsideAgain) {
  append_until(2, true);
  fill_segments(4, false);
  EXPECT_GE(seen.set_aside, kSegmentBytes);
}

TEST_F(SpareFilling, WhatNobodySyncsIsWrittenBackPartByPart) {
  fill_segments(3, false);
  ASSERT_GE(seen.written_back.size(), 2U);
  off_t due = 0;
  for (const Range& range : seen.written_back) {
    EXPECT_EQ(range.begin, due) << "of the second segment: the first may remain the only one";
    EXPECT_GE(range.end - range.begin, 1 << 20);
    due = range.end;
  }
  EXPECT_LE(due, static_cast<off_t>(kSegmentBytes));
}

// Its descriptor could be another file's by then.
TEST_F(SpareFilling, ClosingWaitsForWhatIsBeingWrittenBack) {
  ASSERT_TRUE(writer_->close());
  const auto worker = std::make_shared<durability::testing::ManualWorker>();
  options_.worker = worker;
  writer_ = test::open_writer(directory_, options_).value();
  const std::string entry(kEntryBytes, 'x');
  while (writer_->segment_id() < SegmentId(2)) ASSERT_TRUE(writer_->append(as_bytes(entry)));
  for (const char* const task : {"the spare", "writing back"}) {
    SCOPED_TRACE(task);
    worker->run_all();
    while (worker->pending() == 0) ASSERT_TRUE(writer_->append(as_bytes(entry)));
  }
  const std::size_t before = seen.written_back.size();
  ASSERT_TRUE(writer_->close());
  EXPECT_EQ(seen.written_back.size(), before + 1);
}

TEST_F(SpareFilling, WhatIsSyncedAnywayIsNotWrittenBackBefore) {
  fill_segments(3, true);
  EXPECT_TRUE(seen.written_back.empty());
}

}  // namespace
}  // namespace durability::walog
