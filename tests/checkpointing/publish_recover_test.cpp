// Publishing and recovery together: what is published comes back, and so does what could not be.

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <variant>

#include "durability/publish/publisher.hpp"
#include "durability/recover/recover.hpp"
#include "durability/testing/crash_directory.hpp"
#include "durability/testing/faulty_directory.hpp"
#include "durability/testing/manual_worker.hpp"
#include "durability/walog/sync_writer.hpp"

namespace durability {
namespace {

using testing::CrashDirectory;
using testing::FaultyDirectory;
using testing::Operation;

struct Put {
  std::string key, value;
};
struct Published {
  std::string path;
  std::uint64_t upto;
};
using Op = std::variant<Put, Published>;
using Table = std::map<std::string, std::string>;

constexpr std::string_view kPath = "table.ckpt";

Op marker(std::string_view path, DurableId upto) { return Published{std::string(path), upto.value()}; }
DurableId durable(std::uint64_t id, const Directory& of) {
  return internal::DurableIdIssuer::issue(EntryId(id), of.identity());
}

Result<Recovery<Table>> recover_table(const std::shared_ptr<Directory>& directory) {
  return recover_with_wal<Table, Op>(
      directory, kPath, RecoveryOptions::best_effort(),
      [](const std::optional<Table>& checkpoint) { return checkpoint.value_or(Table{}); },
      [](Table& table, EntryId, const Op& op) {
        if (const auto* put = std::get_if<Put>(&op)) table[put->key] = put->value;
      });
}

WalOptions small_segments() {
  WalOptions options;
  options.segment_bytes = 160;
  options.worker = std::make_shared<testing::ManualWorker>();
  return options;
}

// Adds four entries, several segments, to log and table, durably.
template <class Wal>
DurableId travel(Wal& wal, Table& table) {
  for (const std::string city : {"Kyoto", "Lima", "Oslo", "Quito"}) {
    table[city] += city + " is far away";
    EXPECT_TRUE(wal.append(Put{city, table[city]}));
  }
  return wal.flush_and_sync().value();
}

void expect_table(const std::shared_ptr<Directory>& directory, const Table& table) {
  const auto recovered = recover_table(directory);
  ASSERT_TRUE(recovered) << recovered.error();
  EXPECT_EQ(recovered->state, table);
}

template <class Wal>
void publish_and_recover(const std::shared_ptr<Directory>& directory, Wal& wal) {
  Table table;
  const DurableId upto = travel(wal, table);
  const auto published = CheckpointPublisher(directory).publish(wal, table, upto, kPath, marker);
  ASSERT_TRUE(published) << published.error();
  EXPECT_EQ(published->checkpoint, kPath);
  EXPECT_EQ(published->last_applied, EntryId(4));
  EXPECT_EQ(published->marker, EntryId(5));
  EXPECT_EQ(wal.durable_id(), durable(5, *directory));
  ASSERT_FALSE(published->truncation.deleted.empty());
  EXPECT_EQ(published->truncation.deleted.front().first, EntryId(1));

  const auto recovered = recover_table(directory);
  ASSERT_TRUE(recovered) << recovered.error();
  EXPECT_EQ(recovered->state, table);
  EXPECT_EQ(recovered->checkpoint_id, EntryId(4));
  EXPECT_EQ(recovered->last_applied, EntryId(5));
  EXPECT_EQ(recovered->replayed, 1U);
}

TEST(PublishAndRecover, LeavesAStateThatIsRecoveredFromCheckpointAndTheRestOfTheLog) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  auto wal = WalWriter<Op>::open(directory, small_segments()).value();
  publish_and_recover(directory, wal);
}

TEST(PublishAndRecover, TakesALogThatManyThreadsAppendTo) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  const auto wal = SyncWalWriter<Op>::open(directory, small_segments()).value();
  publish_and_recover(directory, *wal);
}

// Nothing is truncated for a checkpoint that is not durable, whichever of its steps fails.
TEST(PublishAndRecover, TruncatesNothingWhereTheCheckpointCannotBeMadeDurable) {
  for (const Operation step : {Operation::kCreate, Operation::kWrite, Operation::kSyncData,
                               Operation::kRename, Operation::kSyncDirectory}) {
    SCOPED_TRACE(testing::operation_name(step));
    const auto faulty = FaultyDirectory::make(CrashDirectory::make());
    auto wal = WalWriter<Op>::open(faulty, small_segments()).value();
    Table table;
    const DurableId upto = travel(wal, table);
    const auto segments = wal.segment_ranges();
    if (step == Operation::kSyncDirectory) {
      faulty->fail({.operation = step});
    } else {
      faulty->fail({.operation = step, .path = std::string(kPath)});
    }
    const auto published = CheckpointPublisher(faulty).publish(wal, table, upto, kPath, marker);
    EXPECT_EQ(published.error().code(), ErrorCode::kIo);
    EXPECT_EQ(wal.segment_ranges(), segments);
    EXPECT_EQ(wal.last_entry_id(), EntryId(4)) << "no marker for it either";
    expect_table(faulty, table);

    faulty->mend();
    const auto again = CheckpointPublisher(faulty).publish(wal, table, upto, kPath, marker);
    ASSERT_TRUE(again) << again.error();
    EXPECT_FALSE(again->truncation.deleted.empty());
    expect_table(faulty, table);
  }
}

TEST(PublishAndRecover, TruncatesNothingWhereTheMarkerCannotBeMadeDurable) {
  for (const Operation step : {Operation::kWrite, Operation::kSyncData}) {
    const auto faulty = FaultyDirectory::make(CrashDirectory::make());
    auto wal = WalWriter<Op>::open(faulty, small_segments()).value();
    Table table;
    const DurableId upto = travel(wal, table);
    const auto segments = wal.segment_ranges();
    faulty->fail({.operation = step, .path = "wal/"});
    const auto published = CheckpointPublisher(faulty).publish(wal, table, upto, kPath, marker);
    EXPECT_EQ(published.error().code(), ErrorCode::kIo);
    EXPECT_EQ(wal.segment_ranges().front(), segments.front());
    EXPECT_TRUE(faulty->exists("wal/wal_1.log").value());
    expect_table(faulty, table);
  }
}

// C6: a directory after two publications, and its checkpoint exchanged or removed.
class AfterTwoPublications : public ::testing::Test {
 protected:
  void publish_twice(std::uint64_t segment_bytes) {
    WalOptions options = small_segments();
    options.segment_bytes = segment_bytes;
    auto wal = WalWriter<Op>::open(directory_, options).value();
    for (Bytes* copy : {&old_checkpoint_, &new_checkpoint_}) {
      const DurableId upto = travel(wal, table_);
      ASSERT_TRUE(CheckpointPublisher(directory_).publish(wal, table_, upto, kPath, marker));
      *copy = directory_->read_file(kPath, 1U << 20U).value();
    }
    ASSERT_TRUE(wal.close());
    ASSERT_NE(old_checkpoint_, new_checkpoint_);
  }

  std::shared_ptr<Directory> directory_ = CrashDirectory::make();
  Table table_;
  Bytes old_checkpoint_;
  Bytes new_checkpoint_;
};

TEST_F(AfterTwoPublications, AnOldCheckpointPutBackIsMadeUpForByALogThatReachesBack) {
  publish_twice(1U << 20U);
  expect_table(directory_, table_);
  ASSERT_TRUE(directory_->atomic_write(kPath, old_checkpoint_));
  expect_table(directory_, table_);
  ASSERT_TRUE(directory_->remove(kPath));
  expect_table(directory_, table_);
}

TEST_F(AfterTwoPublications, AnOldCheckpointPutBackIsRefusedByALogThatWasTruncated) {
  publish_twice(160);
  expect_table(directory_, table_);
  ASSERT_TRUE(directory_->atomic_write(kPath, old_checkpoint_));
  EXPECT_EQ(recover_table(directory_).error().code(), ErrorCode::kTruncatedAway);
  ASSERT_TRUE(directory_->remove(kPath));
  EXPECT_EQ(recover_table(directory_).error().code(), ErrorCode::kTruncatedAway);
  ASSERT_TRUE(directory_->atomic_write(kPath, new_checkpoint_));
  expect_table(directory_, table_);
}

}  // namespace
}  // namespace durability
