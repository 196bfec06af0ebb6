// Options of a log that is open.

#include <gtest/gtest.h>

#include "durability/walog/reader.hpp"
#include "durability/walog/sync_writer.hpp"
#include "durability/walog/test_support.hpp"

namespace durability::walog {
namespace {

using test::CrashDirectory;
using test::fails_with;

TEST(Configure, ChangesTheFlushPolicyOfAnOpenLog) {
  const auto directory = CrashDirectory::make();
  WalOptions options = test::one_segment();
  options.flush = FlushPolicy::manual();
  auto writer = WalWriter<std::string>::open(directory, options).value();
  ASSERT_TRUE(writer.append("a"));
  EXPECT_EQ(test::read_strict(directory), ": ok");
  ASSERT_TRUE(writer.configure([](WalTuning& tuning) { tuning.flush = FlushPolicy::per_append(); }));
  ASSERT_TRUE(writer.append("b"));
  EXPECT_EQ(WalReader<std::string>(directory).count(ReadMode::kStrict).value(), 2U);
  EXPECT_TRUE(writer.close());
}

TEST(Configure, ChangesSizeAndAgeOfSegments) {
  const auto clock = std::make_shared<test::ManualClock>();
  WalOptions options = test::one_segment();
  options.clock = clock;
  auto writer = SyncWalWriter<std::string>::open(CrashDirectory::make(), options).value();
  ASSERT_TRUE(writer->append("a"));
  clock->advance(std::chrono::hours(1));
  ASSERT_TRUE(writer->configure([](WalTuning& t) { t.segment_max_age = std::chrono::minutes(1); }));
  ASSERT_TRUE(writer->append("b"));
  EXPECT_EQ(writer->segment_id(), SegmentId(1)) << "its age counts from when it got a limit";
  clock->advance(std::chrono::minutes(2));
  ASSERT_TRUE(writer->append("c"));
  EXPECT_EQ(writer->segment_id(), SegmentId(2));
  const std::uint64_t full = writer->segment_bytes();
  ASSERT_TRUE(writer->configure([](WalTuning& t) { t.segment_bytes = 128; }));
  ASSERT_TRUE(writer->append("d"));
  EXPECT_EQ(writer->segment_id(), SegmentId(3)) << "the segment had " << full << " bytes";
  EXPECT_TRUE(writer->close());
}

TEST(Configure, RefusesWhatMakesNoSenseAndChangesNothing) {
  auto writer = WalWriter<std::string>::open(CrashDirectory::make(), test::test_options()).value();
  EXPECT_TRUE(fails_with(writer.configure([](WalTuning& tuning) {
    tuning.segment_bytes = 1;
    tuning.recycle_segments = 3;
  }),
                         ErrorCode::kInvalidConfig));
  EXPECT_TRUE(writer.configure([](const WalTuning& tuning) {
    EXPECT_EQ(tuning.segment_bytes, 256U);
    EXPECT_EQ(tuning.recycle_segments, 0U);
  }));
  EXPECT_TRUE(writer.close());
  EXPECT_TRUE(fails_with(writer.configure([](WalTuning&) {}), ErrorCode::kClosed));
}

TEST(SyncWalWriter, ABatchIsDurableWhenAppendBatchDurableReturns) {
  const auto directory = CrashDirectory::make();
  auto writer = SyncWalWriter<std::string>::open(directory, test::one_segment()).value();
  const auto durable = writer->append_batch_durable(std::vector<std::string>{"a", "b", "c"}).value();
  EXPECT_EQ(durable.entry(), EntryId(3));
  durability::testing::RandomChooser chooser(1);
  const auto left = directory->after_power_cut(durability::testing::CrashProfile::hostile(), chooser);
  EXPECT_EQ(WalReader<std::string>(left).count(ReadMode::kBestEffort).value(), 3U);
}

}  // namespace
}  // namespace durability::walog
