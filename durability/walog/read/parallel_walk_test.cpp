// Verifying on several threads is reading: the same counts, the same report, the same errors.

#include "durability/walog/read/parallel_walk.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <random>
#include <thread>

#include "durability/walog/test_support.hpp"

namespace durability::walog {
namespace {

using durability::testing::Injection;
using test::CrashDirectory;
using test::FaultyDirectory;
using test::Operation;
using test::OperationRecord;
using test::put;
using test::SeededRandom;
using test::SegmentImage;

constexpr std::size_t kBuffer = 128;  // a segment takes several reads

/// What was counted, and what was reported, in words.
class Count {
 public:
  void add(const WalEntryRun& run) {
    if (runs_ == 0) first_ = run.first;
    EXPECT_GT(run.entries, 0U);
    EXPECT_TRUE(runs_ == 0 || run.first == next_) << run.first << " where " << next_ << " is due";
    next_ = EntryId(run.first.value() + run.entries);
    payload_bytes_ += run.payload_bytes;
    ++runs_;
  }
  [[nodiscard]] std::string words(const Result<WalReadReport>& report) const {
    std::string words = fmt::format("{} to {}, {} bytes; ", first_, next_, payload_bytes_);
    if (!report)
      return words + fmt::format("{}: {}", code_name(report.error().code()), report.error().to_string());
    return words + fmt::format("{} to {}, {} segments, {} bytes, torn: {}", report->first, report->next,
                               report->segments, report->bytes, report->torn_tail);
  }
  [[nodiscard]] std::uint64_t runs() const { return runs_; }
  [[nodiscard]] EntryId next() const { return next_; }

 private:
  EntryId first_;
  EntryId next_;
  std::uint64_t payload_bytes_ = 0;
  std::uint64_t runs_ = 0;
};

std::string read(const std::shared_ptr<Directory>& directory, ReadMode mode, const EntryRange& range = {}) {
  Count count;
  const EntrySink sink = [&](const WalEntryView& entry) -> Result<Flow> {
    count.add({.first = entry.id, .payload_bytes = entry.payload.size()});
    return Flow::kContinue;
  };
  const auto report = ByteReader(directory, kBuffer).for_each(mode, range, sink);
  return count.words(report);
}

std::string verify(const std::shared_ptr<Directory>& directory, ReadMode mode, std::size_t threads,
                   const EntryRange& range = {}) {
  Count count;
  const RunSink sink = [&](const WalEntryRun& run) { count.add(run); };
  const auto report = ByteReader(directory, kBuffer).verify(mode, range, sink, threads);
  return count.words(report);
}

void expect_the_same(const std::shared_ptr<Directory>& directory) {
  ASSERT_EQ(verify(directory, ReadMode::kStrict, 2), read(directory, ReadMode::kStrict));
  ASSERT_EQ(verify(directory, ReadMode::kBestEffort, 4), read(directory, ReadMode::kBestEffort));
}

/// File names in `wal/`, and what is in them.
using Files = std::map<std::string, std::string>;

void write(Directory& directory, const std::string& name, std::string_view bytes) {
  ASSERT_TRUE(directory.write_durable("wal/" + name, as_bytes(bytes)));
}

std::shared_ptr<CrashDirectory> laid_out(const Files& files) {
  auto directory = CrashDirectory::make();
  for (const auto& [name, bytes] : files) write(*directory, name, bytes);
  return directory;
}

/// Several segments by a writer of each version in turn.
Files written_as(const std::vector<WalFormat>& formats) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  std::uint64_t seed = 0;
  for (const WalFormat format : formats) {
    WalOptions options = test::test_options();
    options.format = format;
    options.segment_bytes = 168;
    options.preallocate_bytes = 168;
    options.random = std::make_shared<SeededRandom>(++seed);
    auto writer = test::open_writer(directory, options).value();
    for (int i = 0; i < 9; ++i) {
      EXPECT_TRUE(writer->append(as_bytes(fmt::format("entry number {}", i))));
      EXPECT_TRUE(writer->flush_and_sync());
    }
    const std::vector<ByteView> batch = {as_bytes("x"), as_bytes("y"), as_bytes("z")};
    if (format == WalFormat::kV4) {
      EXPECT_TRUE(writer->append_batch_atomic(batch));
    }
    EXPECT_TRUE(writer->close());
  }
  return test::snapshot(*directory);
}

class ParallelWalkOf : public ::testing::TestWithParam<std::vector<WalFormat>> {
 protected:
  void SetUp() override { ASSERT_GE(files_.size(), 3U); }
  const Files files_ = written_as(GetParam());
};

using enum WalFormat;
INSTANTIATE_TEST_SUITE_P(Versions, ParallelWalkOf,
                         ::testing::Values(std::vector{kV2}, std::vector{kV3}, std::vector{kV4},
                                           std::vector{kV4, kV2, kV3, kV4}),
                         [](const auto& log) {
                           std::string name;
                           for (const WalFormat format : log.param)
                             name += fmt::format("V{}", static_cast<int>(format));
                           return name;
                         });

TEST_P(ParallelWalkOf, ASoundLogIsSoundOnAnyNumberOfThreads) {
  const auto directory = laid_out(files_);
  expect_the_same(directory);
  const std::string serial = read(directory, ReadMode::kStrict);
  EXPECT_NE(serial.find("torn: false"), std::string::npos) << serial;
  for (const std::size_t threads : {0U, 1U, 3U, 100U}) {
    EXPECT_EQ(verify(directory, ReadMode::kStrict, threads), serial);
  }
}

// C13. What a thread walked from the start that a damaged header states, or to an end that is none, must not
// count.
TEST_P(ParallelWalkOf, ADamagedByteIsReportedAsByReading) {
  std::mt19937_64 random(7);
  const auto directory = laid_out(files_);
  for (const auto& [name, bytes] : files_) {
    for (std::size_t at = 0; at < bytes.size(); at += 1 + random() % 9) {
      const unsigned bit = random() % 8;
      SCOPED_TRACE(fmt::format("{} byte {} bit {}", name, at, bit));
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      write(*directory, name, damaged);
      expect_the_same(directory);
      if (HasFatalFailure()) return;
    }
    write(*directory, name, bytes);
  }
}

TEST_P(ParallelWalkOf, AFileThatIsCutIsReportedAsByReading) {
  const auto directory = laid_out(files_);
  for (const auto& [name, bytes] : files_) {
    for (std::size_t size = 0; size < bytes.size(); size += 5) {
      SCOPED_TRACE(fmt::format("{} cut to {}", name, size));
      write(*directory, name, bytes.substr(0, size));
      expect_the_same(directory);
      if (HasFatalFailure()) return;
    }
    write(*directory, name, bytes);
  }
}

TEST_P(ParallelWalkOf, AMissingFileOrAMissingHeaderIsReportedAsByReading) {
  const auto directory = laid_out(files_);
  for (const auto& [name, bytes] : files_) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(directory->remove("wal/" + name));
    expect_the_same(directory);
    std::string headless = bytes;
    headless.replace(0, v4::kHeaderBytes, v4::kHeaderBytes, '\0');
    write(*directory, name, headless);
    expect_the_same(directory);
    write(*directory, name, bytes);
    if (HasFatalFailure()) return;
  }
}

/// A bad place on the disk: the operation fails from the n-th time on that a thread does it to the file, and
/// for each thread alike.
class BadPlace {
 public:
  BadPlace(FaultyDirectory& directory, Operation operation, std::string path, int n) {
    directory.set_hook([=, this](const OperationRecord& record) -> std::optional<Injection> {
      if (record.operation != operation || record.path != path) return std::nullopt;
      const std::lock_guard lock(mutex_);
      if (times_[std::this_thread::get_id()]++ < n) return std::nullopt;
      met_ = true;
      return Injection{.os_error = EIO};
    });
  }
  [[nodiscard]] bool was_met() const { return met_; }
  void next_reading() { times_.clear(); }

 private:
  std::mutex mutex_;
  std::map<std::thread::id, int> times_;
  bool met_ = false;
};

// An error of a read, the opening or the size of a file, wherever it is.
TEST_P(ParallelWalkOf, AnErrorOfTheDiskIsReportedWhereReadingMeetsIt) {
  const auto inner = laid_out(files_);
  for (const auto& [name, bytes] : files_) {
    for (const Operation operation : {Operation::kOpen, Operation::kSize, Operation::kRead}) {
      for (int n = 0;; ++n) {
        SCOPED_TRACE(fmt::format("{} {} after {}", operation_name(operation), name, n));
        const auto directory = FaultyDirectory::make(inner);
        BadPlace bad(*directory, operation, "wal/" + name, n);
        const std::string serial = read(directory, ReadMode::kStrict);
        const bool was_met = bad.was_met();
        for (const std::size_t threads : {2U, 4U}) {
          bad.next_reading();
          ASSERT_EQ(verify(directory, ReadMode::kStrict, threads), serial);
        }
        if (!was_met) break;
      }
    }
  }
}

/// Holds threads until something has happened.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

bool opens(const OperationRecord& record, std::uint64_t segment) {
  return record.operation == Operation::kOpen && record.path == segment_path(SegmentId(segment));
}

TEST_P(ParallelWalkOf, TheThreadsReadAllSegmentsButTheFinalOne) {
  const auto inner = laid_out(files_);
  const std::uint64_t final = ByteReader(inner).verify(ReadMode::kStrict, {}, [](const auto&) {})->segments;
  std::vector<std::pair<EntryId, std::uint64_t>> expected;
  SegmentId last;
  ASSERT_TRUE(ByteReader(inner).for_each(ReadMode::kStrict, {}, [&](const WalEntryView& entry) {
    const bool goes_on = entry.segment == last && last.value() != final;
    if (goes_on) ++expected.back().second;
    if (!goes_on) expected.emplace_back(entry.id, 1);
    last = entry.segment;
    return Result<Flow>(Flow::kContinue);
  }));

  // The pass begins when the last segment has been begun, and that one's walk ends when the pass is there.
  const auto directory = FaultyDirectory::make(inner);
  Gate begun;
  Gate needed;
  const auto self = std::this_thread::get_id();
  const std::string last_path = segment_path(SegmentId(final - 1));
  directory->set_hook([&](const OperationRecord& record) -> std::optional<Injection> {
    const bool mine = std::this_thread::get_id() == self;
    if (mine && opens(record, 1)) begun.pass();
    if (mine && record.operation == Operation::kRead && record.path == last_path) needed.open();
    if (!mine && record.path == last_path) {
      begun.open();
      needed.pass();
    }
    return std::nullopt;
  });
  std::vector<std::pair<EntryId, std::uint64_t>> runs;
  const RunSink sink = [&](const WalEntryRun& run) { runs.emplace_back(run.first, run.entries); };
  ASSERT_TRUE(ByteReader(directory, kBuffer).verify(ReadMode::kStrict, {}, sink, 2));
  EXPECT_EQ(runs, expected);
}

// A disk that reads only for the thread that calls, or that recovers: nothing is lost with the others.
TEST_P(ParallelWalkOf, AnErrorThatOnlyTheOtherThreadsMeetIsNone) {
  const auto inner = laid_out(files_);
  const auto self = std::this_thread::get_id();
  for (const Operation operation : {Operation::kOpen, Operation::kSize, Operation::kRead}) {
    const auto directory = FaultyDirectory::make(inner);
    directory->set_hook([&](const OperationRecord& record) -> std::optional<Injection> {
      if (record.operation != operation || std::this_thread::get_id() == self) return std::nullopt;
      return Injection{.os_error = EIO};
    });
    EXPECT_EQ(verify(directory, ReadMode::kStrict, 2), read(inner, ReadMode::kStrict));
  }
}

/// Five segments of two entries.
SegmentImage segment_of_five(std::uint64_t segment, std::uint64_t created_at = 1) {
  const std::uint64_t first = 2 * segment - 1;
  SegmentImage image(SegmentHeader{.log_id = test::log_id_from(0),
                                   .segment_id = SegmentId(segment),
                                   .start = EntryId(first),
                                   .created_at = created_at});
  image.entry("first").entry("second").durable(first + 1);
  return segment < 5 ? image.seal() : image;
}

/// Replaces segment 2 of five when the first reading begins, after a thread has walked it, where there are
/// threads; and again for the second reading. A thread that has come further waits for the first one.
class ReplacedSegment2 {
 public:
  ReplacedSegment2(FaultyDirectory& directory, std::shared_ptr<Directory> inner,
                   const std::vector<SegmentImage>& by, bool threads)
      : inner_(std::move(inner)) {
    directory.set_hook([this, by, threads, self = std::this_thread::get_id()](
                           const OperationRecord& record) -> std::optional<Injection> {
      if (record.operation != Operation::kOpen) return std::nullopt;
      if (std::this_thread::get_id() != self) {
        on_thread(record);
      } else if (opens(record, 1)) {
        if (threads) walked_.pass();
        put(*inner_, 2, by.at(0));
      } else if (opens(record, 5) && ++listings_ == 2) {
        put(*inner_, 2, by.at(1));
      }
      return std::nullopt;
    });
  }

 private:
  void on_thread(const OperationRecord& record) {
    if (opens(record, 2)) {
      walker_ = std::this_thread::get_id();
    } else if (walker_ == std::this_thread::get_id()) {
      walked_.open();
    } else if (!opens(record, 1)) {
      walked_.pass();
    }
  }

  const std::shared_ptr<Directory> inner_;
  std::atomic<std::thread::id> walker_{};
  Gate walked_;
  int listings_ = 0;
};

// What stands there when its turn comes counts, not what a thread saw there before; and what the first
// reading counted, the second one does not count again.
TEST(ParallelWalk, ASegmentThatIsReplacedOnceItWasWalkedIsReadAgain) {
  const SegmentImage sound = segment_of_five(2);
  const SegmentImage longer = segment_of_five(2).zeros(8).raw(as_bytes("x"));
  const SegmentImage with_another_header = segment_of_five(2, 2).flip(sound.at(1));
  const std::vector<std::vector<SegmentImage>> replacements = {
      {with_another_header, with_another_header}, {longer, longer}, {longer, sound}};
  for (const auto& by : replacements) {
    const auto told = [&](bool threads) {
      const auto inner = CrashDirectory::make();
      for (std::uint64_t segment = 1; segment <= 5; ++segment) {
        put(*inner, segment, segment_of_five(segment));
      }
      const auto directory = FaultyDirectory::make(inner);
      const ReplacedSegment2 replaced(*directory, inner, by, threads);
      return threads ? verify(directory, ReadMode::kStrict, 2) : read(directory, ReadMode::kStrict);
    };
    EXPECT_EQ(told(true), told(false));
  }
}

// V15: a writer appends, rotates and truncates between two calls of one of the threads.
TEST(ParallelWalk, CountsAPrefixWhateverAWriterDoesMeanwhile) {
  WalOptions options = test::test_options();
  options.segment_bytes = 168;
  for (const bool truncating : {false, true}) {
    bool was_in_time = true;
    for (std::uint64_t n = 0; was_in_time; ++n) {
      SCOPED_TRACE(fmt::format("call {}, truncating {}", n, truncating));
      const auto inner = CrashDirectory::make();
      auto writer = test::open_writer(inner, options).value();
      const auto append = [&](int entries) {
        for (int i = 0; i < entries; ++i) {
          ASSERT_TRUE(writer->append(as_bytes("entry")));
          ASSERT_TRUE(writer->flush());
        }
      };
      append(12);
      const auto directory = FaultyDirectory::make(inner);
      std::atomic<std::uint64_t> calls = 0;
      directory->set_hook([&](const OperationRecord&) -> std::optional<Injection> {
        if (calls++ != n) return std::nullopt;
        append(5);
        if (truncating) {
          EXPECT_TRUE(writer->truncate_prefix(writer->flush_and_sync().value()));
        }
        return std::nullopt;
      });
      Count count;
      const auto report = ByteReader(directory).verify(
          ReadMode::kStrict, {}, [&](const WalEntryRun& run) { count.add(run); }, 2);
      was_in_time = calls > n;
      if (report) {
        EXPECT_EQ(count.next(), report->next);
        EXPECT_GE(count.next(), EntryId(13));
      } else {
        EXPECT_TRUE(truncating);
        EXPECT_EQ(report.error().code(), ErrorCode::kTruncatedAway) << report.error();
      }
      EXPECT_LT(calls, 1000U) << "bounded work";
    }
  }
}

// The same with threads on both sides.
TEST(ParallelWalk, VerifiesBesideAWriterAndATruncation) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  WalOptions options;
  options.segment_bytes = 512;
  auto writer = test::open_writer(directory, options).value();
  std::atomic<bool> done{false};
  std::thread verifying([&] {
    std::uint64_t highest = 0;
    do {
      Count count;
      const auto report =
          ByteReader(directory, 256)
              .verify(ReadMode::kStrict, {}, [&](const WalEntryRun& run) { count.add(run); }, 3);
      if (report) {
        EXPECT_GE(report->next.value(), highest) << "the log has grown shorter";
        highest = report->next.value();
      } else {
        EXPECT_EQ(report.error().code(), ErrorCode::kTruncatedAway) << report.error();
      }
    } while (!done);
  });
  for (std::uint64_t i = 1; i <= 400; ++i) {
    EXPECT_TRUE(writer->append(as_bytes("entry")));
    EXPECT_TRUE(writer->flush());
    if (i % 50 != 0) continue;
    const auto durable = writer->flush_and_sync();
    EXPECT_TRUE(durable && writer->truncate_prefix(*durable));
  }
  done = true;
  verifying.join();
  EXPECT_TRUE(writer->close());
}

TEST(ParallelWalk, ARangeIsReadAsByReading) {
  const auto directory = laid_out(written_as({kV4}));
  for (const EntryRange& range : {EntryRange{.from = EntryId(6)}, EntryRange{.up_to = EntryId(6)}}) {
    EXPECT_EQ(verify(directory, ReadMode::kStrict, 4, range), read(directory, ReadMode::kStrict, range));
  }
}

}  // namespace
}  // namespace durability::walog
