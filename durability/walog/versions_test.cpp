// Versions 2 and 3, and going from one version to another. What a damaged log of the crate means is held to
// the crate's own verdicts in tests/compat/.

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "durability/testing/crash_directory.hpp"
#include "durability/testing/faulty_directory.hpp"
#include "durability/testing/manual_clock.hpp"
#include "durability/testing/manual_worker.hpp"
#include "durability/testing/random.hpp"
#include "durability/walog/format/segment_name.hpp"
#include "durability/walog/format/v3.hpp"
#include "durability/walog/read/scan.hpp"
#include "durability/walog/reader.hpp"
#include "durability/walog/writer.hpp"

namespace durability::walog {
namespace {

using durability::testing::CrashDirectory;
using durability::testing::FaultyDirectory;
using Writer = WalWriter<std::string>;

WalOptions options(WalFormat format, std::uint64_t segment_bytes = 256) {
  WalOptions options;
  options.format = format;
  options.segment_bytes = segment_bytes;
  options.preallocate_bytes = 0;
  options.worker = std::make_shared<durability::testing::ManualWorker>();
  static std::uint64_t seed = 0;  // two logs never get the same numbers
  options.random = std::make_shared<durability::testing::SeededRandom>(++seed);
  return options;
}

Bytes file_bytes(Directory& directory, std::uint64_t segment) {
  return directory.read_file(segment_path(SegmentId(segment)), 1U << 20U).value();
}

void overwrite(Directory& directory, std::uint64_t segment, ByteView bytes) {
  const auto file = directory.create(segment_path(SegmentId(segment))).value();
  ASSERT_TRUE(file->write_at(0, bytes));
}

Scan scan(Directory& directory) {
  return scan_log(directory, {.mode = Mode::kStrict, .live_writer = false},
                  [](const WalEntryView&) -> Result<Flow> { return Flow::kContinue; })
      .value();
}

std::uint64_t count(const std::shared_ptr<Directory>& directory) {
  const auto entries = WalReader<std::string>(directory).count(ReadMode::kStrict);
  EXPECT_TRUE(entries) << entries.error();
  return entries.value_or(0);
}

/// Appends `entries` entries durably and closes.
void write(const std::shared_ptr<Directory>& directory, const WalOptions& how, int entries) {
  auto wal = Writer::open(directory, how);
  ASSERT_TRUE(wal) << wal.error();
  for (int i = 0; i < entries; ++i) ASSERT_TRUE(wal->append("an entry of some length"));
  ASSERT_TRUE(wal->flush_and_sync());
  ASSERT_TRUE(wal->close());
}

TEST(OlderVersions, AreWrittenByteForByte) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  auto wal = Writer::open(directory, options(WalFormat::kV3)).value();
  ASSERT_TRUE(wal.append_bytes(as_bytes("hello")));
  ASSERT_TRUE(wal.close());
  const std::string expected(
      "VWAL\3\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"
      "\x15\0\0\0\1\0\0\0\0\0\0\0\x52\x0c\xb4\x07hello",
      45);
  EXPECT_EQ(as_text(file_bytes(*directory, 1)), expected);
}

TEST(OlderVersions, RotateAndGoOnAfterReopening) {
  for (const WalFormat format : {WalFormat::kV2, WalFormat::kV3}) {
    const std::shared_ptr<Directory> directory = CrashDirectory::make();
    for (int run = 0; run < 3; ++run) write(directory, options(format), 12);
    EXPECT_EQ(count(directory), 36U);
    const Scan found = scan(*directory);
    EXPECT_GT(found.segments.size(), 3U);
    EXPECT_TRUE(found.spares.empty()) << "the crate refuses a final segment of zeros";
    for (const auto& segment : found.segments) EXPECT_EQ(segment.format, format);
  }
}

// C26: frames of version 3 once went into a segment whose header said 2.
TEST(OlderVersions, ALogGoesOnInTheVersionOfItsNewestSegment) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  write(directory, options(WalFormat::kV2, 4096), 3);
  WalOptions as_it_is = options(WalFormat::kV4, 4096);
  as_it_is.format.reset();
  write(directory, as_it_is, 3);
  EXPECT_EQ(count(directory), 6U);
  EXPECT_EQ(scan(*directory).segments.size(), 1U);
  EXPECT_EQ(scan(*directory).segments.front().format, WalFormat::kV2);
}

TEST(OlderVersions, AnotherVersionBeginsWithTheNextSegment) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  const WalFormat order[] = {WalFormat::kV4, WalFormat::kV3, WalFormat::kV4, WalFormat::kV2, WalFormat::kV4};
  for (const WalFormat format : order) write(directory, options(format), 15);
  EXPECT_EQ(count(directory), 75U);
  std::vector<WalFormat> seen;
  for (const auto& segment : scan(*directory).segments) {
    if (seen.empty() || seen.back() != segment.format) seen.push_back(segment.format);
  }
  EXPECT_EQ(seen, std::vector<WalFormat>(std::begin(order), std::end(order)));
}

// V23: each run of version 4 after another version gets a log_id of its own; a segment after one of
// version 4 goes on with that one's.
TEST(OlderVersions, ARunOfVersion4AfterAnotherVersionHasALogIdOfItsOwn) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  for (const WalFormat format :
       {WalFormat::kV4, WalFormat::kV3, WalFormat::kV4, WalFormat::kV3, WalFormat::kV4}) {
    write(directory, options(format), 20);
  }
  const Scan found = scan(*directory);
  std::optional<LogId> run;
  std::vector<LogId> runs;
  for (const auto& segment : found.segments) {
    if (segment.format != WalFormat::kV4) {
      run.reset();
      continue;
    }
    if (run) {
      EXPECT_EQ(*run, segment.header.log_id);
    } else {
      runs.push_back(segment.header.log_id);
    }
    run = segment.header.log_id;
  }
  ASSERT_EQ(runs.size(), 3U);
  EXPECT_EQ(std::set(runs.begin(), runs.end()).size(), 3U);
}

TEST(OlderVersions, AnEmptyFinalSegmentIsReplacedWhenAnotherVersionGoesOn) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  for (const WalFormat format : {WalFormat::kV3, WalFormat::kV4, WalFormat::kV2, WalFormat::kV3}) {
    auto wal = Writer::open(directory, options(format));
    ASSERT_TRUE(wal) << wal.error();
    // A close in version 4 would write a mark, and then the segment holds a frame.
    ASSERT_TRUE(format == WalFormat::kV4 || wal->close());
  }
  write(directory, options(WalFormat::kV3), 1);
  const Scan found = scan(*directory);
  ASSERT_EQ(found.segments.size(), 1U);
  EXPECT_EQ(found.segments.front().format, WalFormat::kV3);
}

// V22: a spare prepared by version 4 must not be left after a segment of version 3, which knows no spare.
TEST(OlderVersions, NoSegmentOfZerosIsLeftAfterVersion3) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  WalOptions v4 = options(WalFormat::kV4);
  {
    auto wal = Writer::open(directory, v4).value();
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(wal.append("an entry of some length"));
    ASSERT_TRUE(wal.flush_and_sync());
    static_cast<durability::testing::ManualWorker&>(*v4.worker).run_all();
    ASSERT_TRUE(wal.close());
  }
  ASSERT_EQ(scan(*directory).spares.size(), 1U);
  write(directory, options(WalFormat::kV3), 10);
  const Scan found = scan(*directory);
  EXPECT_TRUE(found.spares.empty());
  EXPECT_EQ(found.segments.back().format, WalFormat::kV3);
  EXPECT_EQ(count(directory), 14U);
}

// V24: 1 to 3 zeros after the last frame read as a torn length field, so they are cut off before the sync
// that ends the segment or the log.
TEST(OlderVersions, PaddingTooShortToBeToldFromALengthFieldIsCutOff) {
  for (std::uint64_t left = 0; left <= 5; ++left) {
    const std::shared_ptr<Directory> directory = CrashDirectory::make();
    WalOptions how = options(WalFormat::kV3, 256);
    how.preallocate_bytes = 256;
    auto wal = Writer::open(directory, how).value();
    const std::string payload(256 - v3::kHeaderBytes - v3::kFrameHeadBytes - left, 'x');
    ASSERT_TRUE(wal.append_bytes(as_bytes(payload)));
    ASSERT_TRUE(wal.append_bytes(as_bytes(payload)));  // rotates
    ASSERT_TRUE(wal.close());
    EXPECT_EQ(file_bytes(*directory, 1).size(), left >= 1 && left <= 3 ? 256 - left : 256);
    EXPECT_EQ(file_bytes(*directory, 2).size(), left >= 1 && left <= 3 ? 256 - left : 256);
    const auto entries = WalReader<int>(directory).for_each_bytes(ReadMode::kStrict, [](const auto&) {});
    ASSERT_TRUE(entries) << entries.error();
    EXPECT_EQ(entries->next, EntryId(3));
  }
}

// C17: a segment that was preallocated and rotated early keeps its padding, and that is no damage; where the
// file is cut, the cut is synced before the next segment appears.
TEST(OlderVersions, TheOutgoingSegmentIsDurableBeforeTheNextOneHasItsName) {
  const auto faulty = FaultyDirectory::make(CrashDirectory::make());
  WalOptions how = options(WalFormat::kV3, 256);
  how.preallocate_bytes = 256;
  auto wal = Writer::open(faulty, how).value();
  const std::string payload(256 - v3::kHeaderBytes - v3::kFrameHeadBytes - 2, 'x');
  ASSERT_TRUE(wal.append_bytes(as_bytes(payload)));
  faulty->clear_log();
  ASSERT_TRUE(wal.append_bytes(as_bytes(payload)));
  ASSERT_TRUE(wal.flush());
  const auto changes = faulty->changes();
  const auto at = [&](std::string_view what) {
    const auto found =
        std::ranges::find_if(changes, [&](const std::string& c) { return c.starts_with(what); });
    EXPECT_NE(found, changes.end()) << what;
    return found - changes.begin();
  };
  EXPECT_LT(at("write wal/wal_1.log"), at("truncate wal/wal_1.log"));
  EXPECT_LT(at("truncate wal/wal_1.log"), at("sync_data wal/wal_1.log"));
  EXPECT_LT(at("sync_data wal/wal_1.log"), at("rename "));
  EXPECT_LT(at("rename "), at("sync_directory wal"));
}

// C14, C21: a whole frame after the damage, an empty one at the very end of the file included, says that
// this is no torn tail.
TEST(OlderVersions, DamageWithAWholeFrameAfterItIsRefusedAndNothingIsChanged) {
  const std::shared_ptr<CrashDirectory> directory = CrashDirectory::make();
  {
    auto wal = Writer::open(directory, options(WalFormat::kV3, 4096)).value();
    ASSERT_TRUE(wal.append_bytes(as_bytes("first")));
    ASSERT_TRUE(wal.append_bytes(as_bytes("second")));
    ASSERT_TRUE(wal.append_bytes({}));
    ASSERT_TRUE(wal.close());
  }
  Bytes bytes = file_bytes(*directory, 1);
  store_le(bytes, v3::kHeaderBytes, std::uint32_t{4000});  // the first frame's length: past the end
  overwrite(*directory, 1, bytes);
  const auto wal = Writer::open(directory, options(WalFormat::kV3, 4096));
  ASSERT_FALSE(wal);
  EXPECT_EQ(wal.error().code(), ErrorCode::kFormat);
  EXPECT_EQ(file_bytes(*directory, 1), bytes);
}

// C18: a torn header in the final segment once made ids begin at 1 again.
TEST(OlderVersions, IdsGoOnAfterATornHeaderInTheFinalSegment) {
  for (std::size_t length = 0; length < v3::kHeaderBytes; ++length) {
    const std::shared_ptr<Directory> directory = CrashDirectory::make();
    write(directory, options(WalFormat::kV3), 9);
    const std::uint64_t segments = scan(*directory).segments.size();
    const std::uint64_t kept = scan(*directory).segments.back().header.start.value() - 1;
    Bytes bytes = file_bytes(*directory, segments);
    bytes.resize(length);
    overwrite(*directory, segments, bytes);
    auto wal = Writer::open(directory, options(WalFormat::kV3));
    ASSERT_TRUE(wal) << wal.error();
    EXPECT_EQ(wal->next_entry_id(), EntryId(kept + 1)) << length;
    ASSERT_TRUE(wal->append("goes on"));
    ASSERT_TRUE(wal->close());
    EXPECT_EQ(count(directory), kept + 1);
  }
}

// C24: a final segment of nothing but a header was once believed whatever entry it said it began with, and
// ids jumped. One that skips ahead is what a lost tail before it leaves: best effort ignores it, opening
// makes it begin where the segment before ends. One that goes back is refused.
TEST(OlderVersions, TheStartOfAHeaderWithoutFramesIsChecked) {
  for (const std::int64_t off : {-1, 0, 1, 1000}) {
    SCOPED_TRACE(off);
    const std::shared_ptr<Directory> directory = CrashDirectory::make();
    write(directory, options(WalFormat::kV3, 4096), 9);
    const auto start = static_cast<std::uint64_t>(10 + off);
    const auto header = v3::encode_header({.start = EntryId(start), .segment_id = SegmentId(2)});
    overwrite(*directory, 2, header);
    const auto strict = WalReader<std::string>(directory).count(ReadMode::kStrict);
    EXPECT_EQ(strict.has_value(), off == 0);
    EXPECT_TRUE(strict || strict.error().code() == ErrorCode::kFormat);
    const auto best = WalReader<std::string>(directory).count(ReadMode::kBestEffort);
    EXPECT_EQ(best.has_value(), off >= 0);
    EXPECT_TRUE(!best || *best == 9U);
    auto wal = Writer::open(directory, options(WalFormat::kV3, 4096));
    ASSERT_EQ(wal.has_value(), off >= 0);
    if (!wal) {
      EXPECT_EQ(wal.error().code(), ErrorCode::kFormat);
      EXPECT_EQ(file_bytes(*directory, 2), Bytes(header.begin(), header.end()))
          << "a refusal changes nothing";
      continue;
    }
    EXPECT_EQ(wal->next_entry_id(), EntryId(10));
    ASSERT_TRUE(wal->append("goes on"));
    ASSERT_TRUE(wal->close());
    EXPECT_EQ(count(directory), 10U);
  }
}

// The tail that was lost may have taken most of a first frame with it; a whole frame is another matter.
TEST(OlderVersions, AHeaderThatSkipsAheadMayBeFollowedByATornFrame) {
  const std::string text = "a first entry";
  const auto head = v3::encode_head(WalFormat::kV3, EntryId(12), as_bytes(text));
  Bytes segment;
  const auto header = v3::encode_header({.start = EntryId(12), .segment_id = SegmentId(2)});
  for (const ByteView part : {ByteView(header), ByteView(head), as_bytes(text)}) {
    segment.insert(segment.end(), part.begin(), part.end());
  }
  for (std::size_t length = v3::kHeaderBytes; length <= segment.size(); ++length) {
    SCOPED_TRACE(length);
    const bool torn = length < segment.size();
    const std::shared_ptr<Directory> directory = CrashDirectory::make();
    write(directory, options(WalFormat::kV3, 4096), 9);
    overwrite(*directory, 2, ByteView(segment).first(length));
    const auto strict = WalReader<std::string>(directory).count(ReadMode::kStrict);
    ASSERT_FALSE(strict);
    EXPECT_EQ(strict.error().code(), ErrorCode::kFormat);
    const auto best = WalReader<std::string>(directory).count(ReadMode::kBestEffort);
    ASSERT_EQ(best.has_value(), torn);
    EXPECT_TRUE(!best || *best == 9U);
    auto wal = Writer::open(directory, options(WalFormat::kV3, 4096));
    ASSERT_EQ(wal.has_value(), torn);
    if (!wal) continue;
    EXPECT_EQ(wal->next_entry_id(), EntryId(10));
    ASSERT_TRUE(wal->append("goes on"));
    ASSERT_TRUE(wal->close());
    EXPECT_EQ(count(directory), 10U);
  }
}

// Reading names what is wrong with the bytes; opening needs none of them, they are too few for an entry.
TEST(OlderVersions, AFinalSegmentTooShortForAHeaderIsReplacedWhateverItsBytesAre) {
  for (const std::string_view garbage : {"garbage", "VWAL\0\0\0\0", "VWAL then whatever here"}) {
    const std::shared_ptr<Directory> directory = CrashDirectory::make();
    write(directory, options(WalFormat::kV3, 4096), 9);
    overwrite(*directory, 2, as_bytes(garbage));
    const auto best = WalReader<std::string>(directory).count(ReadMode::kBestEffort);
    ASSERT_EQ(best.has_value(), garbage == "VWAL");
    EXPECT_TRUE(best || best.error().code() == ErrorCode::kFormat);
    auto wal = Writer::open(directory, options(WalFormat::kV3, 4096));
    ASSERT_TRUE(wal) << wal.error();
    EXPECT_EQ(wal->next_entry_id(), EntryId(10));
    ASSERT_TRUE(wal->append("goes on"));
    ASSERT_TRUE(wal->close());
    EXPECT_EQ(count(directory), 10U);
  }
}

TEST(OlderVersions, ZerosBeforeAnotherSegmentAreNoTornHeader) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  write(directory, options(WalFormat::kV3), 20);
  ASSERT_GE(scan(*directory).segments.size(), 3U);
  overwrite(*directory, 2, Bytes(file_bytes(*directory, 2).size()));
  for (const auto mode : {ReadMode::kStrict, ReadMode::kBestEffort}) {
    const auto entries = WalReader<std::string>(directory).count(mode);
    ASSERT_FALSE(entries);
    EXPECT_EQ(entries.error().code(), ErrorCode::kFormat) << entries.error();
  }
}

TEST(OlderVersions, AGapBeforeAGarbledHeaderIsJudgedByTheVersionBeforeIt) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  write(directory, options(WalFormat::kV3, 4096), 9);
  overwrite(*directory, 3, Bytes(40, std::byte{0x5a}));
  const auto entries = WalReader<std::string>(directory).count(ReadMode::kBestEffort);
  ASSERT_FALSE(entries);
  EXPECT_EQ(entries.error().code(), ErrorCode::kFormat) << entries.error();
}

TEST(OlderVersions, ALoneTornHeaderIsOnlyTheBeginningWhereItsNumberIs1) {
  for (const std::uint64_t number : {1U, 3U}) {
    const std::shared_ptr<Directory> directory = CrashDirectory::make();
    const auto header = v3::encode_header({.start = EntryId(number), .segment_id = SegmentId(number)});
    overwrite(*directory, number, ByteView(header).first(10));
    const auto wal = Writer::open(directory, options(WalFormat::kV3));
    ASSERT_EQ(wal.has_value(), number == 1);
    EXPECT_TRUE(wal || wal.error().code() == ErrorCode::kInvalidState);
  }
}

TEST(OlderVersions, KnowNoAtomicBatch) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  auto wal = Writer::open(directory, options(WalFormat::kV3)).value();
  const std::vector<std::string> batch{"one", "two"};
  EXPECT_EQ(wal.append_batch_atomic(batch).error().code(), ErrorCode::kNotSupported);
  EXPECT_EQ(wal.append_batch(batch).value(), EntryId(2));
  ASSERT_TRUE(wal.close());
}

TEST(OlderVersions, ALackOfSpaceForTheNextSegmentIsRefusedAndPasses) {
  const auto faulty = FaultyDirectory::make(CrashDirectory::make());
  auto wal = Writer::open(faulty, options(WalFormat::kV3)).value();
  const std::string payload(100, 'x');
  ASSERT_TRUE(wal.append(payload));
  faulty->fail({.operation = durability::testing::Operation::kCreate,
                .os_error = ENOSPC,
                .after = 0,
                .repeat = durability::testing::Repeat::kSticky});
  ASSERT_TRUE(wal.append(std::string(60, 'x')));
  EXPECT_EQ(wal.append(payload).error().os_error(), ENOSPC);
  faulty->mend();
  EXPECT_EQ(wal.append(payload).value(), EntryId(3));
  ASSERT_TRUE(wal.close());
  EXPECT_EQ(count(faulty), 3U);
}

}  // namespace
}  // namespace durability::walog
