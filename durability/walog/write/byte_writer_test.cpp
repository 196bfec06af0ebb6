// The writer where nothing fails: when bytes reach the file, when segments end, what a close leaves.

#include "durability/walog/write/byte_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "durability/walog/test_support.hpp"

namespace durability::walog {
namespace {

using test::CrashDirectory;
using test::fails_with;
using test::ManualClock;
using test::one_segment;
using test::open_writer;
using test::read_strict;
using ::testing::ElementsAre;

std::string text_of(std::size_t bytes) { return std::string(bytes, 'x'); }

class ByteWriterTest : public ::testing::Test {
 protected:
  std::unique_ptr<ByteWriter> open(WalOptions options) {
    auto writer = open_writer(directory_, std::move(options));
    EXPECT_TRUE(writer) << writer.error();
    return *std::move(writer);
  }
  /// Entries that another process would find in the files.
  std::uint64_t in_files() {
    std::uint64_t entries = 0;
    EXPECT_TRUE(ByteReader(directory_).for_each(ReadMode::kBestEffort, {}, [&](const WalEntryView&) {
      ++entries;
      return Result<Flow>(Flow::kContinue);
    }));
    return entries;
  }

  std::shared_ptr<CrashDirectory> directory_ = CrashDirectory::make();
  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
};

TEST_F(ByteWriterTest, PerAppendFlushesEachEntryAndABatchOnce) {
  WalOptions options = one_segment();
  options.flush = FlushPolicy::per_append();
  const auto writer = open(options);
  ASSERT_TRUE(writer->append(as_bytes("a")));
  EXPECT_EQ(in_files(), 1U);
  const auto before = directory_->operations();
  const std::vector<ByteView> batch(10, as_bytes("b"));
  ASSERT_TRUE(writer->append_batch(batch));
  EXPECT_EQ(in_files(), 11U);
  EXPECT_EQ(directory_->operations(), before + 1);
}

TEST_F(ByteWriterTest, EveryNFlushesWithTheNthEntry) {
  WalOptions options = one_segment();
  options.flush = FlushPolicy::every(3);
  const auto writer = open(options);
  std::vector<std::uint64_t> seen;
  for (int i = 0; i < 7; ++i) {
    ASSERT_TRUE(writer->append(as_bytes("a")));
    seen.push_back(in_files());
  }
  EXPECT_THAT(seen, ElementsAre(0, 0, 3, 3, 3, 6, 6));
}

TEST_F(ByteWriterTest, AnIntervalIsLookedAtOnAppendOnly) {
  WalOptions options = one_segment();
  options.clock = clock_;
  options.flush = FlushPolicy::interval(std::chrono::seconds(1));
  const auto writer = open(options);
  ASSERT_TRUE(writer->append(as_bytes("a")));
  EXPECT_EQ(in_files(), 0U);
  clock_->advance(std::chrono::seconds(1));
  EXPECT_EQ(in_files(), 0U);
  ASSERT_TRUE(writer->append(as_bytes("b")));
  EXPECT_EQ(in_files(), 2U);
  ASSERT_TRUE(writer->append(as_bytes("c")));
  EXPECT_EQ(in_files(), 2U);
}

TEST_F(ByteWriterTest, ManualFlushesWhenAskedAndWhenTheBufferIsFull) {
  WalOptions options = one_segment();
  options.flush = FlushPolicy::manual();
  options.buffer_bytes = 256;
  const auto writer = open(options);
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(writer->append(as_bytes("12345678")));
  EXPECT_EQ(in_files(), 0U) << "8 * 32 bytes fill the buffer exactly";
  ASSERT_TRUE(writer->append(as_bytes("12345678")));
  EXPECT_EQ(in_files(), 8U);
  ASSERT_TRUE(writer->flush());
  EXPECT_EQ(in_files(), 9U);
}

TEST_F(ByteWriterTest, AnEntryLargerThanTheBufferIsWrittenThroughInOrder) {
  WalOptions options = one_segment();
  options.flush = FlushPolicy::manual();
  options.buffer_bytes = 100;
  const auto writer = open(options);
  ASSERT_TRUE(writer->append(as_bytes("a")));
  ASSERT_TRUE(writer->append(as_bytes(text_of(1000))));
  EXPECT_EQ(in_files(), 2U);
  ASSERT_TRUE(writer->append(as_bytes("c")));
  ASSERT_TRUE(writer->close());
  EXPECT_EQ(read_strict(directory_), "a " + text_of(1000) + " c: ok");
}

// An entry that fills the segment to the last byte stays in it, one byte more rotates first.
TEST_F(ByteWriterTest, RotatesExactlyAtTheLimit) {
  WalOptions options = test::test_options();
  options.segment_bytes = 64 + 32 + 32 + 40;
  const auto writer = open(options);
  ASSERT_TRUE(writer->append(as_bytes("12345678")));
  ASSERT_TRUE(writer->append(as_bytes("12345678")));
  EXPECT_EQ(writer->segment_id(), SegmentId(1));
  ASSERT_TRUE(writer->append(as_bytes("")));
  EXPECT_EQ(writer->segment_id(), SegmentId(2));
  ASSERT_TRUE(writer->append(as_bytes("12345678")));
  EXPECT_EQ(writer->segment_id(), SegmentId(2));
  ASSERT_TRUE(writer->append(as_bytes("")));
  EXPECT_EQ(writer->segment_id(), SegmentId(3)) << "there is room for it, but not for the seal after it";
  ASSERT_TRUE(writer->close());
  EXPECT_EQ(test::segment_bytes(*directory_, 1).size(), options.segment_bytes);
  EXPECT_EQ(read_strict(directory_), "12345678 12345678  12345678 : ok");
}

// One entry larger than a segment stands alone in one that grows.
TEST_F(ByteWriterTest, AnOversizeEntryOrBatchStandsAloneInItsSegment) {
  const auto writer = open(test::test_options());
  ASSERT_TRUE(writer->append(as_bytes("a")));
  ASSERT_TRUE(writer->append(as_bytes(text_of(1000))));
  ASSERT_TRUE(writer->append(as_bytes("b")));
  const std::string part = text_of(100);
  const std::vector<ByteView> batch(4, as_bytes(part));
  ASSERT_TRUE(writer->append_batch_atomic(batch));
  ASSERT_TRUE(writer->append(as_bytes("c")));
  const auto ranges = writer->segment_ranges();
  std::vector<std::uint64_t> entries;
  entries.reserve(ranges.size());
  for (const auto& range : ranges) entries.push_back(range.entries);
  EXPECT_THAT(entries, ElementsAre(1, 1, 1, 4, 1));
  ASSERT_TRUE(writer->close());
  EXPECT_TRUE(read_strict(directory_).ends_with("c: ok"));
}

TEST_F(ByteWriterTest, AnAtomicBatchThatDoesNotFitRotatesFirst) {
  const auto writer = open(test::test_options());
  ASSERT_TRUE(writer->append(as_bytes("a")));
  const std::string part = text_of(40);
  const std::vector<ByteView> batch(2, as_bytes(part));
  ASSERT_TRUE(writer->append_batch_atomic(batch));
  EXPECT_EQ(writer->segment_id(), SegmentId(2)) << "64 + 32 + 2 * 64 + 40 > 256";
  ASSERT_TRUE(writer->append_batch(batch));
  EXPECT_EQ(writer->segment_id(), SegmentId(3)) << "without atomicity each entry goes where it fits";
}

TEST_F(ByteWriterTest, RotatesByAgeOnTheNextAppendAndAcrossAReopening) {
  WalOptions options = one_segment();
  options.clock = clock_;
  options.segment_max_age = std::chrono::minutes(1);
  auto writer = open(options);
  ASSERT_TRUE(writer->append(as_bytes("a")));
  clock_->advance(std::chrono::seconds(59));
  ASSERT_TRUE(writer->append(as_bytes("b")));
  EXPECT_EQ(writer->segment_id(), SegmentId(1));
  ASSERT_TRUE(writer->close());
  writer.reset();
  clock_->advance(std::chrono::seconds(1));
  writer = open(options);
  ASSERT_TRUE(writer->append(as_bytes("c")));
  EXPECT_EQ(writer->segment_id(), SegmentId(2));
  clock_->advance(std::chrono::minutes(1));
  ASSERT_TRUE(writer->append(as_bytes("d")));
  EXPECT_EQ(writer->segment_id(), SegmentId(3));
}

TEST_F(ByteWriterTest, TheLargestAgeIsNeverReached) {
  WalOptions options = one_segment();
  options.clock = clock_;
  options.segment_max_age = std::chrono::milliseconds::max();
  const auto writer = open(options);
  ASSERT_TRUE(writer->append(as_bytes("a")));
  clock_->advance(std::chrono::hours(24 * 365));
  ASSERT_TRUE(writer->append(as_bytes("b")));
  EXPECT_EQ(writer->segment_id(), SegmentId(1));
}

TEST_F(ByteWriterTest, AnEntryAtTheCapIsTakenAndOneAboveItRefusedBeforeAnythingIsWritten) {
  const Bytes at_cap(v4::kMaxPayloadBytes, std::byte{7});
  const Bytes above(v4::kMaxPayloadBytes + 1, std::byte{7});
  auto writer = open(one_segment());
  const std::vector<ByteView> batch = {as_bytes("a"), above};
  const auto before = directory_->fingerprint();
  EXPECT_TRUE(fails_with(writer->append(above), ErrorCode::kEncode));
  EXPECT_TRUE(fails_with(writer->append_batch(batch), ErrorCode::kEncode));
  EXPECT_TRUE(fails_with(writer->append_batch_atomic(batch), ErrorCode::kEncode));
  EXPECT_TRUE(fails_with(writer->append_batch({}), ErrorCode::kInvalidConfig));
  EXPECT_TRUE(fails_with(writer->append_batch_atomic({}), ErrorCode::kInvalidConfig));
  ASSERT_TRUE(writer->flush());
  EXPECT_EQ(writer->last_entry_id(), EntryId(0));
  EXPECT_EQ(writer->append(at_cap).value(), EntryId(1));
  ASSERT_TRUE(writer->close());
  EXPECT_NE(directory_->fingerprint(), before);
  EXPECT_EQ(in_files(), 1U);
}

TEST_F(ByteWriterTest, AnAtomicBatchOver256MebibytesIsRefusedBeforeAnythingIsWritten) {
  const Bytes payload(v4::kMaxPayloadBytes - v4::kFrameHeadBytes);
  std::vector<ByteView> batch(16, payload);
  batch.push_back({});
  const auto writer = open(one_segment());
  const auto before = directory_->fingerprint();
  EXPECT_TRUE(fails_with(writer->append_batch_atomic(batch), ErrorCode::kEncode)) << "256 MiB and 24 bytes";
  EXPECT_EQ(directory_->fingerprint(), before);
  EXPECT_EQ(writer->last_entry_id(), EntryId(0));
  EXPECT_TRUE(writer->append(as_bytes("a")));
}

TEST_F(ByteWriterTest, EmptyEntriesAreEntries) {
  const auto writer = open(one_segment());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(writer->append({}));
  ASSERT_TRUE(writer->close());
  EXPECT_EQ(in_files(), 3U);
}

// A mark that vouches for everything is written once, and only where there is something new to vouch for.
TEST_F(ByteWriterTest, ACloseMarksTheLogOnceAndReopeningWithoutAppendingChangesNothing) {
  auto writer = open(one_segment());
  ASSERT_TRUE(writer->append(as_bytes("a")));
  ASSERT_TRUE(writer->close());
  EXPECT_TRUE(writer->close()) << "a second close does nothing";
  writer.reset();
  const Bytes closed = test::segment_bytes(*directory_, 1);
  EXPECT_EQ(closed.size(), 64U + 32U + 24U);
  EXPECT_TRUE(directory_->all_synced());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(open(one_segment())->close());
  EXPECT_EQ(test::segment_bytes(*directory_, 1), closed);
  writer = open(one_segment());
  ASSERT_TRUE(writer->append(as_bytes("b")));
  ASSERT_TRUE(writer->close());
  EXPECT_EQ(test::segment_bytes(*directory_, 1).size(), 64U + 32U + 24U + 32U + 24U);
  EXPECT_EQ(read_strict(directory_), "a b: ok");
}

// A writer was killed after a mark and one more entry. The next one only closed the log: the mark vouches for
// what stands before it alone, so the entry after it needs another.
TEST_F(ByteWriterTest, AMarkBeforeTheLastEntryIsNoReasonToCloseWithoutOne) {
  test::SegmentImage image(1);
  image.entry("a").durable(1).mark().entry("b");
  test::put(*directory_, 1, image);
  ASSERT_TRUE(open(one_segment())->close());
  EXPECT_EQ(read_strict(directory_), "a b: ok");
  Bytes damaged = test::segment_bytes(*directory_, 1);
  damaged[image.at(2) + v4::kFrameHeadBytes] ^= std::byte{1};
  test::put(*directory_, 1, damaged);
  EXPECT_EQ(read_strict(directory_), "a: corrupt");
}

// A clean close leaves nothing that the one overlooks and the other does not.
TEST_F(ByteWriterTest, BestEffortAndStrictAgreeAfterACleanCloseAtEachLength) {
  for (std::size_t count = 0; count < 12; ++count) {
    const auto directory = CrashDirectory::make();
    auto writer = open_writer(directory).value();
    for (std::size_t i = 0; i < count; ++i) ASSERT_TRUE(writer->append(as_bytes(text_of(i * 7))));
    ASSERT_TRUE(writer->close());
    EXPECT_EQ(read_strict(directory), test::read(directory, ReadMode::kBestEffort));
    EXPECT_TRUE(read_strict(directory).ends_with(": ok"));
  }
}

TEST_F(ByteWriterTest, ADurableIdComesFromASyncAndCoversWhatWasAppendedBeforeIt) {
  const auto writer = open(one_segment());
  EXPECT_EQ(writer->durable_id()->entry(), EntryId(0));
  ASSERT_TRUE(writer->append(as_bytes("a")));
  ASSERT_TRUE(writer->flush());
  EXPECT_EQ(writer->durable_id()->entry(), EntryId(0)) << "flushed is not durable";
  EXPECT_TRUE(fails_with(writer->durable_up_to(EntryId(1)), ErrorCode::kInvalidState));
  EXPECT_EQ(writer->flush_and_sync().value().entry(), EntryId(1));
  EXPECT_EQ(writer->durable_id()->entry(), EntryId(1));
  EXPECT_EQ(writer->durable_up_to(EntryId(1)).value().entry(), EntryId(1));
  EXPECT_TRUE(directory_->all_synced());
}

TEST_F(ByteWriterTest, TheRecoveryReportSaysWhatOpeningDid) {
  auto writer = open(one_segment());
  EXPECT_TRUE(writer->recovery_report().created);
  EXPECT_FALSE(writer->recovery_report().repaired);
  ASSERT_TRUE(writer->append(as_bytes("a")));
  ASSERT_TRUE(writer->close());
  writer.reset();
  ASSERT_TRUE(directory_->open("wal/wal_1.log", OpenMode::kReadWrite).value()->append(as_bytes("garbage")));
  writer = open(one_segment());
  const WalRecoveryReport& report = writer->recovery_report();
  EXPECT_FALSE(report.created);
  EXPECT_TRUE(report.repaired);
  EXPECT_EQ(report.segment, SegmentId(1));
  EXPECT_EQ(report.offset, 64U + 32U + 24U);
  EXPECT_EQ(report.bytes_cut, 7U);
  EXPECT_EQ(report.next, EntryId(2));
}

TEST_F(ByteWriterTest, ACreatedLogMayStartAtALaterEntryAndThenHasNoSegmentOne) {
  WalOptions options = one_segment();
  options.first_entry_id = EntryId(100);
  {
    const auto writer = open(options);
    EXPECT_EQ(writer->segment_id(), SegmentId(2));
    EXPECT_EQ(writer->append(as_bytes("a")).value(), EntryId(100));
    ASSERT_TRUE(writer->close());
  }
  EXPECT_EQ(open(one_segment())->next_entry_id(), EntryId(101));
}

// C16: a live lock is honoured, in this process too; a dead writer leaves nothing to clean up.
TEST_F(ByteWriterTest, ASecondWriterIsRefusedAsLongAsTheFirstLives) {
  auto writer = open(one_segment());
  EXPECT_TRUE(fails_with(open_writer(directory_), ErrorCode::kLockFailed));
  writer.reset();
  writer = open(one_segment());
  ASSERT_TRUE(writer->close());
  EXPECT_TRUE(open_writer(directory_)) << "close gives the lock back";

  const auto memory = MemoryDirectory::make();
  const auto live = open_writer(memory).value();
  EXPECT_TRUE(fails_with(open_writer(memory), ErrorCode::kLockFailed));
}

TEST_F(ByteWriterTest, CreateRefusesALogThatExistsAndResumeOneThatDoesNot) {
  EXPECT_TRUE(fails_with(open_writer(directory_, one_segment(), OpenIntent::kResume), ErrorCode::kNotFound));
  ASSERT_TRUE(open_writer(directory_, one_segment(), OpenIntent::kCreate).value()->close());
  const auto before = test::snapshot(*directory_);
  EXPECT_TRUE(
      fails_with(open_writer(directory_, one_segment(), OpenIntent::kCreate), ErrorCode::kInvalidState));
  EXPECT_EQ(test::snapshot(*directory_), before);
  EXPECT_TRUE(open_writer(directory_, one_segment(), OpenIntent::kResume));
}

struct Telling : WalObserver {
  std::vector<std::string> calls;
  std::uint64_t keep = 0;  // this segment and no other
  void on_append(EntryId id, std::uint64_t bytes) noexcept override {
    calls.push_back(fmt::format("append {} {}", id, bytes));
  }
  void on_flush(std::uint64_t bytes) noexcept override { calls.push_back(fmt::format("flush {}", bytes)); }
  void on_sync(DurableId id, std::chrono::nanoseconds) noexcept override {
    calls.push_back(fmt::format("sync {}", id));
  }
  void on_rotate(SegmentId from, SegmentId to) noexcept override {
    calls.push_back(fmt::format("rotate {} {}", from, to));
  }
  bool before_truncate(const SegmentRange& range) noexcept override {
    calls.push_back(fmt::format("truncate {}", range.segment));
    return range.segment.value() != keep;
  }
  void on_dropped(std::uint64_t entries) noexcept override {
    calls.push_back(fmt::format("dropped {}", entries));
  }
};

TEST_F(ByteWriterTest, AnObserverHearsEverythingInOrder) {
  const auto telling = std::make_shared<Telling>();
  WalOptions options = test::test_options();
  options.segment_bytes = 136;
  options.observer = telling;
  const auto writer = open(options);
  ASSERT_TRUE(writer->append(as_bytes("a")));
  ASSERT_TRUE(writer->append(as_bytes("bb")));
  ASSERT_TRUE(writer->flush_and_sync());
  ASSERT_TRUE(writer->truncate_prefix(writer->durable_id().value()));
  EXPECT_THAT(telling->calls, ElementsAre("append 1 1", "flush 72", "rotate 1 2", "append 2 2", "sync 1",
                                          "flush 96", "sync 2", "truncate 1"));
}

// C3: a veto keeps that segment and every later one, so that what is left is a contiguous log.
TEST_F(ByteWriterTest, AVetoKeepsAContiguousSuffix) {
  const auto telling = std::make_shared<Telling>();
  WalOptions options = test::test_options();
  options.segment_bytes = 136;
  options.observer = telling;
  const auto writer = open(options);
  for (const char* text : {"a", "b", "c", "d", "e"}) ASSERT_TRUE(writer->append(as_bytes(text)));
  const auto durable = writer->flush_and_sync().value();
  telling->keep = 3;
  const auto truncated = writer->truncate_prefix(durable).value();
  EXPECT_TRUE(truncated.vetoed);
  EXPECT_EQ(truncated.deleted.size(), 2U);
  EXPECT_EQ(read_strict(directory_), "c d e: ok");
}

// C22: the newest segment stays, whatever is covered; nothing beyond what is covered goes.
TEST_F(ByteWriterTest, TruncationDeletesWhatIsCoveredAndKeepsTheNewest) {
  WalOptions options = test::test_options();
  options.segment_bytes = 168;  // two entries
  const auto writer = open(options);
  for (const char* text : {"a", "b", "c", "d", "e"}) ASSERT_TRUE(writer->append(as_bytes(text)));
  ASSERT_TRUE(writer->flush_and_sync());
  EXPECT_TRUE(writer->truncate_prefix(writer->durable_up_to(EntryId(3)).value()));
  EXPECT_EQ(read_strict(directory_), "c d e: ok");
  const auto deleted = writer->truncate_prefix(writer->durable_up_to(EntryId(5)).value()).value().deleted;
  ASSERT_EQ(deleted.size(), 1U);
  EXPECT_EQ(deleted.front(), (SegmentRange{SegmentId(2), EntryId(3), 2, true}));
  EXPECT_EQ(read_strict(directory_), "e: ok");
  ASSERT_TRUE(writer->append(as_bytes("f")));
  ASSERT_TRUE(writer->close());
  EXPECT_EQ(read_strict(directory_), "e f: ok");
}

// What was never flushed is gone with the writer; it was never acknowledged, and its loss is reported.
TEST_F(ByteWriterTest, DroppingAWriterSaysHowManyEntriesAreLost) {
  const auto telling = std::make_shared<Telling>();
  WalOptions options = one_segment();
  options.observer = telling;
  options.flush = FlushPolicy::manual();
  auto writer = open(options);
  ASSERT_TRUE(writer->append(as_bytes("a")));
  ASSERT_TRUE(writer->flush());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(writer->append(as_bytes("b")));
  writer.reset();
  EXPECT_EQ(telling->calls.back(), "dropped 3");
  EXPECT_EQ(read_strict(directory_), "a: ok");
}

TEST_F(ByteWriterTest, AMemoryDirectoryLeavesOutSyncsAndMarks) {
  const auto memory = MemoryDirectory::make();
  const auto faulty = test::FaultyDirectory::make(memory);
  const auto writer = open_writer(faulty).value();
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(writer->append(as_bytes("a")));
  EXPECT_TRUE(fails_with(writer->flush_and_sync(), ErrorCode::kNotSupported));
  EXPECT_EQ(writer->durable_id(), std::nullopt);
  ASSERT_TRUE(writer->flush());
  ASSERT_TRUE(writer->append(as_bytes("b")));
  ASSERT_TRUE(writer->close());
  EXPECT_EQ(faulty->count(test::Operation::kSyncData), 0U);
  EXPECT_EQ(faulty->count(test::Operation::kSyncDirectory), 0U);
  v4::Frame frame;
  const Bytes first = test::segment_bytes(*memory, 1);
  const auto header = v4::read_header(first).header;
  ASSERT_EQ(
      v4::read_frame(ByteView(first).subspan(64), v4::crc_seed(header.log_id, header.segment_id), frame),
      v4::FrameState::kWhole);
  EXPECT_EQ(frame.fields.lag, v4::kUnknownLag);
}

}  // namespace
}  // namespace durability::walog
