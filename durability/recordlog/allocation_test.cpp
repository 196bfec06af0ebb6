// What reading allocates, counted; and what becomes of a writer for whose errors there is no memory. This
// file replaces the operators new of the test program.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <string>

#include "durability/recordlog/reader.hpp"
#include "durability/recordlog/test_support.hpp"

namespace {

thread_local bool watching = false;
thread_local std::uint64_t allocations = 0;
thread_local std::uint64_t largest = 0;
thread_local std::uint64_t until_failure = 0;  // that allocation, and all after it, fail; 0: none

void* allocate(std::size_t size) {
  if (until_failure > 1) --until_failure;
  if (until_failure == 1) throw std::bad_alloc();
  if (watching) {
    ++allocations;
    largest = std::max<std::uint64_t>(largest, size);
  }
  if (void* block = std::malloc(size)) return block;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void operator delete(void* block) noexcept { std::free(block); }
void operator delete[](void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
void operator delete[](void* block, std::size_t) noexcept { std::free(block); }

namespace durability::recordlog {
namespace {

using test::FileImage;
using test::kFormats;
using test::kPath;

struct Watch {
  Watch() noexcept {
    allocations = largest = 0;
    watching = true;
  }
  ~Watch() { watching = false; }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
};

// C11: a damaged length made the crate allocate what it claimed.
TEST(RecordLogAllocation, IsBoundedByTheBytesThatAreThereWhateverALengthClaims) {
  for (const auto format : kFormats) {
    for (const std::uint32_t length : {0U, 1U, 15U, 16U, 1000U, kMaxPayloadBytes - 1, kMaxPayloadBytes,
                                       kMaxPayloadBytes + 1, 0x80000000U, 0xffffffffU}) {
      const FileImage image = FileImage(format).record("first").claim(length, "a few bytes");
      const auto directory = test::directory_with(image);
      for (const auto mode : {ReadMode::kStrict, ReadMode::kBestEffort}) {
        const Watch watch;
        static_cast<void>(RecordLogReader<Bytes>(directory, kPath).count(mode));
        EXPECT_LE(largest, image.bytes.size() + 1024) << length;
      }
      const Watch watch;
      RecordLogOptions options;
      options.buffer_bytes = 64;
      static_cast<void>(test::open_writer(directory, options));
      EXPECT_LE(largest, image.bytes.size() + 1024) << length;
    }
  }
}

// The error of a failed fdatasync needs memory. Where there was none, nothing said that the sync had failed:
// the next one synced the same file, which by then had lost its dirty pages, and yielded a DurableId.
TEST(RecordLogAllocation, AFailedSyncForWhoseErrorThereIsNoMemoryEndsTheWriterAllTheSame) {
  bool ran_out = true;
  std::uint64_t syncs_failed = 0;
  for (std::uint64_t n = 1; ran_out; ++n) {
    const auto faulty = test::FaultyDirectory::make(test::CrashDirectory::make());
    auto writer = test::open_writer(faulty).value();
    ASSERT_TRUE(writer->append(as_bytes("kept")));
    ASSERT_TRUE(writer->flush_and_sync());
    ASSERT_TRUE(writer->append(as_bytes("lost")));
    ASSERT_TRUE(writer->flush());
    faulty->fail({.operation = test::Operation::kSyncData});
    const std::uint64_t syncs = faulty->count(test::Operation::kSyncData);
    try {
      until_failure = n + 1;
      const auto synced = writer->flush_and_sync();
      until_failure = 0;
      ran_out = false;
      EXPECT_EQ(test::outcome(synced), "io");
    } catch (const std::bad_alloc&) {
      until_failure = 0;
    }
    faulty->mend();
    if (faulty->count(test::Operation::kSyncData) == syncs) continue;  // it ran out before
    ++syncs_failed;
    EXPECT_EQ(test::outcome(writer->flush_and_sync()), "poisoned") << "allocation " << n;
    EXPECT_EQ(test::outcome(writer->append(as_bytes("no"))), "poisoned");
    EXPECT_EQ(writer->durable_number()->value(), 1U);
    EXPECT_FALSE(writer->close());
  }
  EXPECT_GT(syncs_failed, 1U);
}

TEST(RecordLogAllocation, IsNonePerRecordInForEach) {
  const auto allocations_for = [](int records) {
    FileImage image(RecordLogFormat::kV2);
    for (int i = 0; i < records; ++i) image.record(std::string("\x14") + std::string(20, 'x'));
    const auto directory = test::directory_with(image);
    const RecordLogReader<std::string> reader(directory, kPath);
    const Watch watch;
    std::uint64_t bytes = 0;
    EXPECT_TRUE(
        reader.for_each(ReadMode::kStrict, [&](EntryId, const std::string& text) { bytes += text.size(); }));
    EXPECT_TRUE(reader.for_each_bytes(ReadMode::kStrict,
                                      [&](const RecordLogView& view) { bytes += view.payload.size(); }));
    EXPECT_EQ(bytes, 41U * static_cast<unsigned>(records));
    return allocations;
  };
  EXPECT_EQ(allocations_for(1000), allocations_for(10));
}

}  // namespace
}  // namespace durability::recordlog
