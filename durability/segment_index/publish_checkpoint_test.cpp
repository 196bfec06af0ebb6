#include "durability/segment_index/publish_checkpoint.hpp"

#include <gtest/gtest.h>

#include <string>

#include "durability/segment_index/recovery_manager.hpp"
#include "durability/testing/crash_directory.hpp"
#include "durability/testing/manual_worker.hpp"
#include "durability/walog/sync_writer.hpp"

namespace durability {
namespace {

using segment_index::AddSegment;
using segment_index::DeleteDocuments;
using segment_index::EndMerge;
using testing::CrashDirectory;

WalOptions small_segments(std::size_t recycle = 0) {
  WalOptions options;
  options.segment_bytes = 200;
  options.recycle_segments = recycle;
  options.worker = std::make_shared<testing::ManualWorker>();
  return options;
}

template <class Wal>
void publish_and_recover(const std::shared_ptr<Directory>& directory, Wal& wal) {
  for (std::uint64_t id = 1; id <= 9; ++id) ASSERT_TRUE(wal.append(AddSegment{id, 10}));
  const DurableId upto = wal.flush_and_sync().value();
  const RecoveryManager manager(directory);
  const auto before = manager.recover().value();
  const auto published = publish_checkpoint(directory, wal, RecoveryManager::to_checkpoint_state(before),
                                            upto, "checkpoints/1.ckpt");
  ASSERT_TRUE(published) << published.error();
  EXPECT_EQ(published->checkpoint, "checkpoints/1.ckpt");
  EXPECT_EQ(published->last_applied, EntryId(9));
  EXPECT_EQ(published->marker, EntryId(10));
  EXPECT_FALSE(published->truncation.deleted.empty());

  const auto records = WalReader<WalEntry>(directory).from(EntryId(10)).replay(ReadMode::kStrict).value();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].entry, WalEntry(segment_index::Checkpoint{"checkpoints/1.ckpt", 9}));
  const auto after = manager.recover_latest();
  ASSERT_TRUE(after) << after.error();
  EXPECT_EQ(after->segments, before.segments);
  EXPECT_EQ(after->checkpoint, "checkpoints/1.ckpt");
  EXPECT_EQ(after->last_entry_id, EntryId(10));
}

TEST(PublishCheckpoint, LeavesACheckpointItsMarkerAndTheRestOfTheLog) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  auto wal = WalWriter<WalEntry>::open(directory, small_segments()).value();
  publish_and_recover(directory, wal);
}

TEST(PublishCheckpoint, TakesALogThatManyThreadsAppendTo) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  const auto wal = SyncWalWriter<WalEntry>::open(directory, small_segments()).value();
  publish_and_recover(directory, *wal);
}

TEST(PublishCheckpoint, RefusesAPathThatNoMarkerCanNameBeforeAnythingIsWritten) {
  const auto directory = CrashDirectory::make();
  auto wal = WalWriter<WalEntry>::open(directory, small_segments()).value();
  ASSERT_TRUE(wal.append(AddSegment{1, 10}));
  const DurableId upto = wal.flush_and_sync().value();
  const auto operations = directory->operations();
  const auto published = publish_checkpoint(directory, wal, {}, upto, "\xff.ckpt");
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().code(), ErrorCode::kEncode);
  EXPECT_EQ(published.error().path(), "\xff.ckpt");
  EXPECT_EQ(directory->operations(), operations);
  EXPECT_EQ(wal.last_entry_id(), EntryId(1));
}

// C7: deletes that were remapped by a merge, in a log that is published, recycled and resumed again and
// again.
TEST(PublishCheckpoint, DeletesOfMergesOutliveRecyclingAndResuming) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  const RecoveryManager manager(directory);
  IndexSegments expected;
  std::size_t recycled = 0;
  for (std::uint64_t round = 1; round <= 5; ++round) {
    auto wal = WalWriter<WalEntry>::open(directory, small_segments(2)).value();
    const auto append = [&](const WalEntry& entry) {
      segment_index::apply(expected, entry);
      ASSERT_TRUE(wal.append(entry));
    };
    const std::uint64_t merged = 10 * round + 2;
    append(AddSegment{10 * round, 10});
    append(AddSegment{10 * round + 1, 10});
    append(DeleteDocuments{{{10 * round, 3}, {10 * round + 1, 4}}});
    append(segment_index::StartMerge{round, {10 * round, 10 * round + 1}});
    append(
        EndMerge{round, merged, {10 * round, 10 * round + 1}, {{merged, 5}, {merged, 13}, {10 * round, 6}}});
    append(DeleteDocuments{{{merged, 7}, {12, static_cast<std::uint32_t>(round)}}});
    const DurableId upto = wal.flush_and_sync().value();
    const auto published =
        publish_checkpoint(directory, wal, {.segments = expected}, upto, fmt::format("{}.ckpt", round));
    ASSERT_TRUE(published) << published.error();
    recycled += published->truncation.deleted.size();
    append(DeleteDocuments{{{merged, 8}}});
    ASSERT_TRUE(wal.close());
    const auto recovered = manager.recover_latest();
    ASSERT_TRUE(recovered) << recovered.error();
    EXPECT_EQ(recovered->segments, expected);
    EXPECT_EQ(recovered->checkpoint, fmt::format("{}.ckpt", round));
  }
  EXPECT_GT(recycled, 4U);
  EXPECT_EQ(expected.at(12).deleted_docs, (std::set<std::uint32_t>{1, 2, 3, 4, 5, 7, 8, 13}));
}

}  // namespace
}  // namespace durability
