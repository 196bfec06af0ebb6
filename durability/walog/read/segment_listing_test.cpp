#include "durability/walog/read/segment_listing.hpp"

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

// Replay order is numeric, and noise beside the segments is no part of the log.
TEST(SegmentListing, SegmentsAreListedInNumericOrderAndNoiseIsIgnored) {
  const auto directory = MemoryDirectory::make();
  for (const char* name : {"wal_10.log", "wal_9.log", "wal_100.log", "wal_11.log", "wal_01.log", "wal_+5.log",
                           "wal_18446744073709551616.log", "wal_x.log", ".lock", "wal_8.log.tmp", "notes"}) {
    touch(*directory, name);
  }
  EXPECT_THAT(list_segments(*directory).value(),
              ElementsAre(SegmentId(9), SegmentId(10), SegmentId(11), SegmentId(100)));
}

TEST(SegmentListing, ALogWithoutItsDirectoryHasNoSegments) {
  EXPECT_TRUE(list_segments(*MemoryDirectory::make()).value().empty());
}

TEST(SegmentListing, ASegmentNumberedZeroIsRefusedAndNamed) {
  const auto directory = MemoryDirectory::make();
  touch(*directory, "wal_0.log");
  touch(*directory, "wal_1.log");
  const auto listed = list_segments(*directory);
  ASSERT_TRUE(fails_with(listed, ErrorCode::kFormat));
  EXPECT_EQ(listed.error().path(), "wal/wal_0.log");
}

}  // namespace
}  // namespace durability::walog
