#include "durability/walog/read/last_reading.hpp"

#include <gtest/gtest.h>

#include "durability/walog/reader.hpp"
#include "durability/walog/test_support.hpp"

namespace durability::walog {
namespace {

using test::CountingDirectory;
using test::open_writer;
using test::put;
using test::SegmentImage;

constexpr std::size_t kMegabyte = std::size_t{1} << 20U;

// What one poll may read: a header, a checksum, the head of a frame.
constexpr std::uint64_t kFewBytes = 512;

std::shared_ptr<CountingDirectory> counted() {
  return std::make_shared<CountingDirectory>(MemoryDirectory::make());
}

/// Reads what follows `from`: "c d, next 5".
std::string poll(const WalReader<std::string>& reader, std::uint64_t from,
                 ReadMode mode = ReadMode::kStrict) {
  std::string words;
  const auto report = reader.from(EntryId(from)).for_each_bytes(mode, [&](const WalEntryView& view) {
    words += std::string(as_text(view.payload)) + " ";
  });
  if (!report) return words + std::string(code_name(report.error().code()));
  return words + fmt::format("next {}, first {}, {} segments", report->next, report->first, report->segments);
}

// A caller that waits for new entries asks again and again. Each time all the zeros after the last entry were
// read, the rest of its segment and the whole of the next one's file: 16 MiB and more, 3 to 40 ms, to learn
// nothing.
TEST(LastReading, AskingAQuietLogAgainReadsAFewBytesHoweverLargeItsSegments) {
  const auto directory = counted();
  put(*directory, 1, SegmentImage(1).entry("a").durable(1).seal());
  put(*directory, 2, SegmentImage(2, 2).entry("b").zeros(kMegabyte));
  put(*directory, 3, Bytes(kMegabyte));
  const WalReader<std::string> reader(directory);
  EXPECT_EQ(poll(reader, 1), "a b next 3, first 1, 2 segments");
  for (const std::uint64_t from : {3U, 3U, 10U}) {
    directory->bytes_read = 0;
    EXPECT_EQ(poll(reader, from), "next 3, first 1, 2 segments");
    EXPECT_LT(directory->bytes_read, kFewBytes);
  }
  directory->bytes_read = 0;
  EXPECT_EQ(poll(reader, 2), "b next 3, first 1, 2 segments");
  EXPECT_GT(directory->bytes_read, 2 * kMegabyte) << "an entry is asked for: everything is read again";
}

TEST(LastReading, ASealedLogThatIsQuietIsAskedAsCheaply) {
  const auto directory = counted();
  put(*directory, 1, SegmentImage(1).entry("a").durable(1).seal());
  put(*directory, 2, Bytes(kMegabyte));
  const WalReader<std::string> reader(directory);
  EXPECT_EQ(poll(reader, 1), "a next 2, first 1, 1 segments");
  directory->bytes_read = 0;
  EXPECT_EQ(poll(reader, 2), "next 2, first 1, 1 segments");
  EXPECT_LT(directory->bytes_read, kFewBytes);
  put(*directory, 2, SegmentImage(2, 2).entry("b").zeros(kMegabyte));
  EXPECT_EQ(poll(reader, 2), "b next 3, first 1, 2 segments");
}

TEST(LastReading, WhatHasComeSinceIsReadFromThereOn) {
  const auto directory = counted();
  SegmentImage one(1);
  one.entry(std::string(kMegabyte, 'x'));
  put(*directory, 1, one);
  const WalReader<std::string> reader(directory);
  ASSERT_TRUE(reader.count(ReadMode::kStrict));
  directory->bytes_read = 0;
  put(*directory, 1, one.entry("b"));
  EXPECT_EQ(poll(reader, 2), "b next 3, first 1, 1 segments");
  EXPECT_LT(directory->bytes_read, kFewBytes);
  put(*directory, 1, one.entry("c").durable(3).seal());
  put(*directory, 2, SegmentImage(2, 4).entry("d"));
  EXPECT_EQ(poll(reader, 3), "c d next 5, first 1, 2 segments");
}

TEST(LastReading, SegmentsThatWereTruncatedAwayAreNoLongerInTheReport) {
  const auto directory = counted();
  put(*directory, 1, SegmentImage(1).entry("a").durable(1).seal());
  SegmentImage two(2, 2);
  put(*directory, 2, two.entry("b"));
  const WalReader<std::string> reader(directory);
  EXPECT_EQ(poll(reader, 1), "a b next 3, first 1, 2 segments");
  ASSERT_TRUE(directory->remove("wal/wal_1.log"));
  EXPECT_EQ(poll(reader, 3), "next 3, first 2, 1 segments");
  put(*directory, 2, two.entry("c"));
  EXPECT_EQ(poll(reader, 3), "c next 4, first 2, 1 segments");
  put(*directory, 3, SegmentImage(3, 4));
  ASSERT_TRUE(directory->remove("wal/wal_2.log"));
  EXPECT_EQ(poll(reader, 4), "next 4, first 4, 1 segments")
      << "the one that was read is gone: from the front";
}

// The place after the last entry looks the same in a log that was cut and went on otherwise.
TEST(LastReading, AnotherLogInItsPlaceIsReadFromItsFront) {
  const auto directory = counted();
  put(*directory, 1, SegmentImage(1).entry("a").entry("b").zeros(64));
  const WalReader<std::string> reader(directory);
  EXPECT_EQ(poll(reader, 1), "a b next 3, first 1, 1 segments");
  put(*directory, 1, SegmentImage(1).entry("a").entry("x").zeros(64));
  EXPECT_EQ(poll(reader, 3), "next 3, first 1, 1 segments");
  put(*directory, 1, SegmentImage(1).entry("a").zeros(96));
  EXPECT_EQ(poll(reader, 3), "next 2, first 1, 1 segments") << "it is shorter now";
  put(*directory, 1, SegmentImage(1, 1, test::log_id_from(7)).entry("a").zeros(96));
  EXPECT_EQ(poll(reader, 3), "next 2, first 1, 1 segments");
}

TEST(LastReading, DamageAfterTheLastEntryIsNotTakenForItsEnd) {
  const auto directory = counted();
  SegmentImage one(1);
  put(*directory, 1, one.entry("a").zeros(64));
  const WalReader<std::string> reader(directory);
  EXPECT_EQ(poll(reader, 1), "a next 2, first 1, 1 segments");
  put(*directory, 1, SegmentImage(1).entry("a").raw(as_bytes("garbage")).zeros(57));
  EXPECT_EQ(poll(reader, 2), "torn_tail");
  EXPECT_EQ(poll(reader, 2, ReadMode::kBestEffort), "next 2, first 1, 1 segments");
  put(*directory, 3, Bytes(8));
  EXPECT_EQ(poll(reader, 2, ReadMode::kBestEffort), "corrupt");
}

// Copies of a reader, as from() makes them, share what was read; each thread sees a whole reading.
TEST(LastReading, IsSharedByCopies) {
  const auto directory = counted();
  put(*directory, 1, SegmentImage(1).entry("a").zeros(kMegabyte));
  const WalReader<std::string> reader(directory);
  const auto copy = reader;
  EXPECT_EQ(poll(reader, 1), "a next 2, first 1, 1 segments");
  directory->bytes_read = 0;
  EXPECT_EQ(poll(copy.reading_ahead(), 2), "next 2, first 1, 1 segments");
  EXPECT_LT(directory->bytes_read, kFewBytes);
}

}  // namespace
}  // namespace durability::walog
