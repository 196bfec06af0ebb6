#include "durability/checkpoint/format.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "durability/base/crc32.hpp"

namespace durability::checkpoint {
namespace {

constexpr std::uint64_t kLastApplied = 0x0102030405060708;

Bytes file_with(std::string_view payload, EntryId last_applied = EntryId(kLastApplied)) {
  Bytes file(kHeaderBytes);
  file.insert(file.end(), as_bytes(payload).begin(), as_bytes(payload).end());
  EXPECT_TRUE(put_header(file, last_applied));
  return file;
}

// What CheckpointFile does with a file's bytes.
Result<Header> read_whole(ByteView file) {
  const ByteView front = file.first(std::min(file.size(), kHeaderBytes));
  DURABILITY_TRY_ASSIGN(const Header header, read_header(front, file.size()));
  DURABILITY_TRY(check_payload(front, header, file.subspan(kHeaderBytes)));
  return header;
}

void expect_refused(ByteView file, ErrorCode code, std::uint64_t offset) {
  const auto read = read_whole(file);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), code) << read.error();
  EXPECT_EQ(read.error().offset(), offset) << read.error();
  EXPECT_FALSE(read.error().advice().empty());
}

// The example of docs/formats.md.
TEST(CheckpointFormat, IsTheDocumentedOne) {
  const Bytes file = file_with("state", EntryId(1));
  constexpr std::uint8_t kExpected[] = {0x56, 0x43, 0x4b, 0x50, 2,    0,    0,    0,    1,    0,    0,
                                        0,    0,    0,    0,    0,    5,    0,    0,    0,    0,    0,
                                        0,    0,    0x3b, 0xb9, 0xf2, 0xcf, 0x73, 0x74, 0x61, 0x74, 0x65};
  EXPECT_TRUE(std::ranges::equal(file, std::as_bytes(std::span(kExpected))));
}

TEST(CheckpointFormat, ReadsWhatItWrites) {
  for (const std::string& payload : {std::string(), std::string("x"), std::string(1000, 'y')}) {
    const auto header = read_whole(file_with(payload));
    ASSERT_TRUE(header) << header.error();
    EXPECT_EQ(header->version, 2U);
    EXPECT_EQ(header->last_applied, EntryId(kLastApplied));
    EXPECT_EQ(header->payload_bytes, payload.size());
  }
}

TEST(CheckpointFormat, ReadsVersionOneWhoseChecksumCoversThePayloadAlone) {
  Bytes file = file_with("state");
  store_le(file, kVersionOffset, std::uint32_t{1});
  expect_refused(file, ErrorCode::kCrcMismatch, kCrcOffset);
  store_le(file, kCrcOffset, crc32(as_bytes("state")));
  const auto header = read_whole(file);
  ASSERT_TRUE(header) << header.error();
  EXPECT_EQ(header->version, 1U);
  EXPECT_EQ(header->last_applied, EntryId(kLastApplied));

  file.back() ^= std::byte{1};
  expect_refused(file, ErrorCode::kCrcMismatch, kCrcOffset);
}

// C13: the checksum covers last_applied and the length too.
TEST(CheckpointFormat, NoticesEveryFlippedBit) {
  const Bytes sound = file_with("the state of things");
  for (std::size_t bit = 0; bit < sound.size() * 8; ++bit) {
    Bytes damaged = sound;
    damaged[bit / 8] ^= std::byte{1} << (bit % 8);
    const auto read = read_whole(damaged);
    ASSERT_FALSE(read) << "bit " << bit;
    if (read.error().code() == ErrorCode::kCrcMismatch) {
      EXPECT_NE(read.error().expected(), read.error().actual());
    } else {
      EXPECT_LT(bit / 8, kCrcOffset) << read.error();
    }
  }
}

TEST(CheckpointFormat, CallsAFileThatEndsTooEarlyTruncatedWhereverItEnds) {
  const Bytes whole = file_with("state");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    expect_refused(ByteView(whole).first(length), ErrorCode::kTruncated, length);
  }
}

// The crate does not look past the payload; such bytes are damage.
TEST(CheckpointFormat, RefusesBytesPastThePayload) {
  Bytes file = file_with("state");
  const std::size_t end = file.size();
  file.push_back(std::byte{0});
  expect_refused(file, ErrorCode::kFormat, end);
}

TEST(CheckpointFormat, RefusesAnotherMagicAsSoonAsItsFourBytesAreThere) {
  const Bytes other(40, std::byte{'x'});
  expect_refused(ByteView(other).first(3), ErrorCode::kTruncated, 3);
  for (const std::size_t length : {std::size_t{4}, std::size_t{27}, std::size_t{28}, std::size_t{40}}) {
    expect_refused(ByteView(other).first(length), ErrorCode::kFormat, 0);
  }
}

TEST(CheckpointFormat, RefusesVersionsItDoesNotKnow) {
  for (const std::uint32_t version : {0U, 3U, 0xffffffffU}) {
    Bytes file = file_with("state");
    store_le(file, kVersionOffset, version);
    expect_refused(file, ErrorCode::kFormat, kVersionOffset);
  }
}

TEST(CheckpointFormat, HoldsTheClaimedLengthAgainstTheLimitAndTheFile) {
  Bytes file = file_with("state");
  for (const std::uint64_t length : {kMaxPayloadBytes + 1, std::uint64_t{1} << 63U, ~std::uint64_t{0}}) {
    store_le(file, kPayloadBytesOffset, length);
    expect_refused(file, ErrorCode::kFormat, kPayloadBytesOffset);
  }
  for (const std::uint64_t length : {std::uint64_t{6}, kMaxPayloadBytes}) {
    store_le(file, kPayloadBytesOffset, length);
    expect_refused(file, ErrorCode::kTruncated, file.size());
  }
}

TEST(CheckpointFormat, TakesPayloadsUpToTheLimitAndNoFurther) {
  EXPECT_TRUE(check_size(kMaxPayloadBytes));
  EXPECT_EQ(check_size(kMaxPayloadBytes + 1).error().code(), ErrorCode::kEncode);
}

}  // namespace
}  // namespace durability::checkpoint
