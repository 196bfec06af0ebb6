#include "durability/walog/format/v4.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <limits>
#include <string>
#include <vector>

#include "durability/walog/test_support.hpp"

namespace durability::walog::v4 {
namespace {

using test::log_id_from;
using test::SegmentImage;

// The layout is a promise to every log ever written.
static_assert(kHeaderBytes == 64 && kHeaderReservedOffset == 48 && kHeaderCrcOffset == 60);
static_assert(kFrameHeadBytes == 24 && kFrameAlignment == 8 && kSealBytes == 40);
static_assert(kMagic == 0x4c415756 && kVersion == 4 && kUnknownLag == 0xffffffff);
static_assert(kMaxPayloadBytes == 16777216 && kMaxBatchBytes == 268435456);
static_assert(frame_span(0) == 24 && frame_span(1) == 32 && frame_span(8) == 32 && frame_span(9) == 40);
static_assert(static_cast<int>(FrameKind::kEntry) == 0 && static_cast<int>(FrameKind::kSeal) == 1 &&
              static_cast<int>(FrameKind::kMark) == 2);

std::string hex(ByteView bytes) {
  std::string text;
  for (const std::byte byte : bytes) text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  return text;
}

// The example that docs/formats.md states, byte for byte.
TEST(FormatV4, TheWorkedExampleOfTheFormatIsWhatIsWritten) {
  const SegmentImage image = SegmentImage(1).entry("hello");
  EXPECT_EQ(hex(ByteView(image.bytes).first(64)),
            "5657414c04000000"                  // magic, version
            "0100000000000000"                  // start_entry_id
            "0100000000000000"                  // segment_id
            "000102030405060708090a0b0c0d0e0f"  // log_id
            "00002a36fe9c9717"                  // created_at
            "000000000000000000000000"          // reserved
            "76f96145");
  EXPECT_EQ(crc_seed(log_id_from(0), SegmentId(1)), 0xc0aedfd8U);
  EXPECT_EQ(hex(ByteView(image.bytes).subspan(64)),
            "37633a85"
            "1d000000"
            "0100000000000000"
            "01000000"
            "00000000"
            "68656c6c6f"
            "000000");
}

TEST(FormatV4, AHeaderComesBackAsItWasWritten) {
  rc::check([] {
    const SegmentHeader header{.log_id = log_id_from(*rc::gen::inRange(0U, 240U)),
                               .segment_id = SegmentId(*rc::gen::positive<std::uint64_t>()),
                               .start = EntryId(*rc::gen::positive<std::uint64_t>()),
                               .created_at = *rc::gen::arbitrary<std::uint64_t>()};
    const HeaderReading reading = read_header(encode_header(header));
    RC_ASSERT(reading.state == HeaderState::kSound);
    RC_ASSERT(reading.header == header);
  });
}

TEST(FormatV4, AShortHeaderIsUnsoundAtEachLength) {
  const auto bytes = encode_header({.segment_id = SegmentId(1), .start = EntryId(1)});
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_EQ(read_header(ByteView(bytes).first(length)).state, HeaderState::kUnsound) << length;
  }
}

// C13: the checksum covers every bit of the header, its own included.
TEST(FormatV4, EveryFlippedBitOfAHeaderIsSeen) {
  const auto sound =
      encode_header({.log_id = log_id_from(7), .segment_id = SegmentId(2), .start = EntryId(3)});
  for (std::size_t bit = 0; bit < sound.size() * 8; ++bit) {
    auto bytes = sound;
    bytes.at(bit / 8) ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_EQ(read_header(bytes).state, HeaderState::kUnsound) << "bit " << bit;
  }
}

TEST(FormatV4, AHeaderThatChecksMustKeepEveryRule) {
  const auto with = [](std::size_t offset, std::uint64_t value, std::size_t width) {
    auto bytes = encode_header({.segment_id = SegmentId(1), .start = EntryId(1)});
    for (std::size_t i = 0; i < width; ++i) {
      bytes.at(offset + i) = static_cast<std::byte>((value >> (8 * i)) & 0xffU);
    }
    store_le(MutableByteView(bytes), kHeaderCrcOffset, crc32(ByteView(bytes).first(kHeaderCrcOffset)));
    return read_header(bytes).state;
  };
  EXPECT_EQ(with(4, 4, 4), HeaderState::kSound);
  EXPECT_EQ(with(4, 3, 4), HeaderState::kRuleBroken);
  EXPECT_EQ(with(4, 5, 4), HeaderState::kRuleBroken);
  EXPECT_EQ(with(8, 0, 8), HeaderState::kRuleBroken) << "entries begin at 1";
  EXPECT_EQ(with(16, 0, 8), HeaderState::kRuleBroken) << "segments begin at 1";
  for (std::size_t reserved = 48; reserved < 60; ++reserved) {
    EXPECT_EQ(with(reserved, 1, 1), HeaderState::kRuleBroken) << reserved;
  }
  EXPECT_EQ(with(0, 'X', 1), HeaderState::kUnsound) << "without the magic it is no header";
}

TEST(FormatV4, AFrameComesBackAsItWasWritten) {
  rc::check([] {
    const auto payload = *rc::gen::arbitrary<std::vector<std::uint8_t>>();
    const auto id = *rc::gen::positive<std::uint64_t>();
    const bool unknown = *rc::gen::arbitrary<bool>();
    const auto lag = unknown ? kUnknownLag
                             : *rc::gen::inRange<std::uint32_t>(
                                   0, static_cast<std::uint32_t>(std::min<std::uint64_t>(id, 0xfffffffe)));
    const FrameFields fields{.id = EntryId(id), .lag = lag, .more = *rc::gen::arbitrary<bool>()};
    const ByteView view = std::as_bytes(std::span(payload));
    const std::uint32_t seed = crc_seed(log_id_from(1), SegmentId(id));

    Bytes bytes(*rc::gen::inRange<std::size_t>(0, 4) * 8);
    const std::size_t begin = bytes.size();
    const std::uint32_t crc = append_frame(bytes, fields, view, seed);
    RC_ASSERT(bytes.size() == begin + frame_span(view.size()));
    Frame frame;
    RC_ASSERT(read_frame(ByteView(bytes).subspan(begin), seed, frame) == FrameState::kWhole);
    RC_ASSERT(frame.fields.id == fields.id);
    RC_ASSERT(frame.fields.lag == fields.lag);
    RC_ASSERT(frame.fields.more == fields.more);
    RC_ASSERT(frame.fields.kind == FrameKind::kEntry);
    RC_ASSERT(frame.crc == crc);
    RC_ASSERT(std::ranges::equal(frame.payload(), view));
    RC_ASSERT(frame.vouches_for().has_value() == !unknown);

    const LargeFrame large = encode_large_frame(fields, view, seed);
    Bytes pieces(large.head.begin(), large.head.end());
    pieces.insert(pieces.end(), view.begin(), view.end());
    pieces.insert(pieces.end(), large.gap().begin(), large.gap().end());
    RC_ASSERT(std::ranges::equal(pieces, ByteView(bytes).subspan(begin)));
    RC_ASSERT(large.crc == crc);
  });
}

// C13: length, id, lag and flags are under the checksum as the payload is; the gap after it is not.
TEST(FormatV4, EveryFlippedBitOfAFrameIsSeen) {
  const SegmentImage image = SegmentImage(1).entry("hello");
  const Bytes whole(image.bytes.begin() + 64, image.bytes.end());
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    Bytes bytes = whole;
    bytes.at(bit / 8) ^= static_cast<std::byte>(1U << (bit % 8));
    Frame frame;
    const auto expected = bit / 8 < kFrameHeadBytes + 5 ? FrameState::kNotWhole : FrameState::kWhole;
    EXPECT_EQ(read_frame(bytes, image.seed(), frame), expected) << "bit " << bit;
  }
}

TEST(FormatV4, AFrameOfAnotherSegmentOrLogNeverChecks) {
  const SegmentImage image = SegmentImage(1).entry("hello");
  const ByteView bytes = ByteView(image.bytes).subspan(64);
  Frame frame;
  EXPECT_EQ(read_frame(bytes, image.seed(), frame), FrameState::kWhole);
  EXPECT_EQ(read_frame(bytes, crc_seed(log_id_from(0), SegmentId(2)), frame), FrameState::kNotWhole);
  EXPECT_EQ(read_frame(bytes, crc_seed(log_id_from(1), SegmentId(1)), frame), FrameState::kNotWhole);
  EXPECT_EQ(read_frame(bytes, 0, frame), FrameState::kNotWhole);
}

TEST(FormatV4, AFrameCutShortIsNotWholeAtEachLength) {
  const SegmentImage image = SegmentImage(1).entry("hello");
  Frame frame;
  for (std::size_t length = 0; length < kFrameHeadBytes + 5; ++length) {
    EXPECT_EQ(read_frame(ByteView(image.bytes).subspan(64, length), image.seed(), frame),
              FrameState::kNotWhole)
        << length;
  }
  EXPECT_EQ(read_frame(ByteView(image.bytes).subspan(64, 29), image.seed(), frame), FrameState::kWhole)
      << "the gap is no part of it";
}

TEST(FormatV4, OnlyLengthsOfAFrameAreTried) {
  const auto plausible = [](std::uint32_t length) {
    std::array<std::byte, kFrameHeadBytes> head{};
    store_le(MutableByteView(head), 4, length);
    return plausible_length(head).has_value();
  };
  for (const std::uint32_t no : {0U, 1U, 23U, 24U + kMaxPayloadBytes + 1, 1U << 31U, 0xffffffffU}) {
    EXPECT_FALSE(plausible(no)) << no;
  }
  for (const std::uint32_t yes : {24U, 25U, 24U + kMaxPayloadBytes}) EXPECT_TRUE(plausible(yes)) << yes;
}

struct RuleCase {
  const char* name;
  std::uint64_t id;
  std::uint32_t lag;
  std::uint32_t flags;
  std::size_t payload_bytes;
  FrameState expected;
  bool could_be;
};

TEST(FormatV4, AFrameThatChecksMustKeepEveryRule) {
  constexpr auto kWhole = FrameState::kWhole;
  constexpr auto kBroken = FrameState::kRuleBroken;
  std::vector<RuleCase> cases = {
      {"an entry", 5, 1, 0, 3, kWhole, true},
      {"an empty entry", 5, 1, 0, 0, kWhole, true},
      {"an entry of an open batch", 5, 1, 0b100, 3, kWhole, true},
      {"a seal", 5, 1, 1, 16, kWhole, true},
      {"a mark", 5, 0, 2, 0, kWhole, true},
      {"a mark in a new log", 0, 0, 2, 0, kWhole, true},
      {"lag equal to the id", 5, 5, 0, 3, kWhole, true},
      {"an unknown lag above the id", 5, kUnknownLag, 0, 3, kWhole, true},
      {"a known lag above the id", 5, 6, 0, 3, kBroken, false},
      {"the largest known lag above the id", 5, kUnknownLag - 1, 0, 3, kBroken, false},
      {"kind 3", 5, 1, 3, 0, kBroken, false},
      {"a seal with more", 5, 1, 0b101, 16, kBroken, false},
      {"a mark with more", 5, 1, 0b110, 0, kBroken, false},
      {"a seal of another length", 5, 1, 1, 15, kBroken, true},
      {"a seal without a payload", 5, 1, 1, 0, kBroken, true},
      {"a mark with a payload", 5, 1, 2, 1, kBroken, true},
  };
  for (unsigned bit = 3; bit < 32; ++bit) {
    cases.push_back({"an unknown flag", 5, 1, 1U << bit, 3, kBroken, false});
  }
  for (const RuleCase& rule : cases) {
    const SegmentImage image =
        SegmentImage(1).raw_frame(rule.id, rule.lag, rule.flags, Bytes(rule.payload_bytes));
    Frame frame;
    const ByteView bytes = ByteView(image.bytes).subspan(64);
    EXPECT_EQ(read_frame(bytes, image.seed(), frame), rule.expected) << rule.name << ' ' << rule.flags;
    EXPECT_EQ(could_be_frame(bytes), rule.could_be) << rule.name << ' ' << rule.flags;
  }
}

TEST(FormatV4, TheLastWordOfASealIsZero) {
  Bytes payload(16);
  payload.at(12) = std::byte{1};
  const SegmentImage image = SegmentImage(1).raw_frame(5, 1, 1, payload);
  Frame frame;
  EXPECT_EQ(read_frame(ByteView(image.bytes).subspan(64), image.seed(), frame), FrameState::kRuleBroken);
}

TEST(FormatV4, ALagIsTheDistanceToWhatIsDurableOrUnknown) {
  EXPECT_EQ(lag_of(EntryId(7), EntryId(7)), 0U);
  EXPECT_EQ(lag_of(EntryId(7), EntryId(0)), 7U);
  EXPECT_EQ(lag_of(EntryId(7), std::nullopt), kUnknownLag);
  EXPECT_EQ(lag_of(EntryId(7), EntryId(8)), kUnknownLag) << "durable beyond the id cannot be said";
  EXPECT_EQ(lag_of(EntryId(0xffffffffU - 1), EntryId(0)), 0xfffffffeU);
  EXPECT_EQ(lag_of(EntryId(0xffffffffU), EntryId(0)), kUnknownLag) << "that number means unknown";
  EXPECT_EQ(lag_of(EntryId(std::numeric_limits<std::uint64_t>::max()), EntryId(0)), kUnknownLag);
}

TEST(FormatV4, ASealStatesTheEntriesAndTheChecksumOfAllChecksumsMarksIncluded) {
  const SegmentImage image = SegmentImage(1).entry("a").durable(1).mark().entry("b").seal();
  Bytes stored;
  for (std::size_t i = 0; i < 3; ++i) {
    const auto crc = ByteView(image.bytes).subspan(image.at(i), 4);
    stored.insert(stored.end(), crc.begin(), crc.end());
  }
  Frame frame;
  const ByteView bytes = ByteView(image.bytes).subspan(image.at(3));
  ASSERT_EQ(read_frame(bytes, image.seed(), frame), FrameState::kWhole);
  EXPECT_EQ(frame.length, 40U);
  EXPECT_EQ(frame.fields.id, EntryId(2));
  EXPECT_EQ(frame.seal().entries, 2U);
  EXPECT_EQ(frame.seal().crc_of_crcs, crc32(stored));
}

}  // namespace
}  // namespace durability::walog::v4
