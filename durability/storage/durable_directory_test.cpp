#include "durability/storage/durable_directory.hpp"

#include <gtest/gtest.h>

#include "durability/storage/memory_directory.hpp"
#include "durability/testing/crash_directory.hpp"
#include "durability/testing/faulty_directory.hpp"

namespace durability {
namespace {

using testing::CrashDirectory;
using testing::FaultyDirectory;
using Changes = std::vector<std::string>;

void takes_a_directory(const std::shared_ptr<Directory>& directory) { EXPECT_TRUE(directory); }

TEST(DurableDirectory, IsMadeOfADirectoryWithStableStorageOnly) {
  const auto refused = DurableDirectory::require(MemoryDirectory::make());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kNotSupported);
  const auto durable = DurableDirectory::require(CrashDirectory::make()).value();
  EXPECT_TRUE(durable->write_durable("a", as_bytes("x")));
  takes_a_directory(durable);
}

TEST(SyncFunctions, SyncTheFileOrTheDirectoryItStandsIn) {
  const auto disk = CrashDirectory::make();
  ASSERT_TRUE(disk->atomic_write("d/a", as_bytes("x")));
  const auto faulty = FaultyDirectory::make(disk);
  EXPECT_TRUE(sync_file(*faulty, "d/a"));
  EXPECT_TRUE(sync_parent_dir(*faulty, "d/a"));
  EXPECT_TRUE(sync_parent_dir(*faulty, "d"));
  EXPECT_EQ(faulty->changes(), (Changes{"sync_data d/a", "sync_directory d", "sync_directory ."}));
}

TEST(SyncFunctions, ReportWhatFails) {
  const auto faulty = FaultyDirectory::make(CrashDirectory::make());
  EXPECT_EQ(sync_file(*faulty, "missing").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(sync_parent_dir(*faulty, "no/file").error().code(), ErrorCode::kNotFound);
  ASSERT_TRUE(faulty->atomic_write("a", as_bytes("x")));
  faulty->fail({.operation = testing::Operation::kSyncData});
  EXPECT_EQ(sync_file(*faulty, "a").error().code(), ErrorCode::kIo);
  faulty->fail({.operation = testing::Operation::kSyncDirectory});
  EXPECT_EQ(sync_parent_dir(*faulty, "a").error().code(), ErrorCode::kIo);
  const auto memory = MemoryDirectory::make();
  ASSERT_TRUE(memory->atomic_write("a", as_bytes("x")));
  EXPECT_EQ(sync_file(*memory, "a").error().code(), ErrorCode::kNotSupported);
  EXPECT_EQ(sync_parent_dir(*memory, "a").error().code(), ErrorCode::kNotSupported);
}

TEST(SyncFunctions, SyncTheParentOfAPathThatNoDirectoryLeadsTo) {
  EXPECT_TRUE(sync_parent_of_path(::testing::TempDir() + "/name"));
  EXPECT_TRUE(sync_parent_of_path("name"));
  EXPECT_EQ(sync_parent_of_path("/").error().code(), ErrorCode::kInvalidConfig);
  EXPECT_EQ(sync_parent_of_path("").error().code(), ErrorCode::kInvalidConfig);
  EXPECT_EQ(sync_parent_of_path("/nowhere/at/all").error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace durability
