// Files made and read with nothing but durability/formats.hpp, as a tool outside the library would.

#include "durability/formats.hpp"

#include <gtest/gtest.h>

#include "durability/durability.hpp"

namespace durability {
namespace {

void append(Bytes& file, ByteView bytes) { file.insert(file.end(), bytes.begin(), bytes.end()); }

std::string bytes_in(const std::shared_ptr<Directory>& directory) {
  std::string words;
  const auto report = WalReader<int>(directory).for_each_bytes(
      ReadMode::kStrict,
      [&](const WalEntryView& entry) { words += fmt::format("{}={} ", entry.id, as_text(entry.payload)); });
  EXPECT_TRUE(report) << report.error();
  return words;
}

TEST(Formats, ASegmentOfVersion4IsMadeAndReadByHand) {
  const formats::wal_v4::SegmentHeader header{.segment_id = SegmentId(1), .start = EntryId(1)};
  Bytes file;
  append(file, formats::wal_v4::encode_header(header));
  const std::uint32_t seed = formats::wal_v4::crc_seed(header.log_id, header.segment_id);
  formats::wal_v4::append_frame(file, {.id = EntryId(1), .lag = 1}, as_bytes("hello"), seed);
  const auto directory = MemoryDirectory::make();
  ASSERT_TRUE(directory->atomic_write(formats::segment_path(SegmentId(1)), file));
  EXPECT_EQ(bytes_in(directory), "1=hello ");

  EXPECT_EQ(formats::stated_format(file), WalFormat::kV4);
  EXPECT_EQ(formats::wal_v4::read_header(file).header, header);
  formats::wal_v4::Frame frame;
  const auto state =
      formats::wal_v4::read_frame(ByteView(file).subspan(formats::wal_v4::kHeaderBytes), seed, frame);
  EXPECT_EQ(state, formats::wal_v4::FrameState::kWhole);
  EXPECT_EQ(as_text(frame.payload()), "hello");
}

TEST(Formats, ASegmentOfVersions2And3IsMadeAndReadByHand) {
  for (const WalFormat format : {WalFormat::kV2, WalFormat::kV3}) {
    Bytes file;
    append(file, formats::wal_v3::encode_header(
                     {.format = format, .start = EntryId(1), .segment_id = SegmentId(1)}));
    append(file, formats::wal_v3::encode_head(format, EntryId(1), as_bytes("hello")));
    append(file, as_bytes("hello"));
    const auto directory = MemoryDirectory::make();
    ASSERT_TRUE(directory->atomic_write(formats::segment_path(SegmentId(1)), file));
    EXPECT_EQ(bytes_in(directory), "1=hello ");

    EXPECT_EQ(formats::stated_format(file), format);
    EXPECT_EQ(formats::wal_v3::decode_header(file).start, EntryId(1));
    formats::wal_v3::Frame frame;
    const ByteView rest = ByteView(file).subspan(formats::wal_v3::kHeaderBytes);
    EXPECT_EQ(formats::wal_v3::read_head(rest, rest.size()).length, rest.size());
    EXPECT_EQ(formats::wal_v3::read_frame(rest, format, frame), formats::wal_v3::FrameState::kWhole);
    EXPECT_EQ(frame.id, EntryId(1));
  }
}

TEST(Formats, ACheckpointIsMadeAndReadByHand) {
  Bytes file(formats::checkpoint::kHeaderBytes);
  append(file, as_bytes("state"));
  ASSERT_TRUE(formats::checkpoint::put_header(file, EntryId(7)));
  const auto directory = MemoryDirectory::make();
  ASSERT_TRUE(directory->atomic_write("c", file));
  const auto read = CheckpointFile(directory).read_bytes("c").value();
  EXPECT_EQ(read.last_applied, EntryId(7));
  const auto header = formats::checkpoint::read_header(file, file.size()).value();
  EXPECT_EQ(header.payload_bytes, 5U);
}

TEST(Formats, ARecordLogIsMadeAndReadByHand) {
  for (const RecordLogFormat format : {RecordLogFormat::kV1, RecordLogFormat::kV2}) {
    Bytes file;
    append(file, formats::recordlog::encode_header(format));
    append(file, formats::recordlog::encode_head(format, as_bytes("hello")));
    append(file, as_bytes("hello"));
    const auto directory = MemoryDirectory::make();
    ASSERT_TRUE(directory->atomic_write("r", file));
    std::string records;
    ASSERT_TRUE(RecordLogReader<int>(directory, "r")
                    .for_each_bytes(ReadMode::kStrict, [&](const RecordLogView& record) {
                      records += as_text(record.payload);
                    }));
    EXPECT_EQ(records, "hello");

    formats::recordlog::Record record;
    const ByteView rest = ByteView(file).subspan(formats::recordlog::kHeaderBytes);
    EXPECT_EQ(formats::recordlog::read_record(rest, format, record), formats::recordlog::RecordState::kWhole);
    EXPECT_EQ(as_text(record.payload), "hello");
    EXPECT_EQ(as_text(ByteView(file).first(4)), formats::kRecordLogMagic);
  }
}

TEST(Formats, MagicsStandInFrontOfTheFiles) {
  const auto header = formats::wal_v4::encode_header({.segment_id = SegmentId(1), .start = EntryId(1)});
  EXPECT_EQ(as_text(ByteView(header).first(4)), formats::kWalMagic);
  Bytes file(formats::checkpoint::kHeaderBytes);
  ASSERT_TRUE(formats::checkpoint::put_header(file, EntryId(1)));
  EXPECT_EQ(as_text(ByteView(file).first(4)), formats::kCheckpointMagic);
  EXPECT_EQ(formats::parse_segment_name("wal_12.log"), SegmentId(12));
}

TEST(Formats, VersionsStandAfterTheMagics) {
  const auto version_in = [](ByteView file) { return load_le<std::uint32_t>(file, 4); };
  EXPECT_EQ(version_in(formats::wal_v4::encode_header({.segment_id = SegmentId(1), .start = EntryId(1)})),
            formats::kNativeWalVersion);
  EXPECT_EQ(version_in(formats::wal_v3::encode_header(
                {.format = WalFormat::kV3, .start = EntryId(1), .segment_id = SegmentId(1)})),
            formats::kCrateWalVersion);
  EXPECT_EQ(version_in(formats::wal_v3::encode_header(
                {.format = WalFormat::kV2, .start = EntryId(1), .segment_id = SegmentId(1)})),
            formats::kLegacyWalVersion);
  Bytes file(formats::checkpoint::kHeaderBytes);
  ASSERT_TRUE(formats::checkpoint::put_header(file, EntryId(1)));
  EXPECT_EQ(version_in(file), formats::kCheckpointVersion);
  EXPECT_EQ(version_in(formats::recordlog::encode_header(RecordLogFormat::kV2)), formats::kRecordLogVersion);
  EXPECT_EQ(version_in(formats::recordlog::encode_header(RecordLogFormat::kV1)),
            formats::kCrateRecordLogVersion);
}

TEST(Formats, ACheckpointOfTheLegacyVersionHasAChecksumOfItsPayloadAlone) {
  Bytes file(formats::checkpoint::kHeaderBytes);
  append(file, as_bytes("state"));
  ASSERT_TRUE(formats::checkpoint::put_header(file, EntryId(7)));
  store_le(file, formats::checkpoint::kVersionOffset, formats::kLegacyCheckpointVersion);
  store_le(file, formats::checkpoint::kCrcOffset, crc32(as_bytes("state")));
  const auto directory = MemoryDirectory::make();
  ASSERT_TRUE(directory->atomic_write("c", file));
  const auto read = CheckpointFile(directory).read_bytes("c");
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(as_text(read->payload), "state");
}

// Another limit is another format: what one program writes, another one must take.
TEST(Formats, LimitsAreThoseOfThePageOfFormats) {
  constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;
  EXPECT_EQ(formats::kMaxWalPayloadBytes, 16 * kMiB);
  EXPECT_EQ(formats::kMaxWalBatchBytes, 256 * kMiB);
  EXPECT_EQ(formats::kMaxCheckpointPayloadBytes, 256 * kMiB);
  EXPECT_EQ(formats::kMaxRecordPayloadBytes, 64 * kMiB);
}

}  // namespace
}  // namespace durability
