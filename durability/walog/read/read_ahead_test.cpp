// Reading ahead on a second thread is reading: the same entries, the same errors, and nothing left behind.

#include "durability/storage/read_ahead.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>

#include "durability/walog/test_support.hpp"

namespace durability::walog {
namespace {

using durability::testing::Injection;
using test::CrashDirectory;
using test::fails_with;
using test::FaultyDirectory;
using test::Operation;
using test::OperationRecord;
using test::put;
using test::read_fully;
using test::SegmentImage;

constexpr std::size_t kBuffer = 512;

/// A log of four segments, any way, with something wrong in it or not.
std::shared_ptr<CrashDirectory> any_log(std::mt19937_64& random) {
  const auto up_to = [&](std::uint64_t n) { return random() % (n + 1); };
  auto directory = CrashDirectory::make();
  std::uint64_t next = 1;
  const std::uint64_t damaged = up_to(8);
  for (std::uint64_t segment = 1; segment <= 4; ++segment) {
    SegmentImage image(segment, next);
    for (std::uint64_t entries = up_to(40); entries > 0; --entries, ++next) {
      const std::string payload(up_to(20) == 0 ? up_to(2000) : up_to(150),
                                static_cast<char>('a' + up_to(25)));
      image.durable(next - 1).entry(payload, entries > 1 && up_to(4) == 0);
    }
    if (segment < 4) image.durable(next - 1).seal();
    if (up_to(1) == 0) image.zeros(up_to(3000));
    if (damaged == segment) image.flip(up_to(image.bytes.size() - 1), static_cast<unsigned>(up_to(7)));
    if (damaged == segment + 4) image.bytes.resize(up_to(image.bytes.size()));
    put(*directory, segment, image);
  }
  return directory;
}

TEST(ReadAhead, DeliversAndReportsWhatIsDeliveredAndReportedWithout) {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    std::mt19937_64 random(seed);
    const auto directory = any_log(random);
    for (const std::size_t buffer : {64U, 256U, 1000U, 4096U}) {
      for (const ReadMode mode : {ReadMode::kStrict, ReadMode::kBestEffort}) {
        const ByteReader reader(directory, buffer);
        ASSERT_EQ(read_fully(reader.reading_ahead(), mode), read_fully(reader, mode))
            << "seed " << seed << ", buffer " << buffer;
      }
    }
  }
}

/// Two segments, of which the second one is longer than a buffer.
std::shared_ptr<CrashDirectory> long_log() {
  auto directory = CrashDirectory::make();
  put(*directory, 1, SegmentImage(1).entry("a").entry("b").durable(2).seal());
  SegmentImage image(2, 3);
  for (int i = 0; i < 100; ++i) image.entry("entry");
  put(*directory, 2, image);
  return directory;
}

/// Holds or fails what another thread than this one reads.
class SecondThread {
 public:
  explicit SecondThread(FaultyDirectory& directory) {
    directory.set_hook([this](const OperationRecord& record) { return on(record); });
  }
  void wait_until_it_reads() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return reads_ > 0; });
  }
  void hold() { held_ = true; }
  void release() {
    const std::lock_guard lock(mutex_);
    held_ = false;
    changed_.notify_all();
  }
  void fail() { fails_ = true; }
  [[nodiscard]] bool reading() {
    const std::lock_guard lock(mutex_);
    return reading_;
  }

 private:
  std::optional<Injection> on(const OperationRecord& record) {
    if (record.operation != Operation::kRead || std::this_thread::get_id() == first_) return std::nullopt;
    std::unique_lock lock(mutex_);
    reading_ = true;
    ++reads_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !held_; });
    reading_ = false;
    return fails_ ? std::optional(Injection{.os_error = EIO}) : std::nullopt;
  }

  const std::thread::id first_ = std::this_thread::get_id();
  std::mutex mutex_;
  std::condition_variable changed_;
  int reads_ = 0;
  bool held_ = false;
  bool reading_ = false;
  bool fails_ = false;
};

TEST(ReadAhead, AnErrorOfTheSecondThreadIsReportedWhereReadingGetsThere) {
  const auto directory = FaultyDirectory::make(long_log());
  SecondThread second(*directory);
  second.fail();
  EntryId last;
  const auto report =
      ByteReader(directory, kBuffer).reading_ahead().for_each(ReadMode::kStrict, {}, [&](const auto& view) {
        if (view.id == EntryId(3)) second.wait_until_it_reads();
        last = view.id;
        return Result<Flow>(Flow::kContinue);
      });
  ASSERT_TRUE(fails_with(report, ErrorCode::kIo));
  EXPECT_EQ(report.error().os_error(), EIO);
  EXPECT_EQ(report.error().path(), "wal/wal_2.log");
  EXPECT_GT(last, EntryId(3)) << "what had been read before is delivered";
  EXPECT_LT(last, EntryId(102));
}

TEST(ReadAhead, AnErrorThatNobodyGetsToIsNone) {
  const auto directory = FaultyDirectory::make(long_log());
  SecondThread second(*directory);
  second.fail();
  const EntryRange range{.up_to = EntryId(4)};
  const auto report = ByteReader(directory, kBuffer)
                          .reading_ahead()
                          .for_each(ReadMode::kStrict, range, [&](const auto& view) {
                            if (view.id == EntryId(3)) second.wait_until_it_reads();
                            return Result<Flow>(Flow::kContinue);
                          });
  EXPECT_TRUE(report) << report.error();
}

TEST(ReadAhead, ReadingThatStopsEarlyLeavesNoThreadBehind) {
  const auto directory = FaultyDirectory::make(long_log());
  SecondThread second(*directory);
  second.hold();
  std::thread releasing;
  const auto report =
      ByteReader(directory, kBuffer).reading_ahead().for_each(ReadMode::kStrict, {}, [&](const auto& view) {
        if (view.id < EntryId(3)) return Result<Flow>(Flow::kContinue);
        second.wait_until_it_reads();
        releasing = std::thread([&] { second.release(); });
        return Result<Flow>(Flow::kStop);
      });
  EXPECT_TRUE(report);
  EXPECT_FALSE(second.reading());
  releasing.join();
}

TEST(ReadAhead, YieldsTheChunksInOrderAndBeginsAnew) {
  const auto directory = FaultyDirectory::make(CrashDirectory::make());
  SegmentImage image(1);
  for (int i = 0; i < 100; ++i) image.entry("entry");
  put(*directory, 1, image);
  const std::shared_ptr<File> file = directory->open("wal/wal_1.log").value();
  SecondThread second(*directory);
  second.hold();
  ReadAhead ahead(64);
  ahead.start(file, 0, image.bytes.size());
  second.wait_until_it_reads();
  second.release();
  Bytes seen;
  while (seen.size() < image.bytes.size()) {
    const ByteView some = ahead.next({}).value();
    seen.insert(seen.end(), some.begin(), some.end());
  }
  EXPECT_EQ(seen, image.bytes);
  ahead.start(file, 100, 200);
  EXPECT_EQ(as_text(ahead.next(as_bytes("front")).value().first(5)), "front");
}

}  // namespace
}  // namespace durability::walog
