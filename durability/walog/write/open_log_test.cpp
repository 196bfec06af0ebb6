// What opening removes and cuts, and that it is durable when opening returns.

#include <gtest/gtest.h>

#include "durability/storage/memory_directory.hpp"
#include "durability/walog/test_support.hpp"

namespace durability::walog {
namespace {

using test::CrashDirectory;
using test::open_writer;

std::vector<std::shared_ptr<Directory>> with_and_without_stable_storage() {
  return {CrashDirectory::make(), MemoryDirectory::make()};
}

// A log that was lost before it held anything, and is begun anew after a checkpoint.
TEST(Resume, ALogOfZerosThatBeginsLaterLosesItsFirstSegment) {
  for (const auto& directory : with_and_without_stable_storage()) {
    test::put(*directory, 1, Bytes(256));
    WalOptions options = test::test_options();
    options.first_entry_id = EntryId(100);
    auto writer = open_writer(directory, options).value();
    EXPECT_FALSE(directory->exists("wal/wal_1.log").value());
    EXPECT_EQ(writer->append(as_bytes("a")).value(), EntryId(100));
    ASSERT_TRUE(writer->close());
    EXPECT_EQ(test::read_strict(directory), "a: ok");
    EXPECT_TRUE(open_writer(directory));
  }
}

// A killed writer leaves a segment of zeros that it rotated into, and the spare after it. The first becomes
// one of version 3; zeros after that would be a segment of another version.
TEST(Resume, ChangingTheVersionOfAnEmptySegmentRemovesTheSpareAfterIt) {
  for (const auto& directory : with_and_without_stable_storage()) {
    WalOptions options = test::test_options();
    options.observer = std::make_shared<WalObserver>();
    options.segment_bytes = 136;
    auto writer = open_writer(directory, options).value();
    ASSERT_TRUE(writer->append(as_bytes("a")));
    ASSERT_TRUE(writer->append(as_bytes("b")));
    static_cast<test::ManualWorker&>(*options.worker).run_all();
    writer.reset();
    if (!directory->exists("wal/wal_3.log").value()) test::put(*directory, 3, Bytes(136));
    options = test::test_options();
    options.format = WalFormat::kV3;
    writer = open_writer(directory, options).value();
    EXPECT_FALSE(directory->exists("wal/wal_3.log").value());
    ASSERT_TRUE(writer->append(as_bytes("c")));
    ASSERT_TRUE(writer->close());
    EXPECT_EQ(test::read_strict(directory), "a c: ok");
  }
}

TEST(Resume, ATornTailOfVersion3IsCutDurably) {
  const auto directory = CrashDirectory::make();
  WalOptions options = test::one_segment();
  options.format = WalFormat::kV3;
  auto writer = open_writer(directory, options).value();
  ASSERT_TRUE(writer->append(as_bytes("a")));
  ASSERT_TRUE(writer->append(as_bytes("b")));
  ASSERT_TRUE(writer->close());
  Bytes torn = test::segment_bytes(*directory, 1);
  torn.pop_back();
  test::put(*directory, 1, torn);
  writer = open_writer(directory, options).value();
  EXPECT_EQ(writer->last_entry_id(), EntryId(1));
  EXPECT_LT(test::segment_bytes(*directory, 1).size(), torn.size() - 1);
  EXPECT_TRUE(directory->all_synced()) << directory->describe();
}

}  // namespace
}  // namespace durability::walog
