#include "durability/walog/format/segment_name.hpp"

#include <gtest/gtest.h>

namespace durability::walog {
namespace {

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

}  // namespace
}  // namespace durability::walog
