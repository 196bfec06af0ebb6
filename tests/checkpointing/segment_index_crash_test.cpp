// A segment index: segments come, are merged, lose documents, and checkpoints are published, each
// under a name of its own or all under one. Crashed at each operation, under every profile, RecoveryManager
// must find
//   - the state after some prefix of what was appended, every acknowledged entry in it
//   - by itself: the log names the checkpoint to begin with, or is whole
// and a program goes on from it.

#include <gtest/gtest.h>

#include <iostream>
#include <string>
#include <vector>

#include "durability/segment_index/publish_checkpoint.hpp"
#include "durability/segment_index/recovery_manager.hpp"
#include "durability/testing/explorer.hpp"
#include "durability/testing/manual_clock.hpp"
#include "durability/testing/manual_worker.hpp"
#include "durability/testing/random.hpp"
#include "durability/walog/writer.hpp"

namespace durability {
namespace {

using segment_index::AddSegment;
using segment_index::DeleteDocuments;
using segment_index::EndMerge;

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
  WalOptions options;
  options.segment_bytes = setting.segment_bytes;
  options.worker = std::make_shared<testing::ManualWorker>();
  options.clock = std::make_shared<testing::ManualClock>();
  options.random = std::make_shared<testing::SeededRandom>(7);
  options.observer = std::make_shared<WalObserver>();  // hears, quietly, what a killed writer dropped
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

std::string text_of(const Error& error) {
  const std::string text = error.to_string();
  return text.find("injected:") == std::string::npos ? text : "";  // by the cut
}

class IndexSubject final : public testing::CrashSubject {
 public:
  explicit IndexSubject(const Setting& setting) : setting_(setting) {}

  std::string work(testing::Machine& machine) override {
    const Status done = durability::work(machine.directory(), setting_, history_);
    return done ? "" : text_of(done.error());
  }

  std::string recover(testing::Machine& machine, const testing::Crash& crash) override {
    const std::uint64_t before = machine.directory()->fingerprint();
    const auto recovered = RecoveryManager(machine.directory()).recover_latest_best_effort();
    if (!recovered) return text_of(recovered.error());
    if (machine.directory()->fingerprint() != before) return "recovery wrote something";
    if (recovered->ignored_checkpoint) return "a crash damages no checkpoint";
    const std::uint64_t last = recovered->last_entry_id.value();
    if (last < history_.acked)
      return fmt::format("entry {} was acknowledged, {} is the last", history_.acked, last);
    if (last >= history_.after.size()) return "there is more than was appended";
    if (recovered->segments != history_.after[last]) return "the state is not the one after its last entry";
    if (!crash.killed()) history_.acked = last;  // what a power cut left is on the disk
    const Status gone_on = go_on(machine.directory(), *recovered, crash.number);
    return gone_on ? wrong_ : text_of(gone_on.error());
  }

  [[nodiscard]] std::unique_ptr<CrashSubject> clone() const override {
    return std::make_unique<IndexSubject>(*this);
  }
  [[nodiscard]] std::string name() const override {
    return fmt::format("index {} {} {}", setting_.segment_bytes, setting_.one_name, setting_.recycle);
  }

 private:
  Status go_on(const std::shared_ptr<Directory>& directory, const RecoveredState& found, int crash) {
    DURABILITY_TRY_ASSIGN(auto wal, WalWriter<WalEntry>::open(directory, options(setting_)));
    history_.after.resize(found.last_entry_id.value() + 1);
    history_.acked = found.last_entry_id.value();
    const RecoveryManager manager(directory);
    DURABILITY_TRY_ASSIGN(const auto again,
                          manager.recover_latest());  // the writer mended what it would mind
    if (again.segments != found.segments) wrong_ = "recovering twice gives another state";
    const std::string path = fmt::format("after crash {}.ckpt", crash);
    DURABILITY_TRY(append(wal, history_, AddSegment{1000U + static_cast<unsigned>(crash), 1}));
    DURABILITY_TRY(publish(directory, wal, history_, path));
    DURABILITY_TRY_ASSIGN(const auto last, manager.recover_latest());
    if (last.segments != history_.after.back()) wrong_ = "what was published is not what is recovered";
    if (last.checkpoint != path) wrong_ = "the newest checkpoint is not taken";
    return {};
  }

  Setting setting_;
  History history_;
  std::string wrong_;
};

void crash_and_check(const Setting& setting) {
  testing::ExplorerOptions options{.exhaustive_states = 10, .samples = 4};
  options.disk = {.sector_bytes = 64, .blocks_remember = false};
  testing::Explorer explorer(std::move(options));
  explorer.explore(IndexSubject(setting));
  EXPECT_EQ(explorer.failure(), "");
  std::cout << explorer.report();
}

TEST(SegmentIndexCrash, LosesNothingWhereEachCheckpointHasItsName) {
  crash_and_check({.segment_bytes = 200, .one_name = false, .recycle = 0});
}

TEST(SegmentIndexCrash, LosesNothingWhereACheckpointReplacesTheOneBefore) {
  crash_and_check({.segment_bytes = 200, .one_name = true, .recycle = 0});
}

// C7: the deletes of a merge, in a log whose segments are recycled.
TEST(SegmentIndexCrash, LosesNothingWhereSegmentsOfTheLogAreRecycled) {
  crash_and_check({.segment_bytes = 200, .one_name = false, .recycle = 2});
}

TEST(SegmentIndexCrash, LosesNothingInALogOfOneSegment) {
  crash_and_check({.segment_bytes = 4096, .one_name = false, .recycle = 0});
}

}  // namespace
}  // namespace durability
