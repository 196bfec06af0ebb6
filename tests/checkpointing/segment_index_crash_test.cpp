// K1 for a segment index: segments come, are merged, lose documents, and checkpoints are published, each
// under a name of its own or all under one. Crashed at each operation, under every profile, RecoveryManager
// must find
//   - the state after some prefix of what was appended, every acknowledged entry in it
//   - by itself: the log names the checkpoint to begin with, or is whole
// and a program goes on from it.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "crash_everywhere.hpp"
#include "durability/segment_index/publish_checkpoint.hpp"
#include "durability/segment_index/recovery_manager.hpp"

namespace durability {
namespace {

using segment_index::AddSegment;
using segment_index::DeleteDocuments;
using segment_index::EndMerge;
using testing::CrashDirectory;

struct History {
  std::vector<IndexSegments> after = {{}};  // [n]: the state after entry n, which may be there after a crash
  std::uint64_t acked = 0;                  // the last entry that must be
};

struct Setting {
  std::uint64_t segment_bytes;
  bool one_name;  // for all checkpoints
  std::size_t recycle;
};

WalOptions options(const Setting& setting) {
  WalOptions options = repeatable(setting.segment_bytes);
  options.recycle_segments = setting.recycle;
  return options;
}

Status append(WalWriter<WalEntry>& wal, History& history, const WalEntry& entry) {
  IndexSegments next = history.after.back();
  segment_index::apply(next, entry);
  history.after.push_back(std::move(next));
  DURABILITY_TRY(wal.append(entry));
  return {};
}

Status publish(const std::shared_ptr<Directory>& directory, WalWriter<WalEntry>& wal, History& history,
               const std::string& path) {
  const CheckpointState state{.segments = history.after.back()};
  DURABILITY_TRY_ASSIGN(const DurableId upto, wal.flush_and_sync());
  history.acked = upto.value();
  history.after.push_back(history.after.back());  // the marker changes nothing
  DURABILITY_TRY(publish_checkpoint(directory, wal, state, upto, path));
  history.acked = history.after.size() - 1;
  return {};
}

Status work(const std::shared_ptr<Directory>& directory, const Setting& setting, History& history) {
  DURABILITY_TRY_ASSIGN(auto wal, WalWriter<WalEntry>::open(directory, options(setting)));
  for (std::uint64_t round = 1; round <= 3; ++round) {
    const std::uint64_t a = 10 * round;
    const std::uint64_t merged = a + 2;
    DURABILITY_TRY(append(wal, history, AddSegment{a, 100}));
    DURABILITY_TRY(append(wal, history, AddSegment{a + 1, 100}));
    DURABILITY_TRY(
        append(wal, history, DeleteDocuments{{{a, 3}, {a + 1, 77}, {a + 1, 5}, {merged - 10, 5}}}));
    DURABILITY_TRY(append(wal, history, EndMerge{round, merged, {a, a + 1}, {{merged, 2}, {a, 1}}}));
    DURABILITY_TRY(append(wal, history, DeleteDocuments{{{merged, 4}, {a, 1}}}));
    const std::string path = setting.one_name ? "index.ckpt" : fmt::format("checkpoints/{}.ckpt", round);
    DURABILITY_TRY(publish(directory, wal, history, path));
  }
  DURABILITY_TRY(append(wal, history, AddSegment{99, 1}));
  return wal.flush();
}

void expect_to_go_on(const std::shared_ptr<Directory>& directory, const RecoveredState& found,
                     const Setting& setting) {
  auto wal = WalWriter<WalEntry>::open(directory, options(setting));
  ASSERT_TRUE(wal) << wal.error();
  ASSERT_EQ(wal->last_entry_id(), found.last_entry_id);
  const RecoveryManager manager(directory);
  const auto again = manager.recover_latest();  // the writer mended what strict recovery would mind
  ASSERT_TRUE(again) << again.error();
  EXPECT_EQ(again->segments, found.segments) << "recovering twice gives the same";

  History history{.after = {found.segments}};
  ASSERT_TRUE(append(*wal, history, AddSegment{1000, 1}));
  const Status published = publish(directory, *wal, history, "behind the crash.ckpt");
  ASSERT_TRUE(published) << published.error();
  const auto last = manager.recover_latest();
  ASSERT_TRUE(last) << last.error();
  EXPECT_EQ(last->segments, history.after.back());
  EXPECT_EQ(last->checkpoint, "behind the crash.ckpt");
}

void check(const std::shared_ptr<CrashDirectory>& directory, const History& history, const Setting& setting) {
  SCOPED_TRACE(directory->describe());
  const auto recovered = RecoveryManager(directory).recover_latest_best_effort();
  ASSERT_TRUE(recovered) << recovered.error();
  EXPECT_EQ(directory->operations(), 0U) << "recovery wrote something";
  EXPECT_EQ(recovered->ignored_checkpoint, std::nullopt) << "a crash damages no checkpoint";
  const std::uint64_t last = recovered->last_entry_id.value();
  ASSERT_GE(last, history.acked) << "acknowledged entries are lost";
  ASSERT_LT(last, history.after.size());
  ASSERT_EQ(recovered->segments, history.after[last]);
  expect_to_go_on(directory, *recovered, setting);
}

void crash_and_check(const Setting& setting) {
  History history;
  crash_everywhere(
      [&](const std::shared_ptr<Directory>& directory) {
        history = {};
        return work(directory, setting, history);
      },
      [&](const auto& left) { check(left, history, setting); });
}

TEST(SegmentIndexCrash, LosesNothingWhereEachCheckpointHasItsName) {
  crash_and_check({.segment_bytes = 200, .one_name = false, .recycle = 0});
}

TEST(SegmentIndexCrash, LosesNothingWhereACheckpointReplacesTheOneBefore) {
  crash_and_check({.segment_bytes = 200, .one_name = true, .recycle = 0});
}

// C7
TEST(SegmentIndexCrash, LosesNothingWhereSegmentsOfTheLogAreRecycled) {
  crash_and_check({.segment_bytes = 200, .one_name = false, .recycle = 2});
}

TEST(SegmentIndexCrash, LosesNothingInALogOfOneSegment) {
  crash_and_check({.segment_bytes = 4096, .one_name = false, .recycle = 0});
}

}  // namespace
}  // namespace durability
