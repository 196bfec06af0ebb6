// The order of the writer's calls: what is durable before what is begun.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "durability/walog/test_support.hpp"

namespace durability::walog {
namespace {

using test::CrashDirectory;
using test::fails_with;
using test::FaultyDirectory;
using test::one_segment;
using test::open_writer;
using test::Operation;
using test::OperationRecord;
using ::testing::ElementsAre;

/// True where the file that a line is about had been given its own name before.
bool renamed(const std::vector<std::string>& before, const std::string& line) {
  const std::string name = line.substr(line.find(' ') + 1);
  return name == "wal_1.tmp" || std::ranges::any_of(before, [&](const std::string& earlier) {
           return earlier.starts_with("rename " + name);
         });
}

/// What was done, with segments called by their names: `wal_2.tmp` is a segment under its temporary name.
/// Handles go on by the name under which they were opened first, which is left out here.
std::vector<std::string> changes_of(const FaultyDirectory& directory) {
  std::vector<std::string> lines;
  for (std::string line : directory.changes()) {
    for (std::size_t at = 0; (at = line.find("wal/wal_")) != std::string::npos;) line.erase(at, 4);
    const bool by_handle =
        line.starts_with("write") || line.starts_with("sync_data") || line.starts_with("truncate");
    for (std::size_t at = 0; (at = line.find(".log")) != std::string::npos;) {
      const bool temporary = line.substr(at).starts_with(".log.") && line.size() >= at + 25;
      line.replace(at, temporary ? 25 : 4, temporary ? ".tmp" : "");
    }
    if (by_handle && line.ends_with(".tmp") && renamed(lines, line)) line.resize(line.size() - 4);
    lines.push_back(line);
  }
  return lines;
}

// C28: the outgoing segment and the next one's name are durable before anything is written to the next.
TEST(WriterOrder, RotationSyncsTheFileAndTheDirectoryBeforeTheNextSegment) {
  const auto directory = FaultyDirectory::make(CrashDirectory::make());
  WalOptions options = test::test_options();
  options.segment_bytes = 136;
  options.preallocate_bytes = 8;
  const auto writer = open_writer(directory, options).value();
  directory->clear_log();
  ASSERT_TRUE(writer->append(as_bytes("a")));
  ASSERT_TRUE(writer->append(as_bytes("b")));
  ASSERT_TRUE(writer->flush());
  EXPECT_THAT(changes_of(*directory),
              ElementsAre("create wal_2.tmp", "preallocate wal_2.tmp", "sync_data wal_2.tmp",
                          "rename wal_2.tmp -> wal_2", "sync_directory wal", "write wal_1", "sync_data wal_1",
                          "truncate wal_1", "write wal_2"));
}

// V18: the next spare is begun only when the sync of the last seal has returned, or a cut could leave three
// segments of zeros. Here by age, so that no preparation in the background has waited for it already.
TEST(WriterOrder, ASpareIsBegunOnlyAfterTheSyncOfTheLastSeal) {
  const auto directory = FaultyDirectory::make(CrashDirectory::make());
  const auto clock = std::make_shared<test::ManualClock>();
  WalOptions options = one_segment();
  options.clock = clock;
  options.segment_max_age = std::chrono::minutes(1);
  const auto writer = open_writer(directory, options).value();
  const auto before = static_cast<std::ptrdiff_t>(changes_of(*directory).size());
  for (const char* text : {"a", "b", "c"}) {
    ASSERT_TRUE(writer->append(as_bytes(text)));
    clock->advance(std::chrono::minutes(1));
  }
  ASSERT_EQ(writer->segment_id(), SegmentId(3));
  const auto changes = changes_of(*directory);
  const auto sync = std::find(changes.begin() + before, changes.end(), "sync_data wal_1");
  const auto spare = std::ranges::find(changes, "create wal_3.tmp");
  ASSERT_NE(sync, changes.end());
  ASSERT_NE(spare, changes.end());
  EXPECT_LT(sync, spare);
}

// Version 3 carries no seal of its own predecessor: its file gets its name only when the seal before it
// is durable.
TEST(WriterOrder, AnOlderVersionBeginsOnlyAfterTheSyncOfTheSeal) {
  const auto inner = CrashDirectory::make();
  {
    const auto writer = open_writer(inner).value();
    ASSERT_TRUE(writer->append(as_bytes("a")));
    ASSERT_TRUE(writer->close());
  }
  const auto directory = FaultyDirectory::make(inner);
  WalOptions options = test::test_options();
  options.format = WalFormat::kV3;
  const auto writer = open_writer(directory, options).value();
  while (writer->segment_id() == SegmentId(1)) ASSERT_TRUE(writer->append(as_bytes("b")));
  const auto changes = changes_of(*directory);
  const auto seal = std::ranges::find(changes, "write wal_1");
  const auto sync = std::find(seal, changes.end(), "sync_data wal_1");
  const auto named = std::find(seal, changes.end(), "rename wal_2.tmp -> wal_2");
  ASSERT_NE(seal, changes.end());
  ASSERT_NE(sync, changes.end());
  ASSERT_NE(named, changes.end());
  EXPECT_LT(sync, named);
}

TEST(WriterOrder, NoSpareIsBegunAfterASealWhoseSyncHasFailed) {
  const auto directory = FaultyDirectory::make(CrashDirectory::make());
  const auto worker = std::make_shared<test::ManualWorker>();
  WalOptions options = test::test_options();
  options.segment_bytes = 136;
  options.worker = worker;
  const auto writer = open_writer(directory, options).value();
  for (const char* text : {"a", "b"}) ASSERT_TRUE(writer->append(as_bytes(text)));
  ASSERT_EQ(worker->pending(), 2U) << "the seal's sync, and the next spare after it";
  directory->fail({.operation = Operation::kSyncData, .path = "wal_1"});
  directory->clear_log();
  worker->run_all();
  EXPECT_THAT(directory->changes(), ::testing::SizeIs(1)) << "the sync";
  EXPECT_TRUE(fails_with(writer->append(as_bytes("c")), ErrorCode::kIo));
  EXPECT_TRUE(fails_with(writer->append(as_bytes("c")), ErrorCode::kPoisoned));
}

// A full disk left the active segment empty and without space, and a truncation left the sealed one before it
// as the log's first, while its sync was still under way. After a power cut its header was on no disk,
// nothing before it said where the log began, and the log did not open.
TEST(WriterOrder, TheSegmentThatATruncationOfAFullDiskLeavesFirstIsSyncedBeforeTheOthersAreDeleted) {
  const auto disk = CrashDirectory::make();
  test::put(*disk, 1, test::SegmentImage(1).entry("a").durable(1).seal());
  test::put(*disk, 2, Bytes(136));
  test::put(*disk, 3, ByteView());
  const auto directory = FaultyDirectory::make(disk);
  WalOptions options = test::test_options();
  options.segment_bytes = 136;
  const auto writer = open_writer(directory, options).value();
  ASSERT_TRUE(writer->append(as_bytes("b")));
  directory->fail(
      {.operation = Operation::kPreallocate, .os_error = ENOSPC, .repeat = test::Repeat::kSticky});
  ASSERT_TRUE(fails_with(writer->append(as_bytes("c")), ErrorCode::kIo));
  ASSERT_EQ(writer->segment_id(), SegmentId(3));
  directory->clear_log();
  const auto truncated = writer->truncate_prefix(writer->durable_up_to(EntryId(1)).value());
  ASSERT_TRUE(truncated) << truncated.error();
  EXPECT_EQ(truncated->deleted.size(), 1U);
  const auto changes = changes_of(*directory);
  const auto seal = std::ranges::find(changes, "sync_data wal_2");
  const auto gone = std::ranges::find(changes, "remove_file wal_1");
  ASSERT_NE(gone, changes.end());
  EXPECT_LT(seal, gone) << "of " << ::testing::PrintToString(changes);
}

// The order of a truncation: the active segment first, then one by one, oldest first.
TEST(WriterOrder, TruncationSyncsTheActiveSegmentThenDeletesOneByOne) {
  const auto directory = FaultyDirectory::make(CrashDirectory::make());
  WalOptions options = test::test_options();
  options.segment_bytes = 136;
  const auto writer = open_writer(directory, options).value();
  for (const char* text : {"a", "b"}) ASSERT_TRUE(writer->append(as_bytes(text)));
  const auto durable = writer->flush_and_sync().value();
  ASSERT_TRUE(writer->append(as_bytes("c")));
  const auto covered = writer->durable_up_to(EntryId(2)).value();
  EXPECT_EQ(durable, covered);
  const auto before = static_cast<std::ptrdiff_t>(changes_of(*directory).size());
  ASSERT_TRUE(writer->truncate_prefix(covered));
  std::vector<std::string> changes = changes_of(*directory);
  changes.erase(changes.begin(), changes.begin() + before);
  const auto seal = std::ranges::find(changes, "sync_data wal_2");
  const auto header = std::ranges::find(changes, "write wal_3");
  const auto sync = std::ranges::find(changes, "sync_data wal_3");
  // A segment is deleted, or renamed to be used again.
  const auto is_gone = [](std::string_view name) {
    return [name](const std::string& line) {
      return line == fmt::format("remove_file {}", name) || line.starts_with(fmt::format("rename {} ", name));
    };
  };
  const auto oldest = std::ranges::find_if(changes, is_gone("wal_1"));
  const auto next = std::ranges::find_if(changes, is_gone("wal_2"));
  const auto between = std::find(oldest, next, "sync_directory wal");
  ASSERT_NE(seal, changes.end());
  ASSERT_NE(header, changes.end());
  ASSERT_NE(sync, changes.end());
  ASSERT_NE(oldest, changes.end());
  ASSERT_NE(next, changes.end());
  EXPECT_LT(seal, header);
  EXPECT_LT(header, sync);
  EXPECT_LT(sync, oldest);
  EXPECT_LT(oldest, between);
  EXPECT_LT(between, next);
  EXPECT_NE(std::find(next, changes.end(), "sync_directory wal"), changes.end());
}

// The seal that resume writes: spare durable, seal, truncation, sync, and only then a new entry.
TEST(WriterOrder, ARepairMakesTheSpareDurableThenSealsCutsAndSyncs) {
  const auto inner = CrashDirectory::make();
  test::put(*inner, 1, test::SegmentImage(1).entry("a").durable(1).mark().raw(as_bytes("garbage")));
  const auto directory = FaultyDirectory::make(inner);
  const auto writer = open_writer(directory).value();
  EXPECT_THAT(changes_of(*directory),
              ElementsAre("sync_data wal_1", "sync_directory wal", "sync_directory .", "create wal_2.tmp",
                          "preallocate wal_2.tmp", "sync_data wal_2.tmp", "rename wal_2.tmp -> wal_2",
                          "sync_directory wal", "write wal_1", "truncate wal_1", "sync_data wal_1"));
}

// C1: resuming took no notice of the lock of a writer that is alive, and both wrote into one segment.
TEST(WriterOrder, ResumingHonoursTheLockOfALiveWriterAndTouchesNothing) {
  const auto directory = FaultyDirectory::make(CrashDirectory::make());
  const auto alive = open_writer(directory).value();
  ASSERT_TRUE(alive->append(as_bytes("a")));
  ASSERT_TRUE(alive->flush_and_sync());
  directory->clear_log();
  for (const OpenIntent intent : {OpenIntent::kOpenOrCreate, OpenIntent::kResume}) {
    const auto second = open_writer(directory, test::test_options(), intent);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code(), ErrorCode::kLockFailed) << second.error();
  }
  EXPECT_THAT(changes_of(*directory), ::testing::IsEmpty());
  ASSERT_TRUE(alive->append(as_bytes("b")));
  ASSERT_TRUE(alive->close());
  EXPECT_EQ(test::read(directory, ReadMode::kStrict), "a b: ok");
}

// C25: what was listed before the lock was taken may be gone.
TEST(WriterOrder, SegmentsAreListedUnderTheLock) {
  const auto directory = FaultyDirectory::make(CrashDirectory::make());
  ASSERT_TRUE(open_writer(directory).value()->close());
  directory->clear_log();
  ASSERT_TRUE(open_writer(directory));
  const auto log = directory->log();
  const auto locked = std::ranges::find(log, Operation::kLock, &OperationRecord::operation);
  const auto listed = std::ranges::find_if(log, [](const OperationRecord& record) {
    return record.operation == Operation::kList && record.path == "wal";
  });
  ASSERT_NE(locked, log.end());
  ASSERT_NE(listed, log.end());
  EXPECT_LT(locked->number, listed->number);
}

}  // namespace
}  // namespace durability::walog
