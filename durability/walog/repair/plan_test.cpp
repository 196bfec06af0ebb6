#include "durability/walog/repair/plan.hpp"

#include <gtest/gtest.h>

#include "durability/walog/maintenance.hpp"
#include "durability/walog/test_support.hpp"

namespace durability::walog {
namespace {

using test::SegmentImage;

TEST(RepairPlan, SaysWhatIsLostAndWhatBecomesOfEachFile) {
  const auto directory = test::CrashDirectory::make();
  SegmentImage two = SegmentImage(2, 3).durable(2).entry("c").entry("d").durable(4).seal();
  test::put(*directory, 1, SegmentImage(1).entry("a").entry("b").durable(2).seal());
  test::put(*directory, 2, two.flip(two.at(1) + 24));
  test::put(*directory, 3, SegmentImage(3, 5).durable(4).entry("e").durable(5).entry("f"));
  const auto plan = WalMaintenance(directory, test::test_options()).repair_plan().value();
  ASSERT_TRUE(plan);
  const std::string text = plan->to_string();
  EXPECT_NE(text.find("wal/wal_2.log offset 96"), std::string::npos) << text;
  EXPECT_NE(text.find("entries 4 to 6"), std::string::npos) << text;
  EXPECT_NE(text.find("up to entry 5"), std::string::npos) << text;
  EXPECT_NE(text.find("wal/wal_3.log: copied, then replaced"), std::string::npos) << text;
}

// The plan of a log of version 2 or 3 said that no entry was seen after the cut, though whole ones stood
// there: it stepped over the damaged one by its length, and the length was what was damaged.
TEST(RepairPlan, SearchesAfterADamagedLengthInOldVersions) {
  for (const WalFormat format : {WalFormat::kV2, WalFormat::kV3}) {
    const auto directory = test::CrashDirectory::make();
    WalOptions options = test::test_options();
    options.format = format;
    auto writer = test::open_writer(directory, options).value();
    for (const char* text : {"aaaa", "bbbb", "cccc", "dddd"}) ASSERT_TRUE(writer->append(as_bytes(text)));
    ASSERT_TRUE(writer->close());
    const Bytes sound = test::segment_bytes(*directory, 1);
    for (const std::size_t byte : {0U, 1U, 2U, 3U}) {
      Bytes damaged = sound;
      damaged.at(24 + 20 + byte) ^= std::byte{0x7f};
      test::put(*directory, 1, damaged);
      const auto plan = WalMaintenance(directory, test::test_options()).repair_plan();
      ASSERT_TRUE(plan) << plan.error();
      ASSERT_TRUE(*plan) << "byte " << byte;
      EXPECT_EQ((*plan)->first_lost, EntryId(2)) << byte;
      EXPECT_EQ((*plan)->last_lost_seen, EntryId(4)) << byte;
      EXPECT_EQ((*plan)->to_string().find("none is seen"), std::string::npos) << (*plan)->to_string();
    }
  }
}

}  // namespace
}  // namespace durability::walog
