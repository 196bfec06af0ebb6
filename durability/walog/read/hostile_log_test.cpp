// Logs from elsewhere: whatever they claim, reading them takes memory and work in proportion to what they
// hold.

#include <gtest/gtest.h>

#include <limits>

#include "durability/walog/read/frame_search.hpp"
#include "durability/walog/read/scan.hpp"
#include "durability/walog/test_support.hpp"

namespace durability::walog {
namespace {

using test::AllocationWatch;
using test::put;
using test::SegmentImage;

constexpr std::uint64_t kMebibyte = 1U << 20U;
constexpr std::uint64_t kMaxId = std::numeric_limits<std::uint64_t>::max();

FileWindow window_on(Directory& directory, std::uint64_t segment) {
  std::shared_ptr<File> file = directory.open(segment_path(SegmentId(segment))).value();
  const std::uint64_t size = file->size().value();
  return {std::move(file), size};
}

// C11: no length field decides an allocation before its bytes are there.
TEST(HostileLog, NoLengthFieldMakesReadingAllocateMoreThanTheFileAndAMebibyte) {
  constexpr std::uint32_t kCap = v4::kMaxPayloadBytes + v4::kFrameHeadBytes;
  for (const std::uint32_t length : {0U, 1U, 15U, 16U, 23U, 24U, kCap - 1, kCap, kCap + 1, 1U << 31U, ~0U}) {
    for (const std::size_t after : {std::size_t{0}, std::size_t{100}, std::size_t{3} * kMebibyte}) {
      for (const std::size_t frame : {std::size_t{0}, std::size_t{1}, std::size_t{2}}) {
        SCOPED_TRACE(fmt::format("length {} in frame {}, {} bytes after", length, frame, after));
        const auto directory = MemoryDirectory::make();
        SegmentImage image = SegmentImage(1).entry("a").entry("b").seal();
        store_le(MutableByteView(image.bytes), image.at(frame) + 4, length);
        image.raw(Bytes(after, std::byte{0x5a}));
        put(*directory, 1, image);
        put(*directory, 2, Bytes(8));
        std::string code;
        std::uint64_t peak = 0;
        {
          const AllocationWatch watch;
          const auto report = ByteReader(directory).for_each(
              ReadMode::kStrict, {}, [](const WalEntryView&) -> Result<Flow> { return Flow::kContinue; });
          peak = AllocationWatch::peak_bytes();
          code = test::outcome(report);
        }
        EXPECT_LE(peak, image.bytes.size() + kMebibyte);
        EXPECT_NE(code, "ok");
      }
    }
  }
}

// A long tail of garbage is searched once.
TEST(HostileLog, SixtyFourMebibytesOfGarbageAreSearchedInLinearWork) {
  testing::SeededRandom random(4);
  const auto directory = MemoryDirectory::make();
  SegmentImage image = SegmentImage(1).entry("a");
  const std::uint64_t begin = image.bytes.size();
  image.bytes.resize(64 * kMebibyte);
  for (std::size_t at = begin; at + 8 <= image.bytes.size(); at += 8) {
    store_le(MutableByteView(image.bytes), at, random.next_u64());
  }
  put(*directory, 1, image);
  auto window = window_on(*directory, 1);
  const auto search = search_past({window, image.header()}, begin, EntryId(2)).value();
  EXPECT_LE(search.checksummed, kSearchBudgetFactor * (window.size() - begin));
  EXPECT_FALSE(search.vouched);
  EXPECT_EQ(test::read_strict(directory), "a: torn_tail");
  EXPECT_EQ(test::read(directory, ReadMode::kBestEffort), "a: ok");
}

// V17: heads that could be frames, as dense as they can stand, each claiming as much as is left. Tried one
// by one they would cost the square of the file.
TEST(HostileLog, HostileFrameHeadsAreGivenUpOnOnceTheWorkIsFourTimesTheBytes) {
  for (const std::size_t step : {std::size_t{8}, std::size_t{24}, std::size_t{64}}) {
    for (const std::uint32_t claimed : {24U, 48U, 4096U, 1U << 20U, v4::kMaxPayloadBytes}) {
      SCOPED_TRACE(fmt::format("every {} bytes a head of length {}", step, claimed));
      const auto directory = MemoryDirectory::make();
      SegmentImage image = SegmentImage(1).entry("a");
      const std::uint64_t begin = image.bytes.size();
      image.zeros(2 * kMebibyte);
      for (std::size_t at = begin; at + 24 <= image.bytes.size(); at += step) {
        const auto left = static_cast<std::uint32_t>(image.bytes.size() - at);
        store_le(MutableByteView(image.bytes), at + 4, std::min(claimed, left));
        // A head every 8 bytes shares its fields with its neighbours: the id of one is lag and flags of
        // the one before.
        if (step > 8) {
          store_le(MutableByteView(image.bytes), at + 8, std::uint64_t{2});
          store_le(MutableByteView(image.bytes), at + 16, std::uint64_t{1});
        } else {
          store_le(MutableByteView(image.bytes), at, std::uint32_t{2});
          store_le(MutableByteView(image.bytes), at + 4, std::uint32_t{0});
        }
      }
      put(*directory, 1, image);
      auto window = window_on(*directory, 1);
      const auto search = search_past({window, image.header()}, begin, EntryId(2)).value();
      EXPECT_LE(search.checksummed, kSearchBudgetFactor * (window.size() - begin));
      EXPECT_EQ(search.budget_spent, (step == 24 && claimed > 96) || (step == 64 && claimed > 256));
      const std::string expected = search.budget_spent ? "a: format" : "a: torn_tail";
      EXPECT_EQ(test::read_strict(directory), expected);
      const auto opened = test::open_writer(directory);
      EXPECT_EQ(test::outcome(opened), search.budget_spent ? "format" : "ok");
      if (search.budget_spent) {
        EXPECT_EQ(test::segment_bytes(*directory, 1), image.bytes);
      }
    }
  }
}

// A frame found before the budget is spent still counts.
TEST(HostileLog, AVouchingFrameIsBelievedThoughTheSearchIsGivenUp) {
  const auto directory = MemoryDirectory::make();
  SegmentImage image = SegmentImage(1).entry("a").entry("b").durable(2).entry("c");
  image.flip(image.at(1));
  const std::size_t begin = image.bytes.size();
  image.zeros(kMebibyte);
  for (std::size_t at = begin; at + 24 <= image.bytes.size(); at += 24) {
    store_le(MutableByteView(image.bytes), at + 4, static_cast<std::uint32_t>(image.bytes.size() - at));
    store_le(MutableByteView(image.bytes), at + 8, std::uint64_t{4});
  }
  put(*directory, 1, image);
  EXPECT_EQ(test::read_strict(directory), "a: corrupt");
}

// C19: ids end, they do not wrap.
TEST(HostileLog, EntryIdsAtTheEndOfTheirRangeAreAnErrorNotAWrap) {
  const auto directory = MemoryDirectory::make();
  WalOptions options = test::test_options();
  options.first_entry_id = EntryId(kMaxId - 2);
  {
    auto writer = test::open_writer(directory, options).value();
    EXPECT_EQ(writer->append(as_bytes("a")).value(), EntryId(kMaxId - 2));
    const std::vector<ByteView> two = {as_bytes("b"), as_bytes("c")};
    EXPECT_TRUE(test::fails_with(writer->append_batch(two), ErrorCode::kInvalidState));
    EXPECT_TRUE(test::fails_with(writer->append_batch_atomic(two), ErrorCode::kInvalidState));
    EXPECT_EQ(writer->append(as_bytes("b")).value(), EntryId(kMaxId - 1));
    EXPECT_TRUE(test::fails_with(writer->append(as_bytes("c")), ErrorCode::kInvalidState));
    EXPECT_TRUE(writer->close()) << "the refusal poisons nothing";
  }
  EXPECT_EQ(test::read_strict(directory), "a b: ok");
  auto writer = test::open_writer(directory, options).value();
  EXPECT_TRUE(test::fails_with(writer->append(as_bytes("c")), ErrorCode::kInvalidState));
  EXPECT_TRUE(writer->close());
}

TEST(HostileLog, AFrameWithTheLastIdOfAllIsAnErrorNotAWrap) {
  const auto directory = MemoryDirectory::make();
  put(*directory, 2, SegmentImage(2, kMaxId).entry("last"));
  EXPECT_EQ(test::read_strict(directory), ": invalid_state");
  EXPECT_EQ(test::outcome(test::open_writer(directory)), "invalid_state");
}

TEST(HostileLog, ASealWhoseCountWrapsTheIdsIsNotTrusted) {
  const auto directory = MemoryDirectory::make();
  // 5 + (2^64 - 3) = 2 in 64 bits, the start of the next segment.
  SegmentImage image = SegmentImage(2, 5).entry("a");
  image.frame({.id = EntryId(1), .lag = 0, .kind = v4::FrameKind::kSeal},
              v4::encode_seal({.entries = kMaxId - 2}));
  put(*directory, 2, image);
  put(*directory, 3, SegmentImage(3, 2).entry("b"));
  EXPECT_EQ(test::outcome(test::open_writer(directory)), "corrupt");
  EXPECT_EQ(test::read_strict(directory), "a: corrupt");
}

TEST(HostileLog, SegmentIdsAtTheEndOfTheirRangeAreAnErrorNotAWrap) {
  const auto directory = MemoryDirectory::make();
  put(*directory, kMaxId, SegmentImage(kMaxId, 5).entry("a"));
  EXPECT_EQ(test::read_strict(directory), "a: ok");
  auto writer = test::open_writer(directory).value();
  std::string outcome = "ok";
  EntryId last = writer->last_entry_id();
  for (int i = 0; i < 20 && outcome == "ok"; ++i) {
    last = writer->last_entry_id();
    outcome = test::outcome(writer->append(as_bytes("bbbbbbbb")));
  }
  EXPECT_EQ(outcome, "invalid_state");
  EXPECT_EQ(writer->last_entry_id(), last) << "an append that is refused has appended";
}

// A torn segment with the last number of all cannot be sealed: there is no next one.
TEST(HostileLog, ATornSegmentWithTheLastNumberIsRefusedUnchanged) {
  const auto directory = MemoryDirectory::make();
  const SegmentImage image = SegmentImage(kMaxId, 5).entry("a").raw(as_bytes("garbage"));
  put(*directory, kMaxId, image);
  EXPECT_EQ(test::outcome(test::open_writer(directory)), "invalid_state");
  EXPECT_EQ(test::segment_bytes(*directory, kMaxId), image.bytes);
}

// A header from elsewhere may say that it was created at any time.
TEST(HostileLog, AnyCreationTimeCanBeOpened) {
  for (const std::uint64_t created : {std::uint64_t{0}, std::uint64_t{1} << 63U,
                                      (std::uint64_t{1} << 63U) + 1, (std::uint64_t{1} << 63U) - 1, kMaxId}) {
    const auto directory = MemoryDirectory::make();
    put(*directory, 1,
        SegmentImage(SegmentHeader{.segment_id = SegmentId(1), .start = EntryId(1), .created_at = created})
            .entry("a"));
    WalOptions options = test::test_options();
    options.segment_max_age = std::chrono::hours(1);
    auto writer = test::open_writer(directory, options).value();
    EXPECT_TRUE(writer->append(as_bytes("b"))) << created;
    EXPECT_TRUE(writer->close());
    EXPECT_EQ(test::read_strict(directory), "a b: ok");
  }
}

}  // namespace
}  // namespace durability::walog
