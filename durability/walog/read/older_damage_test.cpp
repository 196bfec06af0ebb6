// Damaged logs of versions 2 and 3, made frame by frame. What the crate says of those that it wrote is held
// against ours in tests/compat/.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "durability/walog/format/v3.hpp"
#include "durability/walog/test_support.hpp"

namespace durability::walog {
namespace {

using test::CrashDirectory;

void add_entry(Bytes& segment, WalFormat format, std::uint64_t id, std::string_view text) {
  const auto head = v3::encode_head(format, EntryId(id), as_bytes(text));
  segment.insert(segment.end(), head.begin(), head.end());
  segment.insert(segment.end(), as_bytes(text).begin(), as_bytes(text).end());
}

Bytes segment_of(WalFormat format, std::uint64_t number, const std::vector<std::uint64_t>& ids) {
  const auto header =
      v3::encode_header({.format = format, .start = EntryId(ids.front()), .segment_id = SegmentId(number)});
  Bytes segment(header.begin(), header.end());
  for (const std::uint64_t id : ids) add_entry(segment, format, id, fmt::format("entry {}", id));
  return segment;
}

void put(Directory& directory, std::uint64_t number, ByteView bytes) {
  ASSERT_TRUE(directory.create(segment_path(SegmentId(number))).value()->write_at(0, bytes));
}

// C2: entry ids that left some out, came twice or went back were read over, by the reader and by who opened
// the log; what was missing was never noticed.
TEST(OlderDamage, EntryIdsThatDoNotRiseByOneAreRefusedAndNothingIsChanged) {
  const std::vector<std::vector<std::vector<std::uint64_t>>> logs = {
      {{1, 3}}, {{1, 1}}, {{1, 2, 1}}, {{1, 2}, {4}}, {{1, 2}, {2}}, {{1, 3}, {4}}};
  for (const WalFormat format : {WalFormat::kV2, WalFormat::kV3}) {
    for (const auto& log : logs) {
      SCOPED_TRACE(::testing::PrintToString(log));
      const auto directory = CrashDirectory::make();
      for (std::size_t i = 0; i < log.size(); ++i) put(*directory, i + 1, segment_of(format, i + 1, log[i]));
      const auto before = test::snapshot(*directory);
      for (const ReadMode mode : {ReadMode::kStrict, ReadMode::kBestEffort}) {
        EXPECT_THAT(test::read(directory, mode), ::testing::EndsWith(": format"));
      }
      EXPECT_TRUE(test::fails_with(test::open_writer(directory), ErrorCode::kFormat));
      EXPECT_EQ(test::snapshot(*directory), before);
    }
  }
}

// C21: after a damaged length the crate looked for whole frames, left out those without a payload, and did
// not look at the last place of the file; so an acknowledged empty entry was cut off as a torn tail. In
// version 2 eight bytes and more of zeros after an id check as an empty frame, so there they are no
// evidence.
TEST(OlderDamage, AnEmptyFrameAtTheEndOfTheFileIsEvidenceInVersion3) {
  for (const WalFormat format : {WalFormat::kV2, WalFormat::kV3}) {
    const auto directory = CrashDirectory::make();
    Bytes segment = segment_of(format, 1, {1});
    add_entry(segment, format, 2, "");
    store_le(segment, v3::kHeaderBytes, std::uint32_t{4000});  // the first frame's length: past the end
    put(*directory, 1, segment);
    const auto before = test::snapshot(*directory);
    const auto opened = test::open_writer(directory);
    if (format == WalFormat::kV2) {
      ASSERT_TRUE(opened) << opened.error();
      EXPECT_EQ((*opened)->next_entry_id(), EntryId(1));
      continue;
    }
    EXPECT_TRUE(test::fails_with(opened, ErrorCode::kFormat));
    EXPECT_EQ(test::snapshot(*directory), before);
  }
}

}  // namespace
}  // namespace durability::walog
