#include "durability/walog/repair/repair.hpp"

#include <gtest/gtest.h>

#include "durability/walog/maintenance.hpp"
#include "durability/walog/test_support.hpp"

namespace durability::walog {
namespace {

using test::CrashDirectory;
using test::FaultyDirectory;
using test::Operation;
using test::put;
using test::read_strict;
using test::SegmentImage;
using test::succeeded;

/// Names and contents of everything below `wal/` but the lock, quarantine included.
std::map<std::string, std::string> everything(Directory& directory, const std::string& place = "wal") {
  std::map<std::string, std::string> files;
  const auto names = directory.list(place).value();
  for (const auto& name : names) {
    if (name == ".lock") continue;
    const std::string path = fmt::format("{}/{}", place, name);
    if (directory.do_kind(path).value() == EntryKind::kDirectory) {
      files.merge(everything(directory, path));
    } else {
      files[path] = std::string(as_text(directory.read_file(path, 1U << 30U).value()));
    }
  }
  return files;
}

constexpr auto kConsent = WalRepairConsent::kThoughItOpens;

WalMaintenance maintenance(const std::shared_ptr<Directory>& directory, std::uint64_t first_entry_id = 1) {
  WalOptions options = test::test_options();
  options.first_entry_id = EntryId(first_entry_id);
  return WalMaintenance(directory, options);
}

WalRepairPlan plan_of(const std::shared_ptr<Directory>& directory) {
  return maintenance(directory).repair_plan().value().value();
}

/// Plans and applies; then strict reading yields `expected`, the next entry is `next`, the log goes on, and
/// nothing of what was there is gone. Undoing (of a copy, before it goes on) brings back every byte.
void expect_repaired(const std::shared_ptr<CrashDirectory>& directory, const std::string& expected,
                     std::uint64_t next, std::uint64_t first_entry_id = 1) {
  const auto before = everything(*directory);
  const auto plan = maintenance(directory, first_entry_id).repair_plan();
  ASSERT_TRUE(plan) << plan.error();
  ASSERT_TRUE(*plan) << "nothing to repair";
  EXPECT_EQ(everything(*directory), before) << "planning writes nothing";
  EXPECT_FALSE(directory->exists("wal/.lock").value()) << "and takes no lock";
  EXPECT_EQ((*plan)->next, EntryId(next)) << **plan;
  for (const bool undone : {true, false}) {
    const auto place = maintenance(directory, first_entry_id).repair(**plan, kConsent);
    ASSERT_TRUE(succeeded(place)) << **plan;
    EXPECT_TRUE(!undone || directory->all_synced());
    EXPECT_EQ(read_strict(directory), expected) << **plan;
    EXPECT_FALSE(maintenance(directory).repair_plan().value()) << "nothing is left to repair";
    if (!undone) break;
    EXPECT_TRUE(succeeded(maintenance(directory).undo_repair()));
    EXPECT_EQ(everything(*directory), before) << "undoing brings back every byte";
  }
  const auto writer = test::open_writer(directory);
  ASSERT_TRUE(writer) << writer.error();
  EXPECT_EQ((*writer)->append(as_bytes("new")).value(), EntryId(next));
  EXPECT_TRUE((*writer)->close());
  const auto words = expected.substr(0, expected.size() - std::string(": ok").size());
  EXPECT_EQ(read_strict(directory), (words.empty() ? "new" : words + " new") + ": ok");
  EXPECT_TRUE(test::fails_with(maintenance(directory).undo_repair(), ErrorCode::kInvalidState))
      << "the log has gone on";
}

/// a b sealed | c d e sealed | f g, everything before g acknowledged.
std::vector<SegmentImage> three_segments() {
  SegmentImage one(1);
  one.entry("a").durable(1).entry("b").durable(2).seal();
  SegmentImage two(2, 3);
  two.durable(2).entry("c").entry("d").durable(4).entry("e").durable(5).seal();
  SegmentImage three(3, 6);
  three.durable(5).entry("f").durable(6).entry("g");
  return {one, two, three};
}

std::shared_ptr<CrashDirectory> disk_with(const std::vector<SegmentImage>& images) {
  auto directory = CrashDirectory::make();
  std::uint64_t id = 1;
  for (const SegmentImage& image : images) put(*directory, id++, image);
  EXPECT_TRUE(directory->sync_directory(""));
  return directory;
}

TEST(Repair, HasNothingToDoWhereOpeningMendsWhatThereIs) {
  const auto directory = disk_with(three_segments());
  EXPECT_FALSE(maintenance(directory).repair_plan().value());
  put(*directory, 3, SegmentImage(3, 6).entry("f").raw(as_bytes("torn")));
  EXPECT_FALSE(maintenance(directory).repair_plan().value());
  EXPECT_FALSE(maintenance(CrashDirectory::make()).repair_plan().value());
}

TEST(Repair, CutsAfterTheLastWholeEntryOfADamagedSegment) {
  auto images = three_segments();
  images[1].flip(images[1].at(1) + 24);
  const auto directory = disk_with(images);
  const auto plan = plan_of(directory);
  EXPECT_EQ(plan.code, ErrorCode::kCorrupt);
  EXPECT_EQ(plan.damaged_segment, SegmentId(2));
  EXPECT_EQ(plan.damaged_offset, images[1].at(1));
  EXPECT_EQ(plan.cut_segment, SegmentId(2));
  EXPECT_EQ(plan.cut_offset, images[1].at(1));
  EXPECT_EQ(plan.first_lost, EntryId(4));
  EXPECT_EQ(plan.last_lost_seen, EntryId(7));
  EXPECT_EQ(plan.acknowledged, EntryId(6)) << "entry g says that f is durable";
  EXPECT_EQ(plan.files.size(), 2U);
  expect_repaired(directory, "a b c: ok", 4);
  EXPECT_EQ(test::segment_bytes(*directory, 2).size(), images[1].at(1) + v4::kSealBytes);
}

TEST(Repair, CutsAtAnAcknowledgedEntryOfTheFinalSegment) {
  auto images = three_segments();
  images[2].flip(images[2].at(0) + 24);
  const auto directory = disk_with(images);
  const auto plan = plan_of(directory);
  EXPECT_EQ(plan.first_lost, EntryId(6));
  EXPECT_EQ(plan.last_lost_seen, EntryId(7));
  EXPECT_EQ(plan.acknowledged, EntryId(6));
  expect_repaired(directory, "a b c d e: ok", 6);
}

TEST(Repair, CutsBeforeAnAtomicBatchOfWhichAPartIsDamaged) {
  SegmentImage one(1);
  one.entry("a").part("b").part("c").entry("d").durable(4).mark();
  one.flip(one.at(2) + 24);
  const auto directory = disk_with({one});
  const auto plan = plan_of(directory);
  EXPECT_EQ(plan.damaged_offset, one.at(2));
  EXPECT_EQ(plan.cut_offset, one.at(1));
  EXPECT_EQ(plan.acknowledged, EntryId(4));
  expect_repaired(directory, "a: ok", 2);
}

TEST(Repair, WritesTheLostHeaderOfTheSegmentItCuts) {
  auto images = three_segments();
  for (std::size_t i = 0; i < 8; ++i) images[2].flip(i);
  images[2].durable(7).mark().flip(images[2].at(1) + 24);
  expect_repaired(disk_with(images), "a b c d e f: ok", 7);
}

TEST(Repair, EndsTheLogAtAMissingSegment) {
  auto directory = disk_with(three_segments());
  ASSERT_TRUE(directory->remove_durable("wal/wal_2.log"));
  const auto plan = plan_of(directory);
  EXPECT_EQ(plan.cut_segment, SegmentId(2));
  EXPECT_EQ(plan.first_lost, EntryId(3));
  EXPECT_EQ(plan.last_lost_seen, EntryId(7));
  EXPECT_EQ(plan.acknowledged, EntryId(6));
  expect_repaired(directory, "a b: ok", 3);
}

TEST(Repair, EndsTheLogAtAForeignSegment) {
  auto images = three_segments();
  images[1] = SegmentImage(2, 3, test::log_id_from(100));
  images[1].entry("x").seal();
  const auto directory = disk_with(images);
  EXPECT_EQ(plan_of(directory).last_lost_seen, EntryId(7));
  expect_repaired(directory, "a b: ok", 3);
}

TEST(Repair, MakesTheMissingSegmentAfterASeal) {
  auto images = three_segments();
  images.pop_back();
  const auto directory = disk_with(images);
  const auto plan = plan_of(directory);
  ASSERT_EQ(plan.files.size(), 1U);
  EXPECT_EQ(plan.files[0], (WalRepairFile{.segment = SegmentId(3), .before = {}, .bytes_after = 0}));
  EXPECT_EQ(plan.first_lost, EntryId(6));
  EXPECT_FALSE(plan.last_lost_seen);
  EXPECT_FALSE(plan.acknowledged);
  expect_repaired(directory, "a b c d e: ok", 6);
}

TEST(Repair, TakesAwaySpareSegmentsThatAreTooMany) {
  for (const std::uint64_t spares : {2U, 3U, 5U}) {
    const auto directory = disk_with(three_segments());
    for (std::uint64_t i = 0; i < spares; ++i) put(*directory, 4 + i, Bytes(100));
    SCOPED_TRACE(spares);
    expect_repaired(directory, "a b c d e f g: ok", 8);
  }
}

// The fuzz target wal_resume found a log with a spare whose number skips ahead: opening refused it, and the
// plan said that it opens as it is.
TEST(Repair, TakesAwayASpareAfterAGap) {
  const auto directory = disk_with(three_segments());
  put(*directory, 9, Bytes(10));
  EXPECT_TRUE(test::fails_with(test::open_writer(directory), ErrorCode::kCorrupt));
  ASSERT_TRUE(directory->remove_durable("wal/.lock"));
  expect_repaired(directory, "a b c d e f g: ok", 8);
}

TEST(Repair, CutsBytesAfterASealWithTheSegmentsThatFollow) {
  auto images = three_segments();
  images[1].raw(as_bytes("after the seal!"));
  expect_repaired(disk_with(images), "a b c d e: ok", 6);
}

// Ids must never begin at 1 again only because the first file is damaged.
TEST(Repair, OfALogWithoutItsBeginningIsRefusedUntilItIsSaidWhereItGoesOn) {
  const auto directory = CrashDirectory::make();
  put(*directory, 5, SegmentImage(5, 400).entry("a").durable(400).entry("b").flip(0));
  ASSERT_TRUE(directory->sync_directory(""));
  const auto before = everything(*directory);
  const auto refused = maintenance(directory).repair_plan();
  ASSERT_TRUE(test::fails_with(refused, ErrorCode::kInvalidState));
  EXPECT_EQ(refused.error().path(), "wal/wal_5.log");
  EXPECT_EQ(everything(*directory), before);
  const auto plan = maintenance(directory, 402).repair_plan().value().value();
  EXPECT_FALSE(plan.first_lost);
  expect_repaired(directory, ": ok", 402, 402);
}

TEST(Repair, OfALogWhoseNumberOneIsAnotherFileIsRefused) {
  const auto directory = CrashDirectory::make();
  put(*directory, 1, SegmentImage(1, 400).entry("a"));
  EXPECT_TRUE(test::fails_with(maintenance(directory).repair_plan(), ErrorCode::kInvalidState));
  put(*directory, 1, SegmentImage(2, 400).entry("a"));
  EXPECT_TRUE(test::fails_with(maintenance(directory).repair_plan(), ErrorCode::kInvalidState));
  ASSERT_TRUE(directory->sync_directory(""));
  expect_repaired(directory, ": ok", 401, 401);
}

TEST(Repair, BeginsALogAnewWhoseFirstHeaderIsDamaged) {
  auto images = three_segments();
  images[0].flip(30);
  const auto directory = disk_with(images);
  const auto plan = plan_of(directory);
  EXPECT_EQ(plan.first_lost, EntryId(1));
  EXPECT_EQ(plan.acknowledged, EntryId(6));
  expect_repaired(directory, ": ok", 1);
}

TEST(Repair, BeginsALogAnewThatIsNothingButZeros) {
  const auto directory = CrashDirectory::make();
  put(*directory, 1, Bytes(100));
  put(*directory, 2, Bytes(100));
  ASSERT_TRUE(directory->sync_directory(""));
  expect_repaired(directory, ": ok", 1);
}

TEST(Repair, DoesOnlyWhatThePlanSays) {
  auto images = three_segments();
  images[1].flip(images[1].at(1) + 24);
  const auto directory = disk_with(images);
  const auto plan = plan_of(directory);
  auto other = plan;
  other.cut_offset = 64;
  const auto refuse = [&](const WalRepairPlan& refused) {
    const auto before = everything(*directory);
    EXPECT_TRUE(test::fails_with(maintenance(directory).repair(refused, kConsent), ErrorCode::kInvalidState));
    EXPECT_EQ(everything(*directory), before);
  };
  refuse(other);
  images[0].flip(images[0].at(0) + 24);  // the damage is elsewhere now
  put(*directory, 1, images[0]);
  refuse(plan);
  images[0].flip(images[0].at(0) + 24);
  put(*directory, 1, images[0]);
  put(*directory, 4, Bytes(8));
  refuse(plan);
  ASSERT_TRUE(directory->remove_durable("wal/wal_4.log"));
  EXPECT_TRUE(succeeded(maintenance(directory).repair(plan, kConsent)));
  refuse(plan);
}

TEST(Repair, OfWhatIsNotThereMakesNothing) {
  const auto directory = CrashDirectory::make();
  EXPECT_TRUE(test::fails_with(maintenance(directory).repair({}), ErrorCode::kInvalidState));
  EXPECT_TRUE(test::fails_with(maintenance(directory).undo_repair(), ErrorCode::kNotFound));
  EXPECT_TRUE(directory->list("").value().empty());
}

TEST(Repair, IsRefusedBesideAWriter) {
  const auto directory = disk_with(three_segments());
  const auto writer = test::open_writer(directory).value();
  put(*directory, 1, SegmentImage(1).flip(0));
  const auto plan = plan_of(directory);
  EXPECT_TRUE(test::fails_with(maintenance(directory).repair(plan, kConsent), ErrorCode::kLockFailed));
}

// A second repair has a quarantine of its own, and they are undone one after the other.
TEST(Repair, CanBeDoneAgainAndUndoneStepByStep) {
  auto images = three_segments();
  images[2].flip(images[2].at(0) + 24);
  const auto directory = disk_with(images);
  const auto first = everything(*directory);
  EXPECT_EQ(maintenance(directory).repair(plan_of(directory), kConsent).value(), "wal/quarantine/1");
  const auto file = directory->open("wal/wal_1.log", OpenMode::kReadWrite).value();
  ASSERT_TRUE(file->write_at(images[0].at(1) + 24, as_bytes("X")));
  ASSERT_TRUE(file->sync_data());
  const auto second = everything(*directory);
  EXPECT_EQ(maintenance(directory).repair(plan_of(directory), kConsent).value(), "wal/quarantine/2");
  EXPECT_EQ(read_strict(directory), "a: ok");
  EXPECT_EQ(maintenance(directory).undo_repair().value(), "wal/quarantine/2");
  EXPECT_EQ(everything(*directory), second);
  EXPECT_TRUE(test::fails_with(maintenance(directory).undo_repair(), ErrorCode::kInvalidState))
      << "wal_1.log is not what the first repair kept";
  put(*directory, 1, images[0]);
  EXPECT_EQ(maintenance(directory).undo_repair().value(), "wal/quarantine/1");
  EXPECT_EQ(everything(*directory), first);
}

TEST(Repair, IsNotUndoneFromADamagedQuarantine) {
  auto images = three_segments();
  images[1].flip(images[1].at(1) + 24);
  for (const std::string name : {"wal_2.log", "wal_3.log", "record"}) {
    const auto directory = disk_with(images);
    ASSERT_TRUE(succeeded(maintenance(directory).repair(plan_of(directory), kConsent)));
    const auto file = directory->open("wal/quarantine/1/" + name, OpenMode::kReadWrite).value();
    ASSERT_TRUE(file->write_at(17, as_bytes("X")));
    const auto before = everything(*directory);
    const auto undone = maintenance(directory).undo_repair();
    ASSERT_FALSE(undone) << name;
    EXPECT_EQ(undone.error().path(), "wal/quarantine/1/" + name);
    EXPECT_EQ(everything(*directory), before);
  }
}

// What stands in quarantine is no part of the log, for nobody.
TEST(Repair, LeavesAQuarantineThatNoReaderSees) {
  auto images = three_segments();
  images[1].flip(images[1].at(1) + 24);
  const auto directory = disk_with(images);
  ASSERT_TRUE(succeeded(maintenance(directory).repair(plan_of(directory), kConsent)));
  EXPECT_EQ(maintenance(directory).segment_ranges().value().size(), 2U);
  EXPECT_EQ(maintenance(directory).inspect().value().segments.size(), 3U);
  const auto quarantined = everything(*directory, "wal/quarantine");
  const auto writer = test::open_writer(directory).value();
  EXPECT_EQ(writer->next_entry_id(), EntryId(4));
  EXPECT_TRUE(writer->truncate_prefix(*writer->durable_id()));
  EXPECT_TRUE(writer->close());
  EXPECT_EQ(everything(*directory, "wal/quarantine"), quarantined);
}

// Versions 2 and 3: a torn group is taken for damage there, and this is the way out.

class OldVersions : public ::testing::TestWithParam<WalFormat> {
 protected:
  void SetUp() override {
    WalOptions options = test::test_options();
    options.format = GetParam();
    options.segment_bytes = 128;  // 24 + 5 × 20, so five entries each
    auto writer = test::open_writer(directory_, options).value();
    for (const char* text : {"aaaa", "bbbb", "cccc", "dddd", "eeee", "ffff", "gggg"}) {
      ASSERT_TRUE(writer->append(as_bytes(text)));
    }
    ASSERT_TRUE(writer->close());
    ASSERT_TRUE(directory_->sync_directory(""));
    ASSERT_TRUE(directory_->remove("wal/.lock"));
    ASSERT_TRUE(directory_->sync_directory("wal"));
    ASSERT_EQ(directory_->list("wal").value().size(), 2U);
  }
  void flip(std::uint64_t segment, std::size_t offset) {
    Bytes bytes = test::segment_bytes(*directory_, segment);
    bytes.at(offset) ^= std::byte{1};
    put(*directory_, segment, bytes);
  }
  std::shared_ptr<CrashDirectory> directory_ = CrashDirectory::make();
};

TEST_P(OldVersions, AreCutAtAnEntryWhoseChecksumDiffers) {
  flip(1, 24 + 20 + 20 + 16);
  const auto plan = plan_of(directory_);
  EXPECT_EQ(plan.code, ErrorCode::kCrcMismatch);
  EXPECT_EQ(plan.cut_offset, 24U + 40U);
  EXPECT_EQ(plan.first_lost, EntryId(3));
  EXPECT_EQ(plan.last_lost_seen, EntryId(7));
  EXPECT_FALSE(plan.acknowledged);
  EXPECT_NE(plan.to_string().find("unknown"), std::string::npos);
  expect_repaired(directory_, "aaaa bbbb: ok", 3);
  EXPECT_EQ(plan.format, GetParam());
}

TEST_P(OldVersions, AreCutAtADamagedEntryOfTheFinalSegment) {
  flip(2, 24 + 16);
  EXPECT_EQ(plan_of(directory_).last_lost_seen, EntryId(7));
  expect_repaired(directory_, "aaaa bbbb cccc dddd eeee: ok", 6);
}

TEST_P(OldVersions, GetAHeaderInPlaceOfADamagedOne) {
  flip(2, 0);
  const auto plan = plan_of(directory_);
  EXPECT_EQ(plan.cut_segment, SegmentId(2));
  EXPECT_EQ(plan.cut_offset, 0U);
  EXPECT_EQ(plan.files[0].bytes_after, 24U);
  expect_repaired(directory_, "aaaa bbbb cccc dddd eeee: ok", 6);
}

TEST_P(OldVersions, GetAHeaderInPlaceOfAMissingSegment) {
  put(*directory_, 4, test::segment_bytes(*directory_, 2));
  ASSERT_TRUE(directory_->remove_durable("wal/wal_2.log"));
  expect_repaired(directory_, "aaaa bbbb cccc dddd eeee: ok", 6);
}

// Such a log has damage after its last segment, and a torn tail in it besides: where only the first was
// mended, strict reading stopped at the second, which was now before another segment.
TEST_P(OldVersions, AreCutAtTheirTornTailToWhereSparesAreWrong) {
  Bytes torn = test::segment_bytes(*directory_, 2);
  torn.pop_back();
  put(*directory_, 2, torn);
  for (const std::uint64_t id : {3U, 4U, 5U}) put(*directory_, id, Bytes(10));
  expect_repaired(directory_, "aaaa bbbb cccc dddd eeee ffff: ok", 7);
}

TEST_P(OldVersions, BeginAnewInTheirOwnVersionWhereTheFirstHeaderIsDamaged) {
  flip(1, 0);
  EXPECT_EQ(plan_of(directory_).format, GetParam()) << "the second segment states it";
  expect_repaired(directory_, ": ok", 1);
}

TEST_P(OldVersions, LoneTornSegmentGoesOnWhereItIsSaidTo) {
  ASSERT_TRUE(directory_->remove_durable("wal/wal_1.log"));
  put(*directory_, 2, Bytes(7));
  EXPECT_TRUE(test::fails_with(maintenance(directory_).repair_plan(), ErrorCode::kInvalidState));
  expect_repaired(directory_, ": ok", 50, 50);
}

INSTANTIATE_TEST_SUITE_P(Repair, OldVersions, ::testing::Values(WalFormat::kV2, WalFormat::kV3),
                         [](const auto& format) {
                           return "V" + std::to_string(static_cast<int>(format.param));
                         });

// A log of several versions: version 4 after version 3 takes a new log_id.
TEST(Repair, OfSeveralVersionsEndsInTheOneThatIsLeft) {
  const std::string a(40, 'a');
  const std::string b(40, 'b');
  for (const std::uint64_t damaged : {1U, 2U}) {
    const auto directory = CrashDirectory::make();
    WalOptions options = test::test_options();
    options.format = WalFormat::kV3;
    options.segment_bytes = 136;
    auto writer = test::open_writer(directory, options).value();
    for (const char* text : {"a", "b"}) ASSERT_TRUE(writer->append(Bytes(40, as_bytes(text)[0])));
    ASSERT_TRUE(writer->close());
    writer.reset();
    options.format = WalFormat::kV4;
    writer = test::open_writer(directory, options).value();
    ASSERT_TRUE(writer->append(as_bytes("cccc")));
    ASSERT_TRUE(writer->flush_and_sync());
    ASSERT_TRUE(writer->close());
    writer.reset();
    ASSERT_TRUE(directory->sync_directory(""));
    ASSERT_TRUE(directory->remove_durable("wal/.lock"));
    Bytes bytes = test::segment_bytes(*directory, damaged);
    bytes.at(damaged == 1 ? 24 + 56 + 16 : 40) ^= std::byte{1};
    put(*directory, damaged, bytes);
    SCOPED_TRACE(damaged);
    expect_repaired(directory, damaged == 1 ? fmt::format("{}: ok", a) : fmt::format("{} {}: ok", a, b),
                    damaged == 1 ? 2 : 3);
  }
}

// A failing disk: whatever call fails, the log is what it was, or can be repaired or undone afterwards.
TEST(Repair, LosesNothingOnADiskThatFails) {
  auto images = three_segments();
  images[1].flip(images[1].at(1) + 24);
  for (std::uint64_t call = 0;; ++call) {
    const auto disk = disk_with(images);
    const auto before = everything(*disk);
    const auto faulty = FaultyDirectory::make(disk);
    const auto plan = plan_of(disk);
    faulty->fail({.after = call, .repeat = durability::testing::Repeat::kSticky});
    if (maintenance(faulty).repair(plan, kConsent)) break;
    faulty->mend();
    const auto again = maintenance(faulty).repair_plan();
    ASSERT_TRUE(again) << again.error();
    if (maintenance(faulty).undo_repair()) {
      EXPECT_EQ(test::segment_bytes(*disk, 2), images[1].bytes);
    }
    const auto third = maintenance(faulty).repair_plan().value();
    ASSERT_TRUE(third) << "call " << call;
    EXPECT_EQ(*third, plan) << "call " << call;
    EXPECT_TRUE(succeeded(maintenance(faulty).repair(*third, kConsent)));
    EXPECT_EQ(read_strict(disk), "a b c: ok");
    EXPECT_TRUE(succeeded(maintenance(faulty).undo_repair()));
    EXPECT_EQ(everything(*disk), before) << "call " << call;
    ASSERT_LT(call, 1000U);
  }
}

}  // namespace
}  // namespace durability::walog
