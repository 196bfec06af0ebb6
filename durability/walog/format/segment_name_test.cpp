#include "durability/walog/format/segment_name.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "durability/walog/test_support.hpp"

namespace durability::walog {
namespace {

using test::fails_with;
using ::testing::ElementsAre;

void touch(Directory& directory, std::string_view name) {
  ASSERT_TRUE(directory.create("wal/" + std::string(name)));
}

// A name is a decimal u64 without sign or leading zero, or it is no segment's.
TEST(SegmentName, IsADecimalNumberWithoutSignOrLeadingZero) {
  EXPECT_EQ(parse_segment_name("wal_1.log"), SegmentId(1));
  EXPECT_EQ(parse_segment_name("wal_10.log"), SegmentId(10));
  EXPECT_EQ(parse_segment_name("wal_18446744073709551615.log"), SegmentId(18446744073709551615U));
  EXPECT_EQ(parse_segment_name("wal_0.log"), SegmentId(0)) << "refused by whoever lists it";
  for (const char* noise : {"wal_01.log",
                            "wal_00.log",
                            "wal_+5.log",
                            "wal_-5.log",
                            "wal_18446744073709551616.log",
                            "wal_99999999999999999999999.log",
                            "wal_x.log",
                            "wal_1x.log",
                            "wal_ 1.log",
                            "wal_0x1.log",
                            "wal_.log",
                            "wal_1.lo",
                            "wal_1.log.tmp",
                            "Wal_1.log",
                            "wal1.log",
                            ".lock",
                            "",
                            "wal_",
                            ".log",
                            "wal_1.logg"}) {
    EXPECT_EQ(parse_segment_name(noise), std::nullopt) << noise;
  }
}

TEST(SegmentName, IsMadeAndReadBackAlike) {
  for (const std::uint64_t id : {std::uint64_t{1}, std::uint64_t{9}, ~std::uint64_t{0}}) {
    const std::string path = segment_path(SegmentId(id));
    ASSERT_TRUE(path.starts_with("wal/"));
    EXPECT_EQ(parse_segment_name(path.substr(4)), SegmentId(id));
  }
}

// Replay order is numeric, and noise beside the segments is no part of the log.
TEST(SegmentName, SegmentsAreListedInNumericOrderAndNoiseIsIgnored) {
  const auto directory = MemoryDirectory::make();
  for (const char* name : {"wal_10.log", "wal_9.log", "wal_100.log", "wal_11.log", "wal_01.log", "wal_+5.log",
                           "wal_18446744073709551616.log", "wal_x.log", ".lock", "wal_8.log.tmp", "notes"}) {
    touch(*directory, name);
  }
  EXPECT_THAT(list_segments(*directory).value(),
              ElementsAre(SegmentId(9), SegmentId(10), SegmentId(11), SegmentId(100)));
}

TEST(SegmentName, ALogWithoutItsDirectoryHasNoSegments) {
  EXPECT_TRUE(list_segments(*MemoryDirectory::make()).value().empty());
}

TEST(SegmentName, ASegmentNumberedZeroIsRefusedAndNamed) {
  const auto directory = MemoryDirectory::make();
  touch(*directory, "wal_0.log");
  touch(*directory, "wal_1.log");
  const auto listed = list_segments(*directory);
  ASSERT_TRUE(fails_with(listed, ErrorCode::kFormat));
  EXPECT_EQ(listed.error().path(), "wal/wal_0.log");
}

// Only what a crashed writer of segments can have left is removed.
TEST(SegmentName, OnlyExactTemporariesOfSegmentsAreRemoved) {
  const auto directory = MemoryDirectory::make();
  for (const char* ours : {"wal_1.log.0123456789abcdef.tmp", "wal_27.log.ffffffffffffffff.tmp"}) {
    touch(*directory, ours);
  }
  const std::vector<std::string> others = {".lock",
                                           "checkpoint.0123456789abcdef.tmp",
                                           "wal_01.log.0123456789abcdef.tmp",
                                           "wal_1.log",
                                           "wal_1.log.0123456789ABCDEF.tmp",
                                           "wal_1.log.0123456789abcde.tmp",
                                           "wal_1.log.0123456789abcdef.tmp.old",
                                           "wal_1.log.tmp",
                                           "wal_x.log.0123456789abcdef.tmp"};
  for (const auto& name : others) touch(*directory, name);
  ASSERT_TRUE(remove_temporaries(*directory));
  EXPECT_EQ(directory->list("wal").value(), others);
}

// A tree of files stood under the name of a segment's temporary, and opening the log deleted it.
TEST(SegmentName, ADirectoryOfATemporarysNameIsLeftAlone) {
  const auto directory = MemoryDirectory::make();
  touch(*directory, "wal_2.log.0123456789abcdef.tmp/kept");
  ASSERT_TRUE(remove_temporaries(*directory));
  EXPECT_TRUE(directory->exists("wal/wal_2.log.0123456789abcdef.tmp/kept").value());
}

}  // namespace
}  // namespace durability::walog
