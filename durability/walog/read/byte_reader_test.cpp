// Reading beside others: ranges, ceilings, a live writer, a truncation, somebody else's hand in the file.

#include "durability/walog/read/byte_reader.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <thread>

#include "durability/storage/fs_directory.hpp"
#include "durability/walog/reader.hpp"
#include "durability/walog/test_support.hpp"

namespace durability::walog {
namespace {

using test::CrashDirectory;
using test::fails_with;
using test::FaultyDirectory;
using test::Operation;
using test::OperationRecord;
using test::put;
using test::read;
using test::read_strict;
using test::Repeat;
using test::SegmentImage;

/// a b | c d | e f, sealed but for the last.
std::shared_ptr<CrashDirectory> three_segments() {
  auto directory = CrashDirectory::make();
  put(*directory, 1, SegmentImage(1).entry("a").entry("b").durable(2).seal());
  put(*directory, 2, SegmentImage(2, 3).entry("c").entry("d").durable(4).seal());
  put(*directory, 3, SegmentImage(3, 5).entry("e").entry("f"));
  return directory;
}

std::string read_range(const std::shared_ptr<Directory>& directory, std::uint64_t from, std::uint64_t up_to) {
  return read(directory, ReadMode::kStrict, {.from = EntryId(from), .up_to = EntryId(up_to)});
}

TEST(ByteReader, DeliversEachRangeThatIsAskedFor) {
  const auto directory = three_segments();
  const std::string all = "abcdef";
  for (std::uint64_t from = 0; from <= 8; ++from) {
    for (std::uint64_t up_to = 1; up_to <= 8; ++up_to) {
      std::string expected;
      for (std::uint64_t id = std::max<std::uint64_t>(from, 1); id <= std::min<std::uint64_t>(up_to, 6);
           ++id) {
        if (!expected.empty()) expected += ' ';
        expected += all.at(id - 1);
      }
      EXPECT_EQ(read_range(directory, from, up_to), expected + ": ok") << from << " to " << up_to;
    }
  }
}

// The fuzz target wal_dir_replay found that a reading which stops inside an atomic batch reported the id
// after the batch as the next one.
TEST(ByteReader, AReadingThatStopsInsideABatchReportsWhereItStopped) {
  const auto directory = CrashDirectory::make();
  put(*directory, 1, SegmentImage(1).entry("a").part("b").part("c").entry("d").entry("e"));
  for (std::uint64_t last = 1; last <= 5; ++last) {
    const auto stop = [&](const WalEntryView& view) {
      return Result<Flow>(view.id.value() == last ? Flow::kStop : Flow::kContinue);
    };
    const ByteReader reader(directory);
    EXPECT_EQ(reader.for_each(ReadMode::kStrict, {}, stop).value().next, EntryId(last + 1));
    const EntryRange range{.up_to = EntryId(last)};
    const auto go_on = [](const WalEntryView&) { return Result<Flow>(Flow::kContinue); };
    EXPECT_EQ(reader.for_each(ReadMode::kStrict, range, go_on).value().next, EntryId(last + 1));
  }
}

TEST(ByteReader, ARangeThatBeginsBeforeTheLogIsInvalidStateAndNamesWhatIsMissing) {
  const auto directory = three_segments();
  ASSERT_TRUE(directory->remove_durable("wal/wal_1.log"));
  EXPECT_EQ(read_range(directory, 3, 8), "c d e f: ok");
  const auto report =
      ByteReader(directory).for_each(ReadMode::kStrict, {.from = EntryId(1)},
                                     [](const WalEntryView&) -> Result<Flow> { return Flow::kContinue; });
  ASSERT_TRUE(fails_with(report, ErrorCode::kTruncatedAway));
  EXPECT_EQ(report.error().expected(), 1U);
  EXPECT_EQ(report.error().actual(), 3U);
}

TEST(ByteReader, SegmentsBeforeTheRangeAreNotRead) {
  const auto inner = three_segments();
  put(*inner, 1, SegmentImage(1).entry("a").entry("b").durable(2).seal().flip(70));
  EXPECT_EQ(read_range(inner, 3, 8), "c d e f: ok");
  EXPECT_EQ(read_range(inner, 2, 8), ": corrupt");
}

// C5: a point-in-time ceiling ignores later corruption, and stops before it would decode anything.
TEST(ByteReader, ACeilingIgnoresDamageAfterIt) {
  const std::vector<std::function<void(CrashDirectory&)>> damages = {
      [](auto& d) { put(d, 2, SegmentImage(2, 3).entry("c").entry("d").seal().flip(64 + 32 + 24)); },
      [](auto& d) { put(d, 2, SegmentImage(2, 3).entry("c").entry("d")); },
      [](auto& d) { put(d, 3, SegmentImage(3, 5, test::log_id_from(9)).entry("e")); },
      [](auto& d) { put(d, 3, SegmentImage(3, 7).entry("e")); },
      [](auto& d) { put(d, 3, SegmentImage(3, 5).entry("e").raw(as_bytes("garbage"))); },
      [](auto& d) { put(d, 5, SegmentImage(5, 9).entry("i")); },
      [](auto& d) {
        for (const std::uint64_t zeros : {4U, 5U, 6U})
          d.write_durable(segment_path(SegmentId(zeros)), Bytes(64)).value();
      },
  };
  for (std::size_t i = 0; i < damages.size(); ++i) {
    const auto directory = three_segments();
    damages[i](*directory);
    EXPECT_EQ(read_range(directory, 0, 3), "a b c: ok") << i;
    EXPECT_NE(read_strict(directory), "a b c d e f: ok") << i;
  }
}

TEST(ByteReader, ASinkMayStopOrFail) {
  const auto directory = three_segments();
  int seen = 0;
  const auto stopped = ByteReader(directory).for_each(
      ReadMode::kStrict, {},
      [&](const WalEntryView&) -> Result<Flow> { return ++seen == 2 ? Flow::kStop : Flow::kContinue; });
  EXPECT_TRUE(stopped);
  EXPECT_EQ(seen, 2);
  const auto failed = ByteReader(directory).for_each(
      ReadMode::kStrict, {},
      [](const WalEntryView&) -> Result<Flow> { return Error(ErrorCode::kEncode, "the sink's own"); });
  ASSERT_TRUE(fails_with(failed, ErrorCode::kEncode));
  EXPECT_EQ(failed.error().message(), "the sink's own");
}

TEST(WalReader, NamesTheEntryThatDoesNotDecode) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  put(*directory, 1, SegmentImage(1).entry(std::string_view("\x01x", 2)).entry(std::string_view("\x09x", 2)));
  const WalReader<std::string> reader(directory);
  const auto replayed = reader.replay(ReadMode::kStrict);
  ASSERT_TRUE(fails_with(replayed, ErrorCode::kDecode));
  EXPECT_EQ(replayed.error().path(), "wal/wal_1.log");
  EXPECT_EQ(replayed.error().offset(), 96U);
  EXPECT_EQ(reader.count(ReadMode::kStrict).value(), 2U) << "counting decodes nothing";
  EXPECT_EQ(reader.up_to(EntryId(1)).replay(ReadMode::kStrict).value().size(), 1U);
  std::vector<std::string> seen;
  EXPECT_TRUE(fails_with(
      reader.for_each(ReadMode::kBestEffort, [&](EntryId, const std::string& text) { seen.push_back(text); }),
      ErrorCode::kDecode));
  EXPECT_EQ(seen, std::vector<std::string>{"x"});
}

// A last segment that could not be read hid all the others: whether it is a spare is looked at first. The
// error comes where the entries before it end, and whatever was taken for damage there may be the log's end.
TEST(ByteReader, ALastSegmentThatCannotBeReadHidesNoneBeforeIt) {
  for (const bool is_spare : {false, true}) {
    SCOPED_TRACE(is_spare);
    const auto directory = three_segments();
    if (is_spare) put(*directory, 4, Bytes(256));
    const auto faulty = FaultyDirectory::make(directory);
    const std::string path = is_spare ? "wal/wal_4.log" : "wal/wal_3.log";
    const std::string before = is_spare ? "a b c d e f" : "a b c d";
    for (const auto operation : {Operation::kOpen, Operation::kRead}) {
      faulty->fail({.operation = operation, .os_error = EIO, .repeat = Repeat::kSticky, .path = path});
      EXPECT_EQ(read(faulty, ReadMode::kStrict), before + ": io");
      EXPECT_EQ(read(faulty, ReadMode::kBestEffort), before + ": io");
      EXPECT_EQ(read(faulty, ReadMode::kStrict, {.up_to = EntryId(3)}), "a b c: ok");
      EXPECT_EQ(test::outcome(test::open_writer(faulty)), "io");
      faulty->mend();
    }
  }
}

TEST(ByteReader, DamageLongBeforeALastSegmentThatCannotBeReadIsDamage) {
  const auto directory = three_segments();
  put(*directory, 1, SegmentImage(1).entry("a").entry("b").durable(2).seal().flip(70));
  put(*directory, 4, Bytes(256));
  const auto faulty = FaultyDirectory::make(directory);
  faulty->fail(
      {.operation = Operation::kRead, .os_error = EIO, .repeat = Repeat::kSticky, .path = "wal/wal_4.log"});
  EXPECT_EQ(read(faulty, ReadMode::kStrict), ": corrupt");
}

// No file, no directory and no lock of the log is touched.
TEST(ByteReader, OnlyReads) {
  const auto directory = FaultyDirectory::make(three_segments());
  EXPECT_EQ(read_strict(directory), "a b c d e f: ok");
  EXPECT_TRUE(directory->changes().empty());
  EXPECT_EQ(directory->count(Operation::kLock), 0U);
  EXPECT_EQ(read_strict(CrashDirectory::make()), ": ok") << "no log is a log without entries";
}

/// Reading ahead on a second thread, or not.
class ByteReaderAhead : public ::testing::TestWithParam<bool> {
 protected:
  static ByteReader reader(const std::shared_ptr<Directory>& directory,
                           std::size_t buffer_bytes = FileWindow::kDefaultBytes) {
    return ByteReader(directory, buffer_bytes).reading_ahead(GetParam());
  }
};
INSTANTIATE_TEST_SUITE_P(Read, ByteReaderAhead, ::testing::Values(false, true),
                         [](const auto& ahead) { return ahead.param ? "Ahead" : "Plain"; });

// C20: the file is cut by somebody else while it is read: an error, not a signal. Reading ahead on a slow
// machine had once read whole entries past the cut before it was made, came back to a file that ends before
// where it was, found nothing there and called that the log's clean end.
TEST_P(ByteReaderAhead, SurvivesAFileThatIsCutWhileItIsRead) {
  std::string name = ::testing::TempDir() + "durability_walog_XXXXXX";
  ASSERT_NE(::mkdtemp(name.data()), nullptr);
  const std::shared_ptr<Directory> directory = FsDirectory::open(name).value();
  SegmentImage image(1);
  const std::string large(100'000, 'x');
  for (int i = 0; i < 20; ++i) image.entry(large);
  for (const std::uint64_t cut_after : {1U, 2U, 4U, 5U, 8U}) {
    SCOPED_TRACE(cut_after);
    put(*directory, 1, image);
    std::uint64_t seen = 0;
    const auto report =
        reader(directory).for_each(ReadMode::kStrict, {}, [&](const WalEntryView&) -> Result<Flow> {
          if (++seen == cut_after) std::filesystem::resize_file(name + "/wal/wal_1.log", 250'000);
          return Flow::kContinue;
        });
    EXPECT_LT(seen, 20U);
    EXPECT_TRUE(fails_with(report, ErrorCode::kTornTail));
  }
  std::filesystem::remove_all(name);
}

// The same for the older versions, to the byte where an entry ends.
TEST(ByteReader, TakesNoFileOfAnOlderVersionForWholeThatIsCutToLessThanWasRead) {
  WalOptions options = test::test_options();
  options.format = WalFormat::kV3;
  options.preallocate_bytes = 0;
  options.segment_bytes = 1U << 20U;
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  auto writer = test::open_writer(directory, options).value();
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(writer->append(as_bytes(std::string(100, 'x'))));
  ASSERT_TRUE(writer->close());
  const std::string segment = segment_path(SegmentId(1));
  std::uint64_t seen = 0;
  std::uint64_t end_of_first = 0;
  const auto report =
      ByteReader(directory, 256)
          .for_each(ReadMode::kStrict, {}, [&](const WalEntryView& entry) -> Result<Flow> {
            if (++seen == 2) end_of_first = entry.offset;
            if (seen == 4) {
              EXPECT_TRUE(directory->open(segment, OpenMode::kReadWrite).value()->truncate(end_of_first));
            }
            return Flow::kContinue;
          });
  EXPECT_LT(seen, 8U);
  EXPECT_TRUE(fails_with(report, ErrorCode::kTruncated));
}

// V15, deterministically: something happens between two of the reader's calls, at each of them in turn.
TEST(ByteReader, SeesAPrefixWhateverAWriterDoesBetweenTwoOfItsCalls) {
  WalOptions options = test::test_options();
  options.segment_bytes = 168;
  for (const bool truncating : {false, true}) {
    for (std::uint64_t n = 0;; ++n) {
      SCOPED_TRACE(fmt::format("call {}, truncating {}", n, truncating));
      const auto inner = CrashDirectory::make();
      auto writer = test::open_writer(inner, options).value();
      std::uint64_t appended = 0;
      const auto work = [&] {
        for (int i = 0; i < 5; ++i) {
          ASSERT_TRUE(writer->append(as_bytes(fmt::format("entry{}", ++appended))));
          ASSERT_TRUE(writer->flush());
        }
        if (!truncating) return;
        const auto durable = writer->flush_and_sync().value();
        ASSERT_TRUE(writer->truncate_prefix(durable));
      };
      for (int i = 0; i < 5; ++i) {
        ASSERT_TRUE(writer->append(as_bytes(fmt::format("entry{}", ++appended))));
        ASSERT_TRUE(writer->flush());
      }
      const auto reading = FaultyDirectory::make(inner);
      std::uint64_t calls = 0;
      reading->set_hook([&](const OperationRecord&) -> std::optional<durability::testing::Injection> {
        if (calls++ == n) work();
        return std::nullopt;
      });
      std::uint64_t last = 0;
      const auto report =
          ByteReader(reading).for_each(ReadMode::kStrict, {}, [&](const WalEntryView& view) -> Result<Flow> {
            EXPECT_TRUE(last == 0 || view.id.value() == last + 1) << "a gap";
            EXPECT_EQ(as_text(view.payload), fmt::format("entry{}", view.id));
            last = view.id.value();
            return Flow::kContinue;
          });
      if (calls <= n) break;
      if (!report) {
        EXPECT_TRUE(truncating);
        EXPECT_EQ(report.error().code(), ErrorCode::kTruncatedAway) << report.error();
      } else {
        EXPECT_GE(last, 5U);
      }
      EXPECT_LT(calls, 400U) << "bounded work";
    }
  }
}

// The same with threads.
TEST_P(ByteReaderAhead, ReadsBesideAWriterAndATruncation) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  WalOptions options;
  options.segment_bytes = 512;
  auto writer = test::open_writer(directory, options).value();
  std::atomic<bool> done{false};
  std::thread reading([&] {
    std::uint64_t highest = 0;
    do {
      std::uint64_t last = 0;
      const auto report = reader(directory, 256)
                              .for_each(ReadMode::kStrict, {}, [&](const WalEntryView& view) -> Result<Flow> {
                                EXPECT_TRUE(last == 0 || view.id.value() == last + 1) << "a gap";
                                EXPECT_EQ(as_text(view.payload), fmt::format("entry{}", view.id));
                                last = view.id.value();
                                return Flow::kContinue;
                              });
      if (report) {
        EXPECT_GE(last, highest) << "the log has grown shorter";
        highest = last;
      } else {
        EXPECT_EQ(report.error().code(), ErrorCode::kTruncatedAway) << report.error();
      }
    } while (!done);
  });
  for (std::uint64_t i = 1; i <= 400; ++i) {
    EXPECT_TRUE(writer->append(as_bytes(fmt::format("entry{}", i))));
    EXPECT_TRUE(writer->flush());
    if (i % 50 != 0) continue;
    const auto durable = writer->flush_and_sync();
    EXPECT_TRUE(durable && writer->truncate_prefix(*durable));
  }
  done = true;
  reading.join();
  EXPECT_TRUE(writer->close());
}

}  // namespace
}  // namespace durability::walog
