// A repair where there is more to say than 'cut here': of a log that opens all the same, and of one that the
// device cannot read.

#include <fmt/format.h>

#include <gtest/gtest.h>

#include "durability/walog/maintenance.hpp"
#include "durability/walog/repair/salvaging_directory.hpp"
#include "durability/walog/test_support.hpp"

namespace durability::walog {
namespace {

using test::CountingDirectory;
using test::CrashDirectory;
using test::put;
using test::read_strict;
using test::SegmentImage;
using test::succeeded;

constexpr std::uint64_t kBlock = SalvagingDirectory::kBlockBytes;

// a, a sealed | b b b sealed, each as large as a block | c, acknowledged
struct Log {
  SegmentImage one{1};
  SegmentImage two{2, 3};
  SegmentImage three{3, 6};

  Log() {
    one.entry("a").durable(1).entry("a").durable(2).seal();
    for (std::uint64_t id = 3; id <= 5; ++id) two.durable(id - 1).entry(std::string(kBlock, 'b'));
    two.durable(5).seal();
    three.durable(5).entry("c").durable(6).mark();
  }

  [[nodiscard]] std::shared_ptr<CrashDirectory> on_disk() const {
    auto disk = CrashDirectory::make();
    put(*disk, 1, one);
    put(*disk, 2, two);
    put(*disk, 3, three);
    EXPECT_TRUE(disk->sync_directory(""));
    return disk;
  }
};

WalMaintenance maintenance(const std::shared_ptr<Directory>& directory) {
  return WalMaintenance(directory, test::test_options());
}

std::string next_of(const std::shared_ptr<Directory>& directory) {
  const auto writer = test::open_writer(directory);
  return writer ? fmt::to_string((*writer)->next_entry_id()) : writer.error().to_string();
}

// One bit had flipped in a sealed segment. The log opened, took appends, and its last entries could be read;
// the plan offered to cut 3,800 sound entries, as if there were no other way.
TEST(RepairChoice, ALogThatOpensIsCutOnlyForWhoAgreesToLoseWhatIsSound) {
  Log log;
  log.two.flip(log.two.at(1) + 30);
  const auto disk = log.on_disk();
  ASSERT_EQ(next_of(disk), "7");
  const auto plan = maintenance(disk).repair_plan().value().value();
  EXPECT_TRUE(plan.opens);
  EXPECT_EQ(plan.sound_entries_after(), 2U) << plan;
  ASSERT_EQ(plan.sound_after.size(), 2U);
  EXPECT_EQ(plan.sound_after[0].segment, SegmentId(2));
  EXPECT_EQ(plan.sound_after[0].first, EntryId(5));
  EXPECT_EQ(plan.sound_after[1].segment, SegmentId(3));
  EXPECT_NE(plan.to_string().find("sound behind: wal/wal_3.log: entries 6 to 6"), std::string::npos) << plan;

  const auto before = test::snapshot(*disk);
  const auto refused = maintenance(disk).repair(plan);
  ASSERT_TRUE(test::fails_with(refused, ErrorCode::kInvalidState));
  EXPECT_EQ(refused.error().path(), "wal/wal_2.log");
  EXPECT_NE(refused.error().message().find("2 sound entries"), std::string::npos) << refused.error();
  EXPECT_EQ(test::snapshot(*disk), before);
  EXPECT_TRUE(succeeded(maintenance(disk).repair(plan, WalRepairConsent::kThoughItOpens)));
  EXPECT_EQ(next_of(disk), "4");
}

TEST(RepairChoice, NobodyIsAskedWhereTheLogDoesNotOpen) {
  Log log;
  log.three.flip(log.three.at(0) + 24);
  const auto disk = log.on_disk();
  const auto plan = maintenance(disk).repair_plan().value().value();
  EXPECT_FALSE(plan.opens);
  EXPECT_TRUE(plan.sound_after.empty()) << plan;
  EXPECT_TRUE(succeeded(maintenance(disk).repair(plan)));
  EXPECT_EQ(next_of(disk), "6");
}

// A sector could not be read. Opening, listing and verifying failed with EIO, and so did the plan of a
// repair, which was the way out.
TEST(RepairChoice, WhatCannotBeReadIsPlannedAroundAndSaid) {
  const Log log;
  const auto disk = log.on_disk();
  const auto failing = std::make_shared<CountingDirectory>(disk);
  const std::uint64_t hole = log.two.at(1) / kBlock * kBlock + kBlock;  // inside the second entry
  failing->unreadable.push_back({"wal/wal_2.log", hole + 100, 1});
  const auto strict = WalMaintenance(failing).segment_ranges_strict();
  ASSERT_TRUE(test::fails_with(strict, ErrorCode::kIo));
  EXPECT_EQ(strict.error().path(), "wal/wal_2.log");
  EXPECT_EQ(strict.error().offset(), hole + 100);

  const auto planned = maintenance(failing).repair_plan();
  ASSERT_TRUE(planned) << planned.error();
  const WalRepairPlan plan = planned->value();
  EXPECT_EQ(plan.unreadable,
            (std::vector<WalUnreadable>{{.segment = SegmentId(2), .offset = hole, .bytes = kBlock}}));
  EXPECT_EQ(plan.cut_segment, SegmentId(2));
  EXPECT_EQ(plan.next, EntryId(4)) << plan;
  EXPECT_NE(plan.to_string().find("unreadable:   wal/wal_2.log"), std::string::npos) << plan;

  const auto place = maintenance(failing).repair(plan, WalRepairConsent::kThoughItOpens);
  ASSERT_TRUE(succeeded(place));
  EXPECT_TRUE(disk->all_synced()) << disk->describe();
  failing->unreadable.clear();  // the block is no longer the log's
  EXPECT_EQ(next_of(failing), "4");
  Bytes expected = log.two.bytes;
  std::ranges::fill(MutableByteView(expected).subspan(hole, kBlock), std::byte{0});
  EXPECT_EQ(disk->read_file(*place + "/wal_2.log", 1U << 20U).value(), expected) << "all that can be read";
  EXPECT_EQ(as_text(disk->read_file(*place + "/unreadable", 1U << 20U).value()),
            fmt::format("wal_2.log offset {} bytes {}\n", hole, kBlock));
}

TEST(RepairChoice, WhatCannotBeReadAtTheEndIsCutOffThoughItLooksLikeATear) {
  for (const bool sealed : {false, true}) {
    SegmentImage one(1);
    one.entry("a").durable(1).entry("b").durable(2).mark();
    if (sealed) one.seal();
    const std::uint64_t whole = one.bytes.size();
    one.zeros(3 * kBlock);
    const auto disk = CrashDirectory::make();
    put(*disk, 1, one);
    put(*disk, 2, Bytes(2 * kBlock));
    ASSERT_TRUE(disk->sync_directory(""));
    const auto failing = std::make_shared<CountingDirectory>(disk);
    for (const std::string path : {"wal/wal_1.log", "wal/wal_2.log"}) {
      failing->unreadable = {{path, kBlock, 1}};
      ASSERT_FALSE(test::open_writer(failing));
      const auto plan = maintenance(failing).repair_plan();
      ASSERT_TRUE(plan) << plan.error();
      ASSERT_TRUE(*plan) << path;
      EXPECT_EQ((*plan)->code, ErrorCode::kIo) << **plan;
      EXPECT_EQ((*plan)->next, EntryId(3)) << **plan;
      EXPECT_FALSE((*plan)->opens);
    }
    const auto plan = maintenance(failing).repair_plan().value().value();
    ASSERT_TRUE(succeeded(maintenance(failing).repair(plan))) << plan;
    failing->unreadable.clear();
    EXPECT_EQ(read_strict(failing), "a b: ok");
    EXPECT_EQ(next_of(failing), "3");
    EXPECT_GE(test::segment_bytes(*disk, 1).size(), whole);
  }
}

// What was moved away still cannot be read, and what was copied has zeros there: both go back.
TEST(RepairChoice, ARepairOfWhatCannotBeReadIsUndone) {
  Log log;
  log.three = SegmentImage(3, 6);
  log.three.durable(5).entry("c").durable(6).seal();
  SegmentImage four(4, 7);
  four.durable(6).entry(std::string(2 * kBlock, 'd'));
  const auto disk = log.on_disk();
  put(*disk, 4, four);
  const auto failing = std::make_shared<CountingDirectory>(disk);
  failing->unreadable = {{"wal/wal_2.log", 100, 1}, {"wal/wal_4.log", kBlock + 10, 1}};
  const auto plan = maintenance(failing).repair_plan().value().value();
  ASSERT_EQ(plan.unreadable.size(), 2U) << plan;
  ASSERT_TRUE(succeeded(maintenance(failing).repair(plan, WalRepairConsent::kThoughItOpens)));
  failing->unreadable = {{"wal/quarantine/1/wal_4.log", kBlock + 10, 1}};
  EXPECT_TRUE(succeeded(maintenance(failing).undo_repair()));
  EXPECT_EQ(test::segment_bytes(*disk, 4), four.bytes);
  EXPECT_EQ(test::segment_bytes(*disk, 3), log.three.bytes);
  EXPECT_EQ(test::segment_bytes(*disk, 2).size(), log.two.bytes.size());
}

// An error of the disk that comes once is no hole, and is not kept quiet.
TEST(RepairChoice, AnErrorThatDoesNotComeAgainIsReported) {
  const auto faulty = test::FaultyDirectory::make(Log().on_disk());
  faulty->fail({.operation = test::Operation::kRead, .os_error = EIO});
  EXPECT_TRUE(test::fails_with(maintenance(faulty).repair_plan(), ErrorCode::kIo));
}

// A plan to go on with entry 0 was made and followed: "repaired", and the log no longer opened.
TEST(RepairChoice, NoLogGoesOnWithEntry0) {
  Log log;
  log.one.flip(10);
  const auto disk = log.on_disk();
  const auto before = disk->operations();
  WalOptions options = test::test_options();
  options.first_entry_id = EntryId(0);
  const WalMaintenance with_0(disk, options);
  EXPECT_TRUE(test::fails_with(with_0.repair_plan(), ErrorCode::kInvalidConfig));
  EXPECT_TRUE(test::fails_with(with_0.repair(WalRepairPlan{}), ErrorCode::kInvalidConfig));
  EXPECT_EQ(disk->operations(), before) << "nothing is even looked at";
}

TEST(Repair, NeedsStableStorage) {
  const auto memory = MemoryDirectory::make();
  put(*memory, 2, SegmentImage(2).flip(0));
  EXPECT_TRUE(test::fails_with(maintenance(memory).repair({}), ErrorCode::kNotSupported));
  EXPECT_TRUE(test::fails_with(maintenance(memory).undo_repair(), ErrorCode::kNotSupported));
}

// `wal verify /etc`, or DIR/wal by mistake, said: sound, 0 entries.
TEST(Maintenance, SaysWhereThereIsNoLog) {
  const auto directory = CrashDirectory::make();
  const WalMaintenance nowhere(directory);
  ASSERT_TRUE(test::fails_with(nowhere.check_there_is_one(), ErrorCode::kNotFound));
  EXPECT_TRUE(directory->list("").value().empty());
  put(*directory, 1, SegmentImage(1));
  EXPECT_TRUE(succeeded(nowhere.check_there_is_one()));
  const auto inside = CrashDirectory::make();
  ASSERT_TRUE(inside->create("wal_1.log"));
  const auto refused = WalMaintenance(inside).check_there_is_one();
  ASSERT_TRUE(test::fails_with(refused, ErrorCode::kNotFound));
  EXPECT_NE(refused.error().advice().find("in this very directory"), std::string::npos);
}

// wal_4.log was gone. Everything before it was left unread, 0 entries came, and the error named
// wal_5.log.
TEST(Maintenance, AMissingSegmentIsNamedAfterAllThatIsSoundBeforeIt) {
  for (const WalFormat format : {WalFormat::kV2, WalFormat::kV3, WalFormat::kV4}) {
    const auto directory = CrashDirectory::make();
    WalOptions options = test::test_options();
    options.format = format;
    options.segment_bytes = 136;
    auto writer = test::open_writer(directory, options).value();
    for (int i = 0; i < 24; ++i) ASSERT_TRUE(writer->append(as_bytes("e")));
    ASSERT_TRUE(writer->close());
    const auto ranges = WalMaintenance(directory).segment_ranges().value();
    ASSERT_GE(ranges.size(), 4U);
    ASSERT_TRUE(directory->remove_durable("wal/wal_3.log"));
    for (const ReadMode mode : {ReadMode::kStrict, ReadMode::kBestEffort}) {
      std::uint64_t last = 0;
      const auto report = ByteReader(directory).for_each(mode, {}, [&](const WalEntryView& view) {
        last = view.id.value();
        return Result<Flow>(Flow::kContinue);
      });
      ASSERT_FALSE(report);
      EXPECT_EQ(last + 1, ranges[2].first.value());
      EXPECT_EQ(report.error().path(), "wal/wal_3.log");
      EXPECT_EQ(report.error().code(), format == WalFormat::kV4 ? ErrorCode::kCorrupt : ErrorCode::kFormat);
    }
    const auto opened = test::open_writer(directory);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().path(), "wal/wal_3.log");
    const auto inspection = WalMaintenance(directory).inspect().value();
    ASSERT_GE(inspection.segments.size(), ranges.size()) << "and a spare";
    EXPECT_EQ(inspection.segments[1].state, SegmentState::kSealed);
    EXPECT_EQ(inspection.segments[2].state, SegmentState::kMissing);
    EXPECT_EQ(inspection.segments[3].state, SegmentState::kUnread);
  }
}

// A seal is taken on trust, and `sealed` was all that was said of a segment that nobody had read.
TEST(Maintenance, InspectionSaysWhichSegmentsWereReadWhole) {
  const auto disk = Log().on_disk();
  const auto inspection = WalMaintenance(disk).inspect().value();
  EXPECT_FALSE(inspection.segments[0].read_whole);
  EXPECT_FALSE(inspection.segments[1].read_whole);
  EXPECT_TRUE(inspection.segments[2].read_whole);
}

}  // namespace
}  // namespace durability::walog
