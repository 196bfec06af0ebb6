#include "durability/recover/recover.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "durability/testing/crash_directory.hpp"
#include "durability/walog/writer.hpp"

namespace durability {
namespace {

using testing::CrashDirectory;
using Words = std::vector<std::string>;

Result<Recovery<Words>> recover_words(const std::shared_ptr<Directory>& directory,
                                      const RecoveryOptions& options) {
  return recover_with_wal<Words, std::string>(
      directory, "words.ckpt", options,
      [](std::optional<Words> checkpoint) { return checkpoint.value_or(Words{}); },
      [](Words& words, EntryId, const std::string& word) { words.push_back(word); });
}

TEST(RecoverWithWal, StartsFreshWhereThereIsNothing) {
  const auto recovered = recover_words(CrashDirectory::make(), RecoveryOptions::strict());
  ASSERT_TRUE(recovered) << recovered.error();
  EXPECT_TRUE(recovered->state.empty());
  EXPECT_EQ(recovered->checkpoint_id, std::nullopt);
  EXPECT_EQ(recovered->last_applied, EntryId(0));
}

}  // namespace
}  // namespace durability
