#include "durability/segment_index/recovery_manager.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "durability/segment_index/publish_checkpoint.hpp"
#include "durability/storage/fs_directory.hpp"
#include "durability/testing/crash_directory.hpp"
#include "durability/testing/faulty_directory.hpp"
#include "durability/testing/manual_worker.hpp"
#include "durability/walog/writer.hpp"

namespace durability {
namespace {

using segment_index::AddSegment;
using testing::CrashDirectory;
using testing::FaultyDirectory;

WalOptions small_segments() {
  WalOptions options;
  options.segment_bytes = 160;
  options.preallocate_bytes = 0;
  options.worker = std::make_shared<testing::ManualWorker>();
  return options;
}

segment_index::Checkpoint marker(std::string path, std::uint64_t last) {
  return {.checkpoint_path = std::move(path), .last_entry_id = last};
}

/// A log of `entries`, of which the first has the id `first`.
void write_log(const std::shared_ptr<Directory>& directory, const std::vector<WalEntry>& entries,
               std::uint64_t first = 1) {
  WalOptions options = small_segments();
  options.first_entry_id = EntryId(first);
  auto wal = WalWriter<WalEntry>::create(directory, options).value();
  for (const WalEntry& entry : entries) ASSERT_TRUE(wal.append(entry));
  ASSERT_TRUE(wal.close());
}

/// A checkpoint of the segments 1 to `last`, of ten documents each, as the entries up to `last` make them.
void write_checkpoint(const std::shared_ptr<Directory>& directory, std::string_view path,
                      std::uint64_t last) {
  CheckpointState state;
  for (std::uint64_t id = 1; id <= last; ++id) state.segments[id].doc_count = 10;
  ASSERT_TRUE(CheckpointFile(directory).write(path, EntryId(last), state));
}

void flip_bit(Directory& directory, std::string_view path, std::uint64_t offset) {
  const auto file = directory.open(path, OpenMode::kReadWrite).value();
  Bytes byte(1);
  ASSERT_TRUE(file->read_at(offset, byte));
  byte[0] ^= std::byte{1};
  ASSERT_TRUE(file->write_at(offset, byte));
}

void expect_refused(const Result<RecoveredState>& recovered, ErrorCode code, std::string_view says = "") {
  ASSERT_FALSE(recovered);
  EXPECT_EQ(recovered.error().code(), code) << recovered.error();
  EXPECT_NE(recovered.error().to_string().find(says), std::string::npos) << recovered.error();
}

void expect_recovered(const Result<RecoveredState>& recovered, std::uint64_t last, std::size_t segments,
                      const std::optional<std::string>& checkpoint) {
  ASSERT_TRUE(recovered) << recovered.error();
  EXPECT_EQ(recovered->last_entry_id, EntryId(last));
  EXPECT_EQ(recovered->segments.size(), segments);
  EXPECT_EQ(recovered->checkpoint, checkpoint);
}

const RecoveryOptions kBothWays[] = {RecoveryOptions::strict(), RecoveryOptions::best_effort()};

TEST(RecoveryManager, RecoversNothingFromNothing) {
  const RecoveryManager manager(CrashDirectory::make());
  for (const auto& options : kBothWays) {
    expect_recovered(manager.recover({}, options), 0, 0, {});
    expect_recovered(manager.recover_latest(options), 0, 0, {});
  }
}

TEST(RecoveryManager, AppliesTheLogAfterTheCheckpoint) {
  const auto directory = CrashDirectory::make();
  const WalEntry deletes = segment_index::DeleteDocuments{{{2, 4}, {1, 9}}};
  write_log(directory, {AddSegment{1, 10}, AddSegment{2, 10}, deletes, AddSegment{3, 30}});
  write_checkpoint(directory, "a.ckpt", 2);
  const IndexSegments expected = {{1, {10, {9}}}, {2, {10, {4}}}, {3, {30, {}}}};
  for (const auto& options : kBothWays) {
    for (const std::optional<std::string_view> path : {std::optional<std::string_view>("a.ckpt"), {}}) {
      const auto recovered = RecoveryManager(directory).recover(path, options);
      expect_recovered(recovered, 4, 3, path ? std::optional("a.ckpt") : std::nullopt);
      EXPECT_EQ(recovered->segments, expected);
    }
  }
  EXPECT_EQ(RecoveryManager(directory).recover_best_effort("a.ckpt")->segments, expected);
}

// The log of the tests below: segment n is added by entry n, but that 3 and 5 are markers.
std::vector<WalEntry> with_two_markers(const std::string& newer = "new.ckpt") {
  return {AddSegment{1, 10}, AddSegment{2, 10}, marker("old.ckpt", 2),
          AddSegment{4, 10}, marker(newer, 4),  AddSegment{6, 10}};
}

std::shared_ptr<CrashDirectory> with_two_checkpoints(std::uint64_t log_begins_at) {
  auto directory = CrashDirectory::make();
  auto entries = with_two_markers();
  entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(log_begins_at - 1));
  write_log(directory, entries, log_begins_at);
  write_checkpoint(directory, "old.ckpt", 2);
  write_checkpoint(directory, "new.ckpt", 4);
  return directory;
}

/// A log of two markers, of which the newer names `path`; the older one's checkpoint is there.
void write_log_with_markers(const std::shared_ptr<Directory>& directory, const std::string& path,
                            std::uint64_t begin) {
  auto entries = with_two_markers(path);
  entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(begin - 1));
  write_log(directory, entries, begin);
  write_checkpoint(directory, "old.ckpt", 2);
}

void expect_counts_as_lost(const std::shared_ptr<Directory>& directory, std::uint64_t begin) {
  for (const auto& options : kBothWays) {
    for (const RecoveryOptions& chosen : {options, options.up_to(EntryId(6))}) {
      const auto recovered = RecoveryManager(directory).recover_latest(chosen);
      if (begin == 1) {
        expect_recovered(recovered, 6, 4, "old.ckpt");
      } else {
        expect_refused(recovered, ErrorCode::kInvalidState, "which entry 5 names, is ");
        EXPECT_LT(recovered.error().to_string().size(), 2000U);
      }
    }
  }
}

TEST(RecoveryManager, BeginsWithTheNewestCheckpointThatTheLogNames) {
  for (const std::uint64_t begin : {1U, 3U, 5U}) {
    const auto directory = with_two_checkpoints(begin);
    write_checkpoint(directory, "z.ckpt", 6);  // which nothing names
    for (const auto& options : kBothWays) {
      expect_recovered(RecoveryManager(directory).recover_latest(options), 6, 5, "new.ckpt");
    }
  }
}

// C12: a checkpoint's file was lost; an older one was taken, and what had been truncated in between was
// silently gone. An older one will do only where the log still begins at entry 1.
TEST(RecoveryManager, TakesAnOlderCheckpointOnlyWhereTheLogIsWhole) {
  for (const std::uint64_t begin : {1U, 2U, 3U}) {
    const auto directory = with_two_checkpoints(begin);
    ASSERT_TRUE(directory->remove("new.ckpt"));
    for (const auto& options : kBothWays) {
      const auto recovered = RecoveryManager(directory).recover_latest(options);
      if (begin == 1) {
        expect_recovered(recovered, 6, 4, "old.ckpt");
      } else {
        expect_refused(recovered, ErrorCode::kInvalidState, "new.ckpt");
      }
    }
  }
}

TEST(RecoveryManager, ALostOlderCheckpointIsNoMatter) {
  const auto directory = with_two_checkpoints(3);
  ASSERT_TRUE(directory->remove("old.ckpt"));
  expect_recovered(RecoveryManager(directory).recover_latest(), 6, 5, "new.ckpt");
}

// C6, C29: the log lost its beginning, and there is no checkpoint to make up for it.
TEST(RecoveryManager, WithoutACheckpointNeedsALogFromEntryOne) {
  for (const std::uint64_t begin : {1U, 4U}) {
    const auto directory = with_two_checkpoints(begin);
    ASSERT_TRUE(directory->remove("old.ckpt"));
    ASSERT_TRUE(directory->remove("new.ckpt"));
    const RecoveryManager manager(directory);
    for (const auto& options : kBothWays) {
      if (begin == 1) {
        expect_recovered(manager.recover_latest(options), 6, 4, {});
        expect_recovered(manager.recover("new.ckpt", options), 6, 4, {});
      } else {
        expect_refused(manager.recover_latest(options), ErrorCode::kInvalidState, "new.ckpt");
        expect_refused(manager.recover("new.ckpt", options), ErrorCode::kTruncatedAway, "1 to 3");
        expect_refused(manager.recover({}, options), ErrorCode::kTruncatedAway, "1 to 3");
      }
    }
  }
}

TEST(RecoveryManager, ALogWithoutItsBeginningThatNamesNoCheckpointIsRefused) {
  for (const std::vector<WalEntry>& entries : {std::vector<WalEntry>{}, {AddSegment{1, 10}}}) {
    const auto directory = CrashDirectory::make();
    write_log(directory, entries, 7);
    for (const auto& options : kBothWays) {
      expect_refused(RecoveryManager(directory).recover_latest(options), ErrorCode::kInvalidState,
                     "begins at entry 7");
    }
  }
}

// A path that was read from a log can be anything. One that leads out of the directory is as good as
// lost, and nothing is looked up there.
TEST(RecoveryManager, AHostilePathInTheLogCountsAsALostFile) {
  using namespace std::string_literals;
  for (const std::string& path : {"../out.ckpt"s, "/etc/passwd"s, ""s, "a/../../b"s, "a\0b"s, "."s, "wal"s,
                                  "wal/wal_1.log"s, "wal/.lock"s, std::string(100'000, 'x') + "/../y"}) {
    SCOPED_TRACE(escape_for_display(path).substr(0, 40));
    for (const std::uint64_t begin : {1U, 3U}) {
      const auto directory = CrashDirectory::make();
      write_log_with_markers(directory, path, begin);
      const auto faulty = FaultyDirectory::make(directory);
      expect_counts_as_lost(faulty, begin);
      if (path.starts_with("wal")) continue;
      for (const auto& operation : faulty->log()) EXPECT_NE(operation.path, path);
    }
  }
}

// A marker whose path was too long for the file system, or led through a symbolic link or a file, made every
// recovery of its log fail, although an older checkpoint and the whole log were there.
TEST(RecoveryManager, APathThatNoFileOfThisFileSystemCanHaveCountsAsALostFile) {
  using namespace std::string_literals;
  for (const std::string& path :
       {std::string(300, 'x'), "d/" + std::string(5000, 'x'), "file/below.ckpt"s, "link"s, "link/below.ckpt"s,
        "loop"s, "loop/below"s, "d"s, "fifo"s, "d/" + std::string(256, 'y') + "/z"}) {
    SCOPED_TRACE(escape_for_display(path).substr(0, 40));
    for (const std::uint64_t begin : {1U, 3U}) {
      std::string root = ::testing::TempDir() + "durability_markers_XXXXXX";
      ASSERT_NE(::mkdtemp(root.data()), nullptr);
      const std::filesystem::path place(root);
      std::filesystem::create_directory(place / "d");
      std::filesystem::create_symlink("d", place / "link");
      std::filesystem::create_symlink("loop", place / "loop");
      ASSERT_EQ(::mkfifo((place / "fifo").c_str(), 0600), 0);
      const std::shared_ptr<Directory> directory = FsDirectory::open(root).value();
      ASSERT_TRUE(directory->atomic_write("file", as_bytes("no directory")));
      ASSERT_TRUE(CheckpointFile(directory).write("d/below.ckpt", EntryId(4), CheckpointState{}));
      write_log_with_markers(directory, path, begin);
      expect_counts_as_lost(directory, begin);
      std::filesystem::remove_all(place);
    }
  }
}

// With a ceiling the whole of a checkpoint was read for each marker that names it, to see whether it lies
// before the ceiling: 256 MiB a thousand times.
TEST(RecoveryManager, ACheckpointIsReadOnceHoweverManyMarkersNameIt) {
  const auto directory = CrashDirectory::make();
  std::vector<WalEntry> entries = {AddSegment{1, 10}};
  for (std::uint64_t id = 2; id <= 50; ++id) entries.emplace_back(marker(id % 2 == 0 ? "even" : "odd", 1));
  write_log(directory, entries);
  write_checkpoint(directory, "even", 1);
  write_checkpoint(directory, "odd", 30);
  const auto faulty = FaultyDirectory::make(directory);
  expect_recovered(RecoveryManager(faulty).recover_latest(RecoveryOptions::strict().up_to(EntryId(20))), 20,
                   1, "even");
  std::size_t opened = 0;
  for (const auto& operation : faulty->log()) {
    if (operation.operation == testing::Operation::kOpen && !operation.path.starts_with("wal")) ++opened;
  }
  EXPECT_EQ(opened, 3U) << "each header once, and the one that is needed";
}

// Nor does a path below the directory do any harm that leads to something else than a checkpoint.
TEST(RecoveryManager, ANamedFileThatIsNoCheckpointIsReportedOrIgnoredAsADamagedOne) {
  for (const std::uint64_t begin : {1U, 3U}) {
    const auto directory = CrashDirectory::make();
    const std::string segment = "notes.txt";
    ASSERT_TRUE(directory->atomic_write(segment, as_bytes("nothing that begins like a checkpoint")));
    auto entries = with_two_markers(segment);
    entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(begin - 1));
    write_log(directory, entries, begin);
    expect_refused(RecoveryManager(directory).recover_latest(), ErrorCode::kFormat, segment);
    const auto recovered = RecoveryManager(directory).recover_latest_best_effort();
    if (begin == 1) {
      expect_recovered(recovered, 6, 4, {});
      ASSERT_TRUE(recovered->ignored_checkpoint);
      EXPECT_EQ(recovered->ignored_checkpoint->path(), segment);
    } else {
      expect_refused(recovered, ErrorCode::kFormat, segment);
    }
  }
}

TEST(RecoveryManager, ADamagedCheckpointIsIgnoredByBestEffortWhereTheLogIsWhole) {
  for (const std::uint64_t begin : {1U, 3U}) {
    const auto directory = with_two_checkpoints(begin);
    flip_bit(*directory, "new.ckpt", 30);
    const RecoveryManager manager(directory);
    expect_refused(manager.recover_latest(), ErrorCode::kCrcMismatch, "new.ckpt");
    expect_refused(manager.recover("new.ckpt"), ErrorCode::kCrcMismatch, "new.ckpt");
    expect_refused(manager.recover_latest(RecoveryOptions::best_effort().ignore_corrupt_checkpoint(false)),
                   ErrorCode::kCrcMismatch, "new.ckpt");
    if (begin == 1) {
      const auto recovered = manager.recover_latest_best_effort();
      expect_recovered(recovered, 6, 4, {});
      ASSERT_TRUE(recovered->ignored_checkpoint);
      EXPECT_EQ(recovered->ignored_checkpoint->code(), ErrorCode::kCrcMismatch);
    } else {
      expect_refused(manager.recover_latest_best_effort(), ErrorCode::kCrcMismatch, "new.ckpt");
    }
  }
}

// A log, or a checkpoint, was put back: the checkpoint goes further than the log does.
TEST(RecoveryManager, ALogThatEndsBeforeItsCheckpointIsRefused) {
  const auto directory = with_two_checkpoints(1);
  write_checkpoint(directory, "new.ckpt", 9);
  for (const auto& options : kBothWays) {
    expect_refused(RecoveryManager(directory).recover_latest(options), ErrorCode::kInvalidState, "7 to 9");
  }
}

// C5: what comes after the ceiling is not looked at, be it damaged, a marker, or a later checkpoint.
TEST(RecoveryManager, ACeilingChoosesTheCheckpointToo) {
  for (const bool damaged : {false, true}) {
    const auto directory = with_two_checkpoints(1);
    if (damaged) flip_bit(*directory, "new.ckpt", 30);
    const RecoveryManager manager(directory);
    for (const auto& options : kBothWays) {
      expect_recovered(manager.recover_latest(options.up_to(EntryId(1))), 1, 1, {});
      expect_recovered(manager.recover_latest(options.up_to(EntryId(2))), 2, 2, {});
      expect_recovered(manager.recover_latest(options.up_to(EntryId(3))), 3, 2, "old.ckpt");
      expect_recovered(manager.recover_latest(options.up_to(EntryId(4))), 4, 3, "old.ckpt");
    }
  }
}

// A checkpoint that is replaced under the same name holds, for an early ceiling, too much.
TEST(RecoveryManager, ACheckpointPastTheCeilingCountsAsMissing) {
  for (const std::uint64_t begin : {1U, 3U}) {
    const auto directory = with_two_checkpoints(begin);
    write_checkpoint(directory, "old.ckpt", 4);
    const auto recovered =
        RecoveryManager(directory).recover_latest(RecoveryOptions::strict().up_to(EntryId(3)));
    if (begin == 1) {
      expect_recovered(recovered, 3, 2, {});
    } else {
      expect_refused(recovered, ErrorCode::kInvalidState, "old.ckpt");
    }
  }
}

TEST(RecoveryManager, ATornTailIsAnErrorToStrictRecoveryAndLeftOutByBestEffort) {
  const auto directory = CrashDirectory::make();
  {
    WalOptions options = small_segments();
    options.segment_bytes = 4096;
    options.observer = std::make_shared<WalObserver>();
    auto wal = WalWriter<WalEntry>::create(directory, options).value();
    ASSERT_TRUE(wal.append(AddSegment{1, 10}));
    ASSERT_TRUE(wal.flush_and_sync());
    ASSERT_TRUE(wal.append(AddSegment{2, 10}));
    ASSERT_TRUE(wal.flush());
  }
  flip_bit(*directory, "wal/wal_1.log", 64 + 32 + 24);
  expect_refused(RecoveryManager(directory).recover_latest(), ErrorCode::kTornTail);
  const auto recovered = RecoveryManager(directory).recover_latest_best_effort();
  expect_recovered(recovered, 1, 1, {});
  EXPECT_TRUE(recovered->torn_tail);
}

TEST(RecoveryManager, AnErrorInLookingForACheckpointIsHandedThrough) {
  const auto faulty = FaultyDirectory::make(with_two_checkpoints(1));
  faulty->fail(
      {.operation = testing::Operation::kOpen, .repeat = testing::Repeat::kSticky, .path = "new.ckpt"});
  for (const auto& options : kBothWays) {
    expect_refused(RecoveryManager(faulty).recover_latest(options), ErrorCode::kIo, "new.ckpt");
  }
}

// The tool said 'recovered 0 segments' of a log of other entries, or of none.
TEST(RecoveryManager, SaysHowManyEntriesItAppliedAndOfALogOfOthersThatItIsOne) {
  const auto directory = with_two_checkpoints(1);
  EXPECT_EQ(RecoveryManager(directory).recover_latest()->replayed, 2U);
  EXPECT_EQ(RecoveryManager(directory).recover()->replayed, 6U);
  EXPECT_EQ(RecoveryManager(CrashDirectory::make()).recover_latest()->replayed, 0U);
  const auto other = CrashDirectory::make();
  auto wal = WalWriter<std::string>::create(other, small_segments()).value();
  ASSERT_TRUE(wal.append("no entry of an index"));
  ASSERT_TRUE(wal.close());
  expect_refused(RecoveryManager(other).recover_latest(), ErrorCode::kDecode,
                 "not the log of a segment index");
  expect_refused(RecoveryManager(other).recover(), ErrorCode::kDecode, "not the log of a segment index");
}

TEST(RecoveryManager, WithoutADirectoryEveryCallIsInvalidConfig) {
  const RecoveryManager manager(nullptr);
  expect_refused(manager.recover(), ErrorCode::kInvalidConfig);
  expect_refused(manager.recover("x.ckpt"), ErrorCode::kInvalidConfig);
  expect_refused(manager.recover_latest(), ErrorCode::kInvalidConfig);
  EXPECT_EQ(manager.latest_checkpoint().error().code(), ErrorCode::kInvalidConfig);
}

TEST(RecoveryManager, NothingIsWritten) {
  const auto directory = with_two_checkpoints(1);
  const auto operations = directory->operations();
  for (const auto& options : kBothWays) ASSERT_TRUE(RecoveryManager(directory).recover_latest(options));
  EXPECT_EQ(directory->operations(), operations);
}

}  // namespace
}  // namespace durability
