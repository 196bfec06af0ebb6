// Deleted segments that become spares.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "durability/testing/crash_directory.hpp"
#include "durability/testing/faulty_directory.hpp"
#include "durability/testing/manual_worker.hpp"
#include "durability/testing/random.hpp"
#include "durability/walog/reader.hpp"
#include "durability/walog/writer.hpp"

namespace durability::walog {
namespace {

using durability::testing::CrashDirectory;
using durability::testing::FaultyDirectory;
using durability::testing::ManualWorker;
using Writer = WalWriter<std::string>;

/// Takes what a cut leaves unflushed without a word.
class SilentObserver final : public WalObserver {};

WalOptions options(std::size_t recycle, WalFormat format = WalFormat::kV4) {
  WalOptions options;
  options.format = format;
  options.observer = std::make_shared<SilentObserver>();
  options.segment_bytes = 256;
  options.recycle_segments = recycle;
  options.worker = std::make_shared<ManualWorker>();
  options.random = std::make_shared<durability::testing::SeededRandom>(7);
  return options;
}

void fill_segments(Writer& wal, int entries) {
  for (int i = 0; i < entries; ++i) ASSERT_TRUE(wal.append("an entry of some length"));
}

int position(const std::vector<std::string>& changes, std::string_view begins, int from = 0) {
  for (int i = from; i < static_cast<int>(changes.size()); ++i) {
    if (changes[static_cast<std::size_t>(i)].starts_with(begins)) return i;
  }
  return -1;
}

// V14: a recycled file was zeroed before its renaming was durable; a power cut brought its old name back, and
// with it a segment of zeros in the middle of the log.
TEST(Recycling, AFileIsZeroedOnlyOnceItsOldNameIsDurablyGone) {
  const auto faulty = FaultyDirectory::make(CrashDirectory::make());
  const WalOptions how = options(1);
  auto wal = Writer::open(faulty, how).value();
  fill_segments(wal, 8);
  const DurableId durable = wal.flush_and_sync().value();
  faulty->clear_log();
  ASSERT_FALSE(wal.truncate_prefix(durable)->deleted.empty());
  fill_segments(wal, 12);
  ASSERT_TRUE(wal.flush_and_sync());
  const auto changes = faulty->changes();
  const int renamed = position(changes, "rename wal/wal_1.log -> wal/wal_1.log.");
  const int synced = position(changes, "sync_directory wal", renamed);
  const int zeroed = position(changes, "preallocate wal/wal_1.log.", renamed);
  const int file_synced = position(changes, "sync_data wal/wal_1.log.", zeroed);
  const int renamed_again = position(changes, "rename wal/wal_1.log.", renamed + 1);
  ASSERT_GE(renamed, 0);
  EXPECT_LT(renamed, synced);
  EXPECT_LT(synced, zeroed);
  EXPECT_LT(zeroed, file_synced);
  EXPECT_LT(file_synced, renamed_again);
  EXPECT_LT(renamed_again, position(changes, "sync_directory wal", renamed_again));
  ASSERT_TRUE(wal.close());
}

// V27: a segment that an earlier run of version 4 left was used again. A power cut may show its old header in
// place of the new one, and that is another log's: the log was refused.
TEST(Recycling, ASegmentOfAnEarlierRunOfVersion4IsDeletedAndNotUsedAgain) {
  const auto faulty = FaultyDirectory::make(CrashDirectory::make());
  for (const WalFormat format : {WalFormat::kV4, WalFormat::kV3}) {
    auto wal = Writer::open(faulty, options(8, format)).value();
    fill_segments(wal, 8);
    ASSERT_TRUE(wal.close());
  }
  WalOptions how = options(8);
  how.random = std::make_shared<durability::testing::SeededRandom>(8);  // the new run's log_id
  auto wal = Writer::open(faulty, how).value();
  fill_segments(wal, 20);
  const DurableId durable = wal.flush_and_sync().value();
  faulty->clear_log();
  ASSERT_GE(wal.truncate_prefix(durable)->deleted.size(), 4U);
  const auto changes = faulty->changes();
  EXPECT_EQ(position(changes, "rename wal/wal_1.log"), -1) << "of the first run";
  EXPECT_GE(position(changes, "remove_file wal/wal_1.log"), 0);
  EXPECT_GE(position(changes, "rename wal/wal_"), 0) << "those of this run are used again";
  ASSERT_TRUE(wal.close());
}

TEST(Recycling, KeepsNoMoreFilesThanItWasTold) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  auto wal = Writer::open(directory, options(2)).value();
  fill_segments(wal, 40);
  ASSERT_TRUE(wal.truncate_prefix(wal.flush_and_sync().value()));
  const auto names = directory->list("wal").value();
  EXPECT_EQ(std::ranges::count_if(names, [](const auto& n) { return Directory::is_temporary_name(n); }), 2);
  ASSERT_TRUE(wal.close());
  const auto after = directory->list("wal").value();
  EXPECT_EQ(std::ranges::count_if(after, [](const auto& n) { return Directory::is_temporary_name(n); }), 0);
}

// C4: a recycled file that somebody had deleted was silently replaced by a fresh one.
TEST(Recycling, AFileThatIsGoneIsReportedAndNothingAcknowledgedIsLost) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  std::uint64_t acknowledged = 0;
  {
    auto wal = Writer::open(directory, options(1)).value();
    fill_segments(wal, 8);
    const DurableId durable = wal.flush_and_sync().value();
    ASSERT_TRUE(wal.truncate_prefix(durable));
    const auto names = directory->list("wal").value();
    const auto kept =
        std::ranges::find_if(names, [](const auto& n) { return Directory::is_temporary_name(n); });
    ASSERT_NE(kept, names.end());
    ASSERT_TRUE(directory->remove("wal/" + *kept));

    Status appended;
    for (int i = 0; i < 20 && appended; ++i) {
      if (const auto id = wal.append("an entry of some length"); !id) appended = id.error();
      if (const auto synced = appended ? wal.flush_and_sync() : durable) acknowledged = synced->value();
    }
    ASSERT_FALSE(appended) << "no segment was needed";
    EXPECT_EQ(appended.error().code(), ErrorCode::kNotFound) << appended.error();
    EXPECT_EQ(appended.error().path(), "wal/" + *kept);
    EXPECT_EQ(wal.append("more").error().code(), ErrorCode::kPoisoned);
  }
  auto wal = Writer::open(directory, options(1));
  ASSERT_TRUE(wal) << wal.error();
  EXPECT_GE(wal->last_entry_id().value(), acknowledged);
  EXPECT_TRUE(wal->append("on"));
}

// A reader had the last segment open when the writer rotated, truncated and recycled it: the reader then read
// zeros, took them for the log's end, and said so, though acknowledged entries followed. Found by
// LiveReader.NeverTakesAWritersProgressForDamage, seed 33735.
TEST(Recycling, AReaderWhoseSegmentIsRecycledUnderItDoesNotTakeTheZerosForTheEnd) {
  // Before which of the reader's operations, and how many entries later the file is the spare.
  for (std::uint64_t moment = 0; moment < 12 * 20; ++moment) {
    SCOPED_TRACE(moment);
    const auto directory = CrashDirectory::make();
    const WalOptions how = options(4);
    auto wal = Writer::open(directory, how).value();
    fill_segments(wal, 4);
    ASSERT_EQ(wal.segment_id(), SegmentId(2));
    ASSERT_TRUE(wal.flush_and_sync());
    const auto beside = FaultyDirectory::make(directory);
    beside->set_hook([&](const durability::testing::OperationRecord& record) {
      if (record.number == moment / 20) {
        fill_segments(wal, 8);
        EXPECT_FALSE(wal.truncate_prefix(wal.flush_and_sync().value())->deleted.empty());
        fill_segments(wal, static_cast<int>(moment % 20));
        static_cast<ManualWorker&>(*how.worker).run_all();
      }
      return std::optional<durability::testing::Injection>();
    });
    const auto read =
        WalReader<std::string>(beside).for_each(ReadMode::kBestEffort, [](EntryId, const std::string&) {});
    EXPECT_TRUE(!read || read->next.value() > 4) << "acknowledged entries were passed over";
    EXPECT_TRUE(read || read.error().code() == ErrorCode::kTruncatedAway) << read.error();
  }
}

/// Appends, syncs and truncates with one recycled file, until the directory's crash stops it. Yields what was
/// acknowledged.
std::uint64_t append_and_truncate(const std::shared_ptr<Directory>& directory, WalFormat format) {
  std::uint64_t acknowledged = 0;
  std::uint64_t appended = 0;
  auto wal = Writer::open(directory, options(1, format));
  if (!wal) return 0;
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 6; ++i) {
      if (wal->append(fmt::format("entry {}", appended + 1))) ++appended;
    }
    const auto durable = wal->flush_and_sync();
    if (!durable) break;
    acknowledged = durable->value();
    if (!wal->truncate_prefix(*durable)) break;
  }
  return acknowledged;
}

/// The log reads without a gap, holds what was acknowledged, and opens at the same entry.
void expect_opens(const std::shared_ptr<CrashDirectory>& disk, std::uint64_t acknowledged, WalFormat format) {
  std::uint64_t next = 0;
  const auto read =
      WalReader<std::string>(disk).for_each(ReadMode::kBestEffort, [&](EntryId id, const std::string& text) {
        EXPECT_TRUE(next == 0 || id.value() == next);
        EXPECT_EQ(text, fmt::format("entry {}", id));
        next = id.value() + 1;
      });
  ASSERT_TRUE(read) << read.error() << '\n' << disk->describe();
  EXPECT_GT(read->next.value(), acknowledged);
  const auto wal = Writer::open(disk, options(1, format));
  ASSERT_TRUE(wal) << wal.error() << '\n' << disk->describe();
  EXPECT_EQ(wal->next_entry_id(), read->next);
}

void crash_at_each_step(const durability::testing::CrashProfile& profile, std::uint64_t seeds,
                        WalFormat format) {
  std::uint64_t cut = 0;
  for (bool was_cut = true; was_cut; ++cut) {
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
      SCOPED_TRACE(fmt::format("cut {} profile {} seed {}", cut, profile.name, seed));
      const auto crash = CrashDirectory::make({.sector_bytes = 64}).value();
      crash->cut_after(cut);
      const std::uint64_t acknowledged = append_and_truncate(crash, format);
      was_cut = crash->operations() > cut;
      durability::testing::RandomChooser chooser(seed);
      expect_opens(crash->after_power_cut(profile, chooser), acknowledged, format);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
  EXPECT_GT(cut, 30U) << "no step was crashed";
}

// V13: old frames past the tail of a recycled file must never come back; each step may be the last.
TEST(Recycling, SurvivesACrashAtEachStep) {
  for (const auto& profile : durability::testing::kAllCrashProfiles)
    crash_at_each_step(profile, 6, WalFormat::kV4);
}

// F3: the crate renames an old segment to the next one's name, and writes the new header after that. A crash
// in between left a segment with another's header, and every open failed from then on.
TEST(Recycling, ACrashBetweenRenamingAndTheNewHeaderLeavesALogThatOpens) {
  const auto profile = durability::testing::CrashProfile::ordered();
  for (const WalFormat format : {WalFormat::kV2, WalFormat::kV3}) crash_at_each_step(profile, 6, format);
}

}  // namespace
}  // namespace durability::walog
