#include "durability/recordlog/format.hpp"

#include <gtest/gtest.h>

#include "durability/base/crc32.hpp"

namespace durability::recordlog {
namespace {

Bytes bytes_of(std::initializer_list<unsigned> values) {
  Bytes bytes;
  for (const unsigned value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

template <std::size_t N>
Bytes bytes_of(const std::array<std::byte, N>& array) {
  return {array.begin(), array.end()};
}

// The worked example of docs/formats.md; the checksums are those that any zlib gives.
TEST(RecordLogFormat, IsTheDocumentedOne) {
  EXPECT_EQ(bytes_of(encode_header(RecordLogFormat::kV2)), bytes_of({'V', 'R', 'L', 'G', 2, 0, 0, 0}));
  EXPECT_EQ(bytes_of(encode_header(RecordLogFormat::kV1)), bytes_of({'V', 'R', 'L', 'G', 1, 0, 0, 0}));
  EXPECT_EQ(bytes_of(encode_head(RecordLogFormat::kV1, as_bytes("hello"))),
            bytes_of({5, 0, 0, 0, 0x86, 0xa6, 0x10, 0x36}));
  EXPECT_EQ(bytes_of(encode_head(RecordLogFormat::kV2, as_bytes("hello"))),
            bytes_of({5, 0, 0, 0, 0x7a, 0x00, 0xac, 0x5c}));
}

// F5: in version 1 eight zeros are a whole record; in version 2 the length is under the checksum.
TEST(RecordLogFormat, ZerosAreARecordInVersion1AndNoneInVersion2) {
  Record record;
  EXPECT_EQ(read_head(Bytes(8), 8).state, RecordState::kWhole);
  EXPECT_EQ(read_record(Bytes(8), RecordLogFormat::kV1, record), RecordState::kWhole);
  EXPECT_EQ(read_record(Bytes(8), RecordLogFormat::kV2, record), RecordState::kCrcMismatch);
}

// C13: every bit of a record, its length included, is under the checksum of version 2.
TEST(RecordLogFormat, EveryFlippedBitIsSeen) {
  const std::string_view payload = "some payload";
  for (const auto format : {RecordLogFormat::kV1, RecordLogFormat::kV2}) {
    Bytes bytes = bytes_of(encode_head(format, as_bytes(payload)));
    bytes.insert(bytes.end(), as_bytes(payload).begin(), as_bytes(payload).end());
    Record record;
    ASSERT_EQ(read_record(bytes, format, record), RecordState::kWhole);
    const std::size_t first = format == RecordLogFormat::kV1 ? kCrcOffset : 0;
    for (std::size_t bit = first * 8; bit < bytes.size() * 8; ++bit) {
      bytes[bit / 8] ^= std::byte{1} << (bit % 8);
      EXPECT_EQ(read_record(bytes, format, record), RecordState::kCrcMismatch) << bit;
      bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    }
  }
}

// A record is refused for its length before anything else of it is read.
TEST(RecordLogFormat, ALengthIsJudgedAsSoonAsItsFourBytesAreThere) {
  const auto state = [](std::uint32_t length, std::uint64_t remaining) {
    Bytes head(8);
    store_le(head, 0, length);
    head.resize(std::min<std::size_t>(head.size(), remaining));
    return read_head(head, remaining).state;
  };
  constexpr std::uint32_t kCap = 64U << 20U;
  EXPECT_EQ(state(0, 0), RecordState::kNothing);
  for (const std::uint64_t few : {1U, 2U, 3U}) EXPECT_EQ(state(0xffffffff, few), RecordState::kCut);
  for (const std::uint32_t over : {kCap + 1, 0x80000000U, 0xffffffffU}) {
    EXPECT_EQ(state(over, 4), RecordState::kOverCap);
    EXPECT_EQ(state(over, std::uint64_t{1} << 40U), RecordState::kOverCap);
  }
  for (const std::uint32_t length : {0U, 1U, kCap - 1, kCap}) {
    for (std::uint64_t few = 4; few < 8; ++few) EXPECT_EQ(state(length, few), RecordState::kCut);
    EXPECT_EQ(state(length, 8 + std::uint64_t{length}), RecordState::kWhole);
    EXPECT_EQ(state(length, 7 + std::uint64_t{length}), RecordState::kCut);
  }
}

TEST(RecordLogFormat, AHeaderIsJudgedByWhatThereIsOfIt) {
  RecordLogFormat format{};
  const auto whole = encode_header(RecordLogFormat::kV2);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(read_header(ByteView(whole).first(size), format), HeaderState::kCut);
  }
  EXPECT_EQ(read_header(whole, format), HeaderState::kWhole);
  EXPECT_EQ(format, RecordLogFormat::kV2);
  EXPECT_EQ(read_header(as_bytes("VRL"), format), HeaderState::kCut);
  EXPECT_EQ(read_header(as_bytes("xyz"), format), HeaderState::kCut);
  EXPECT_EQ(read_header(as_bytes("VRLX"), format), HeaderState::kBadMagic);
  EXPECT_EQ(read_header(Bytes(4), format), HeaderState::kBadMagic);
  for (const unsigned version : {0U, 3U, 255U}) {
    EXPECT_EQ(read_header(bytes_of({'V', 'R', 'L', 'G', version, 0, 0, 0}), format),
              HeaderState::kBadVersion);
  }
}

TEST(RecordLogFormat, AHeaderThatBeganSaysItsVersionOnceItsByteIsThere) {
  const auto first = encode_header(RecordLogFormat::kV1);
  const auto second = encode_header(RecordLogFormat::kV2);
  for (std::size_t size = 0; size < 8; ++size) {
    EXPECT_EQ(header_begun(ByteView(first).first(size), RecordLogFormat::kV2),
              size > 4 ? RecordLogFormat::kV1 : RecordLogFormat::kV2);
    EXPECT_EQ(header_begun(ByteView(second).first(size), RecordLogFormat::kV1),
              size > 4 ? RecordLogFormat::kV2 : RecordLogFormat::kV1);
  }
  EXPECT_EQ(header_begun(as_bytes("x"), RecordLogFormat::kV2), std::nullopt);
  EXPECT_EQ(header_begun(bytes_of({'V', 'R', 'L', 'G', 3}), RecordLogFormat::kV2), std::nullopt);
}

}  // namespace
}  // namespace durability::recordlog
