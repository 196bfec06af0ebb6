// How frames go into a segment's file: what is written at once, and where those writes end.

#include "durability/walog/write/segment_writer.hpp"

#include <gtest/gtest.h>

#include "durability/testing/chooser.hpp"
#include "durability/testing/crash_directory.hpp"
#include "durability/walog/reader.hpp"
#include "durability/walog/test_support.hpp"

namespace durability::walog {
namespace {

using durability::testing::CrashDirectory;

constexpr std::size_t kBuffer = std::size_t{64} << 10U;
constexpr std::uint64_t kSegment = std::uint64_t{1} << 20U;

/// Remembers where writes begin and end.
class WatchedFile final : public File {
 public:
  struct Write {
    std::uint64_t begin;
    std::uint64_t end;
  };

  Status write_at(std::uint64_t offset, std::span<const ByteView> pieces) override {
    std::uint64_t end = offset;
    for (const ByteView piece : pieces) {
      bytes.resize(std::max<std::size_t>(bytes.size(), end + piece.size()));
      std::ranges::copy(piece, bytes.begin() + static_cast<std::ptrdiff_t>(end));
      end += piece.size();
    }
    writes.push_back({offset, end});
    return {};
  }
  Status append(ByteView view) override { return File::write_at(bytes.size(), view); }
  Result<std::size_t> read_at(std::uint64_t /*offset*/, MutableByteView /*into*/) override { return 0; }
  Status sync_data() override { return {}; }
  Result<std::uint64_t> size() override { return bytes.size(); }
  Result<std::uint64_t> links() override { return 1; }
  Status truncate(std::uint64_t size) override {
    bytes.resize(size);
    return {};
  }
  Status preallocate(std::uint64_t /*offset*/, std::uint64_t /*length*/) override { return {}; }
  Status drop_cached_pages() override { return {}; }
  Status close() override { return {}; }

  Bytes bytes;
  std::vector<Write> writes;
};

class SegmentWriterTest : public ::testing::Test {
 protected:
  SegmentWriter begin(WalFormat format = WalFormat::kV4) {
    const SegmentHeader header{.segment_id = SegmentId(1), .start = EntryId(1)};
    if (format == WalFormat::kV4) {
      return SegmentWriter::begin(file_, header, SegmentWriter::make_buffer(kBuffer));
    }
    const WalkState state{.offset = header_bytes(format), .due = EntryId(1)};
    return SegmentWriter::go_on(file_, format, header, state, SegmentWriter::make_buffer(kBuffer));
  }
  /// As a writer does.
  void add(SegmentWriter& writer, ByteView payload, std::uint64_t limit = kSegment) {
    if (writer.is_full_for(frame_span(writer.format(), payload.size()), kBuffer)) {
      EXPECT_TRUE(writer.flush_full(kBuffer, limit));
    }
    writer.add({.id = EntryId(writer.entries() + 1), .lag = 1}, payload);
  }

  std::shared_ptr<WatchedFile> file_ = std::make_shared<WatchedFile>();
};

TEST_F(SegmentWriterTest, AFullBufferIsWrittenUpToAMultipleOf64KiB) {
  SegmentWriter writer = begin();
  const Bytes payload(1000, std::byte{'x'});
  while (writer.offset() < kSegment / 2) add(writer, payload);
  ASSERT_GE(file_->writes.size(), 7U);
  std::uint64_t due = kBuffer;
  for (const auto& write : file_->writes) {
    EXPECT_EQ(write.end, due) << "one write for each 64 KiB";
    EXPECT_LE(write.end - write.begin, kBuffer + frame_span(WalFormat::kV4, 1000));
    due += kBuffer;
  }
}

// What follows the last frame is zeros, and the next frames take their place.
TEST_F(SegmentWriterTest, TheFramesThatFollowTakeThePlaceOfTheZeros) {
  SegmentWriter writer = begin();
  const Bytes payload(1000, std::byte{'x'});
  Bytes frames;
  while (writer.entries() < 200) {
    const v4::FrameFields fields{.id = EntryId(writer.entries() + 1), .lag = 1};
    v4::append_frame(frames, fields, payload, v4::crc_seed(writer.header().log_id, SegmentId(1)));
    add(writer, payload);
    const auto written = ByteView(file_->bytes).subspan(std::min(v4::kHeaderBytes, file_->bytes.size()));
    const std::size_t whole =
        std::min(written.size(), frames.size()) / v4::frame_span(1000) * v4::frame_span(1000);
    ASSERT_TRUE(std::ranges::equal(written.first(whole), ByteView(frames).first(whole)));
    ASSERT_TRUE(all_zeros(written.subspan(whole)));
  }
  ASSERT_TRUE(writer.flush());
  EXPECT_TRUE(std::ranges::equal(ByteView(file_->bytes).subspan(v4::kHeaderBytes), frames));
}

TEST_F(SegmentWriterTest, NoZerosAreWrittenFarAheadOrPastTheSegmentsLimitOrInOlderVersions) {
  const auto expect_zeros_up_to = [&](std::uint64_t most, WalFormat format, std::size_t payload_bytes,
                                      std::uint64_t limit) {
    file_ = std::make_shared<WatchedFile>();
    SegmentWriter writer = begin(format);
    const Bytes payload(payload_bytes, std::byte{'x'});
    while (writer.offset() < kSegment / 2) add(writer, payload, limit);
    ASSERT_FALSE(file_->writes.empty());
    const std::uint64_t span = frame_span(format, payload_bytes);
    for (const auto& write : file_->writes) EXPECT_LE((write.end - header_bytes(format)) % span, most);
  };
  expect_zeros_up_to(8192, WalFormat::kV4, 40'000, kSegment);
  expect_zeros_up_to(0, WalFormat::kV4, 1000, 0);
  expect_zeros_up_to(0, WalFormat::kV3, 1000, kSegment);
}

TEST_F(SegmentWriterTest, TheBufferStaysBounded) {
  for (const std::size_t bytes : {0U, 1U, 100U, 5000U, 33'000U, 50'000U, 65'000U}) {
    SegmentWriter writer = begin();
    const Bytes payload(bytes, std::byte{'x'});
    for (int i = 0; i < 1000; ++i) {
      add(writer, payload);
      ASSERT_LE(writer.buffered(), kBuffer + kBuffer / 2 + v4::kHeaderBytes);
      if (i % 7 != 0) continue;
      ASSERT_TRUE(writer.flush());
    }
  }
}

// Full buffers, with their zeros, go out of order, or in part, when the power is cut.
TEST_F(SegmentWriterTest, APowerCutAtEachStepLeavesAPrefixAfterFullBuffersToo) {
  WalOptions options = test::test_options();
  options.segment_bytes = kSegment;
  options.buffer_bytes = kBuffer;
  options.flush = FlushPolicy::manual();
  bool was_cut = true;
  for (std::uint64_t cut = 0; was_cut; ++cut) {
    for (const auto& profile : durability::testing::kAllCrashProfiles) {
      SCOPED_TRACE(fmt::format("cut {} profile {}", cut, profile.name));
      const auto crash = CrashDirectory::make();
      crash->cut_after(cut);
      std::uint64_t acknowledged = 0;
      if (auto writer = test::open_writer(crash, options)) {
        for (std::uint64_t i = 1; i <= 200; ++i) {
          if (!(*writer)->append(as_bytes(std::string(1000 + i % 8, 'x')))) break;
          if (i % 80 != 0) continue;
          if (const auto durable = (*writer)->flush_and_sync()) acknowledged = durable->value();
        }
      }
      was_cut = crash->operations() > cut;
      durability::testing::RandomChooser chooser(cut);
      const auto disk = crash->after_power_cut(profile, chooser);
      const auto reopened = test::open_writer(disk, options);
      ASSERT_TRUE(reopened) << reopened.error() << '\n' << disk->describe();
      EXPECT_GE((*reopened)->last_entry_id().value(), acknowledged);
      const auto read = WalReader<Bytes>(disk).for_each_bytes(
          ReadMode::kStrict,
          [](const WalEntryView& entry) { EXPECT_EQ(entry.payload.size(), 1000 + entry.id.value() % 8); });
      EXPECT_TRUE(read) << read.error();
    }
  }
}

}  // namespace
}  // namespace durability::walog
