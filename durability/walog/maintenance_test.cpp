#include "durability/walog/maintenance.hpp"

#include <gtest/gtest.h>

#include "durability/walog/test_support.hpp"

namespace durability::walog {
namespace {

using test::CountingDirectory;
using test::CrashDirectory;
using test::fails_with;
using test::open_writer;
using test::put;
using test::SegmentImage;

WalOptions megabyte_segments() {
  WalOptions options = test::test_options();
  options.segment_bytes = 1U << 20U;
  return options;
}

/// `segments` sealed segments of a megabyte, and one with a single entry.
std::shared_ptr<CountingDirectory> log_of(std::uint64_t segments) {
  auto directory = std::make_shared<CountingDirectory>(MemoryDirectory::make());
  auto writer = open_writer(directory, megabyte_segments()).value();
  const Bytes payload((1U << 20U) - 64 - 24 - 40);
  for (std::uint64_t i = 0; i < segments; ++i) EXPECT_TRUE(writer->append(payload));
  EXPECT_TRUE(writer->append(as_bytes("last")));
  EXPECT_TRUE(writer->close());
  directory->bytes_read = 0;
  return directory;
}

// The work of opening and of listing is that of a few segments, however long the log.
TEST(Maintenance, OpeningAndListingDoNotReadSealedSegmentsWhole) {
  std::vector<std::uint64_t> opening;
  std::vector<std::uint64_t> listing;
  for (const std::uint64_t segments : {10U, 40U}) {
    const auto directory = log_of(segments);
    EXPECT_TRUE(open_writer(directory, megabyte_segments()));
    opening.push_back(directory->bytes_read);
    directory->bytes_read = 0;
    const auto ranges = WalMaintenance(directory).segment_ranges().value();
    EXPECT_EQ(ranges.size(), segments + 1);
    listing.push_back(directory->bytes_read);
  }
  // A header and the window around a seal for each segment: at most two windows.
  const std::uint64_t per_segment = 3 * FileWindow::kDefaultBytes;
  EXPECT_LE(opening[1] - opening[0], 30 * per_segment);
  EXPECT_LE(listing[1] - listing[0], 30 * per_segment);
  EXPECT_LT(per_segment, 1U << 20U);
}

TEST(Maintenance, InspectsEverySegmentInWords) {
  const auto directory = CrashDirectory::make();
  put(*directory, 1, SegmentImage(1).entry("a").entry("b").durable(2).seal());
  put(*directory, 2, SegmentImage(2, 3).entry("c").zeros(100));
  put(*directory, 3, Bytes(50));
  const auto inspection = WalMaintenance(directory).inspect().value();
  ASSERT_EQ(inspection.segments.size(), 3U);
  EXPECT_FALSE(inspection.error);
  EXPECT_EQ(inspection.segments[0].state, SegmentState::kSealed);
  EXPECT_EQ(inspection.segments[0].entries, 2U);
  EXPECT_EQ(inspection.segments[1].state, SegmentState::kActive);
  EXPECT_EQ(inspection.segments[1].first, EntryId(3));
  EXPECT_EQ(inspection.segments[1].padding_bytes, 100U);
  EXPECT_EQ(inspection.segments[2].state, SegmentState::kSpare);
  EXPECT_EQ(inspection.segments[2].file_bytes, 50U);
}

TEST(Maintenance, InspectsATornAndADamagedLogWithoutRefusingIt) {
  const auto directory = CrashDirectory::make();
  put(*directory, 1, SegmentImage(1).entry("a").durable(1).seal());
  put(*directory, 2, SegmentImage(2, 2).entry("b").raw(as_bytes("garbage")));
  auto inspection = WalMaintenance(directory).inspect().value();
  EXPECT_EQ(inspection.segments[1].state, SegmentState::kTorn);
  ASSERT_TRUE(inspection.error);
  EXPECT_EQ(inspection.error->code(), ErrorCode::kTornTail);
  EXPECT_EQ(WalMaintenance(directory).segment_ranges().value().size(), 2U) << "a torn tail is no damage";

  put(*directory, 1, SegmentImage(1).entry("a"));
  inspection = WalMaintenance(directory).inspect().value();
  EXPECT_EQ(inspection.segments[0].state, SegmentState::kDamaged);
  EXPECT_EQ(inspection.segments[1].state, SegmentState::kUnread);
  EXPECT_EQ(inspection.error->code(), ErrorCode::kCorrupt);
  EXPECT_TRUE(fails_with(WalMaintenance(directory).segment_ranges(), ErrorCode::kCorrupt));
}

class Truncation : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.segment_bytes = 168;
    auto writer = open_writer(directory_, options_).value();
    for (const char* text : {"a", "b", "c", "d", "e"}) ASSERT_TRUE(writer->append(as_bytes(text)));
    durable_ = writer->flush_and_sync().value();
    ASSERT_TRUE(writer->close());
  }
  Result<WalTruncation> truncate() { return WalMaintenance(directory_, options_).truncate_prefix(*durable_); }

  std::shared_ptr<CrashDirectory> directory_ = CrashDirectory::make();
  WalOptions options_ = test::test_options();
  std::optional<DurableId> durable_;
};

TEST_F(Truncation, IsTheLiveWritersOwn) {
  const auto live = open_writer(directory_, options_).value();
  const auto before = test::snapshot(*directory_);
  EXPECT_TRUE(fails_with(truncate(), ErrorCode::kLockFailed));
  EXPECT_EQ(test::snapshot(*directory_), before);
}

// C22: the newest one stays, whatever is covered.
TEST_F(Truncation, KeepsTheNewestSegment) {
  EXPECT_EQ(truncate()->deleted.size(), 2U);
  EXPECT_EQ(test::read_strict(directory_), "e: ok");
  EXPECT_TRUE(truncate()->deleted.empty());
  EXPECT_EQ(open_writer(directory_).value()->next_entry_id(), EntryId(6));
}

// V21: what resume mends is mended before anything is deleted.
TEST_F(Truncation, DoesResumesRepairsFirst) {
  const auto file = directory_->open("wal/wal_3.log", OpenMode::kReadWrite).value();
  ASSERT_TRUE(file->append(as_bytes("garbage")));
  ASSERT_EQ(test::read_strict(directory_), "a b c d e: torn_tail");
  EXPECT_EQ(truncate()->deleted.size(), 3U) << "the torn segment is sealed at the cut, and covered";
  EXPECT_EQ(test::read_strict(directory_), ": ok");
  EXPECT_EQ(open_writer(directory_).value()->next_entry_id(), EntryId(6)) << "ids are not set back";
}

// C2: and what resume refuses is refused.
TEST_F(Truncation, RefusesADamagedLogUnchanged) {
  ASSERT_TRUE(directory_->remove_durable("wal/wal_2.log"));
  const auto before = test::snapshot(*directory_);
  EXPECT_TRUE(fails_with(truncate(), ErrorCode::kCorrupt));
  EXPECT_EQ(test::snapshot(*directory_), before);
}

struct Veto final : WalObserver {
  bool before_truncate(const SegmentRange& range) noexcept override { return range.segment.value() < 2; }
};

// C3: what follows a segment that an observer keeps stays too.
TEST_F(Truncation, KeepsAContiguousSuffixUnderAVeto) {
  options_.observer = std::make_shared<Veto>();
  const auto truncated = truncate().value();
  EXPECT_TRUE(truncated.vetoed);
  EXPECT_EQ(truncated.deleted.size(), 1U);
  EXPECT_EQ(test::read_strict(directory_), "c d e: ok");
}

TEST(Maintenance, StrictRangesReadSealedSegmentsWholeAndRefuseATornTail) {
  const auto directory = CrashDirectory::make();
  SegmentImage one(1);
  one.entry("a").durable(1).seal();
  put(*directory, 1, one);
  put(*directory, 2, SegmentImage(2, 2).entry("b"));
  const WalMaintenance maintenance(directory);
  EXPECT_EQ(maintenance.segment_ranges_strict().value(), maintenance.segment_ranges().value());
  put(*directory, 1, one.flip(one.at(0) + 24));
  EXPECT_TRUE(maintenance.segment_ranges()) << "the seal is taken on trust";
  EXPECT_TRUE(fails_with(maintenance.segment_ranges_strict(), ErrorCode::kCorrupt));
  put(*directory, 1, one.flip(one.at(0) + 24));
  put(*directory, 2, SegmentImage(2, 2).entry("b").raw(as_bytes("torn")));
  EXPECT_TRUE(maintenance.segment_ranges());
  EXPECT_TRUE(fails_with(maintenance.segment_ranges_strict(), ErrorCode::kTornTail));
}

TEST(Maintenance, TruncatingALogThatIsNotThereCreatesNothing) {
  const auto directory = CrashDirectory::make();
  EXPECT_TRUE(fails_with(WalMaintenance(directory).truncate_prefix(
                             internal::DurableIdIssuer::issue(EntryId(1), directory->identity())),
                         ErrorCode::kNotFound));
  EXPECT_TRUE(directory->list("").value().empty());
}

}  // namespace
}  // namespace durability::walog
