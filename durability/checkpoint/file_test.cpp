#include "durability/checkpoint/file.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "durability/testing/crash_directory.hpp"

namespace durability {
namespace {

using testing::CrashDirectory;
using Table = std::map<std::string, std::string>;

const Table kTable = {{"city", "Kyoto"}, {"river", "Kamo"}};

TEST(CheckpointFile, ReadsBackWhatItWrote) {
  const CheckpointFile checkpoints(CrashDirectory::make());
  ASSERT_TRUE(checkpoints.write("a/table.ckpt", EntryId(7), kTable));
  const auto read = checkpoints.read<Table>("a/table.ckpt");
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->state, kTable);
  EXPECT_EQ(read->last_applied, EntryId(7));
  EXPECT_EQ(read->version, 2U);
}

}  // namespace
}  // namespace durability
