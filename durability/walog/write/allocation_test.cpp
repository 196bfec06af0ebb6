// What allocates, counted. This file replaces the operators new of the test program, for AllocationWatch.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <new>
#include <string>
#include <vector>

#include "durability/walog/reader.hpp"
#include "durability/walog/test_support.hpp"
#include "durability/walog/writer.hpp"

namespace durability::walog::test {
namespace {

struct Counters {
  bool watching = false;
  std::uint64_t count = 0;
  std::int64_t held = 0;
  std::int64_t peak = 0;
  std::uint64_t successes_left = ~std::uint64_t{0};
};
thread_local Counters counters;

// Before each block stands its size; as much room as keeps the block aligned.
constexpr std::size_t kRoom = alignof(std::max_align_t);

void* allocate(std::size_t size) {
  if (counters.watching) {
    if (counters.successes_left == 0) {
      counters.successes_left = ~std::uint64_t{0};
      throw std::bad_alloc();
    }
    --counters.successes_left;
    ++counters.count;
    counters.held += static_cast<std::int64_t>(size);
    counters.peak = std::max(counters.peak, counters.held);
  }
  void* block = std::malloc(size + kRoom);
  if (block == nullptr) throw std::bad_alloc();
  *static_cast<std::size_t*>(block) = size;
  return static_cast<char*>(block) + kRoom;
}

void release(void* pointer) noexcept {
  if (pointer == nullptr) return;
  void* block = static_cast<char*>(pointer) - kRoom;
  if (counters.watching) counters.held -= static_cast<std::int64_t>(*static_cast<std::size_t*>(block));
  std::free(block);
}

}  // namespace

AllocationWatch::AllocationWatch() noexcept { counters = {.watching = true}; }
AllocationWatch::~AllocationWatch() { counters = {}; }
void AllocationWatch::fail_after(std::uint64_t successes) noexcept { counters.successes_left = successes; }
void AllocationWatch::fail_none() noexcept { counters.successes_left = ~std::uint64_t{0}; }
std::uint64_t AllocationWatch::count() noexcept { return counters.count; }
std::uint64_t AllocationWatch::peak_bytes() noexcept {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(counters.peak, 0));
}

}  // namespace durability::walog::test

void* operator new(std::size_t size) { return durability::walog::test::allocate(size); }
void* operator new[](std::size_t size) { return durability::walog::test::allocate(size); }
void operator delete(void* pointer) noexcept { durability::walog::test::release(pointer); }
void operator delete[](void* pointer) noexcept { durability::walog::test::release(pointer); }
void operator delete(void* pointer, std::size_t) noexcept { durability::walog::test::release(pointer); }
void operator delete[](void* pointer, std::size_t) noexcept { durability::walog::test::release(pointer); }

namespace durability::walog {
namespace {

using test::AllocationWatch;

struct Event {
  std::uint64_t at = 0;
  std::string key;
  std::string value;
};

Event event_of(int i) {
  return {.at = static_cast<std::uint64_t>(i),
          .key = "a key that is longer than a small string " + std::to_string(i),
          .value = "a value that is longer than a small string, too"};
}

TEST(Allocations, TheWatchCountsAndFails) {
  using Block = std::array<char, 1000>;
  const AllocationWatch watch;
  auto block = std::make_unique<Block>();
  EXPECT_EQ(AllocationWatch::count(), 1U);
  EXPECT_EQ(AllocationWatch::peak_bytes(), 1000U);
  block.reset();
  AllocationWatch::fail_after(0);
  EXPECT_THROW(block = std::make_unique<Block>(), std::bad_alloc);
}

TEST(Allocations, AppendingAllocatesNothingPerEntry) {
  const auto directory = MemoryDirectory::make();
  WalOptions options = test::one_segment();
  options.segment_bytes = 16U << 20U;
  auto wal = WalWriter<Event>::open(directory, options).value();
  std::vector<Event> events;
  events.reserve(10'000);
  for (int i = 0; i < 10'000; ++i) events.push_back(event_of(i));
  ASSERT_TRUE(wal.append(events.back()));
  ASSERT_TRUE(wal.flush());
  // The file in memory grows now and then; so does nothing else.
  std::uint64_t unflushed = 0;
  std::uint64_t all = 0;
  {
    const AllocationWatch watch;
    for (int i = 0; i < 50; ++i) {
      if (!wal.append(events[static_cast<std::size_t>(i)])) break;
    }
    unflushed = AllocationWatch::count();
    for (const Event& event : events) {
      if (!wal.append(event)) break;
    }
    all = AllocationWatch::count();
  }
  EXPECT_EQ(wal.last_entry_id(), EntryId(10'051));
  EXPECT_EQ(unflushed, 0U);
  EXPECT_LE(all, 40U) << "the spare's preparation, and doublings of the file in memory";
}

TEST(Allocations, RotationAllocatesABoundedNumberOfTimes) {
  const auto directory = MemoryDirectory::make();
  WalOptions options = test::one_segment();
  options.segment_bytes = 64U << 10U;
  auto wal = WalWriter<Event>::open(directory, options).value();
  const Event event = event_of(1);
  std::uint64_t count = 0;
  {
    const AllocationWatch watch;
    for (int i = 0; i < 10'000; ++i) {
      if (!wal.append(event)) break;
    }
    count = AllocationWatch::count();
  }
  EXPECT_EQ(wal.last_entry_id(), EntryId(10'000));
  ASSERT_GE(wal.segment_id(), SegmentId(15));
  EXPECT_LE(count, wal.segment_id().value() * 100);
}

class Replay : public ::testing::Test {
 protected:
  void SetUp() override {
    auto wal = WalWriter<Event>::open(directory_, test::one_segment()).value();
    for (int i = 0; i < 5'000; ++i) ASSERT_TRUE(wal.append(event_of(i)));
    ASSERT_TRUE(wal.close());
  }
  static void count_allocations(const WalReader<Event>& reader);
  std::shared_ptr<Directory> directory_ = MemoryDirectory::make();
};

// The allocations of a reading must not depend on how many entries it delivers.
TEST_F(Replay, OfBytesAllocatesNothingPerEntry) { count_allocations(WalReader<Event>(directory_)); }
TEST_F(Replay, ReadingAheadAllocatesNothingPerEntry) {
  count_allocations(WalReader<Event>(directory_).reading_ahead());
}

void Replay::count_allocations(const WalReader<Event>& reader) {
  std::uint64_t entries = 0;
  std::uint64_t at_first = 0;
  std::uint64_t at_last = 0;
  const AllocationWatch watch;
  const auto report = reader.for_each_bytes(ReadMode::kStrict, [&](const WalEntryView&) {
    if (entries++ == 10) at_first = AllocationWatch::count();
    at_last = AllocationWatch::count();
  });
  ASSERT_TRUE(report);
  EXPECT_EQ(entries, 5'000U);
  EXPECT_EQ(at_last, at_first);
}

TEST_F(Replay, IntoAStructAllocatesNothingPerEntryOnceItsStringsHaveGrown) {
  std::uint64_t entries = 0;
  std::uint64_t at_first = 0;
  std::uint64_t at_last = 0;
  const AllocationWatch watch;
  const auto report =
      WalReader<Event>(directory_).for_each(ReadMode::kStrict, [&](EntryId, const Event& event) {
        if (entries++ == 1'000) at_first = AllocationWatch::count();
        at_last = AllocationWatch::count();
        if (event.value.empty()) at_last = ~std::uint64_t{0};
      });
  ASSERT_TRUE(report);
  EXPECT_EQ(entries, 5'000U);
  EXPECT_EQ(at_last, at_first);
}

}  // namespace
}  // namespace durability::walog
