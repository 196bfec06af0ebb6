#include "durability/walog/repair_plan.hpp"

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

}  // namespace
}  // namespace durability::walog
