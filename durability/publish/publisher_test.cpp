#include "durability/publish/publisher.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <variant>

#include "durability/recover/recover.hpp"
#include "durability/testing/crash_directory.hpp"
#include "durability/walog/sync_writer.hpp"

namespace durability {
namespace {

using testing::CrashDirectory;

struct Put {
  std::string key, value;
};
struct Published {
  std::string path;
  std::uint64_t upto;
};
using Op = std::variant<Put, Published>;
using Table = std::map<std::string, std::string>;

Result<Recovery<Table>> recover_table(const std::shared_ptr<Directory>& directory) {
  return recover_with_wal<Table, Op>(
      directory, "table.ckpt", RecoveryOptions::best_effort(),
      [](std::optional<Table> checkpoint) { return checkpoint.value_or(Table{}); },
      [](Table& table, EntryId, const Op& op) {
        if (const auto* put = std::get_if<Put>(&op)) table[put->key] = put->value;
      });
}

Op marker(std::string_view path, DurableId upto) { return Published{std::string(path), upto.value()}; }

template <class Wal>
void publish_and_recover(const std::shared_ptr<Directory>& directory, Wal& wal) {
  Table table;
  for (const std::string city : {"Kyoto", "Lima", "Oslo", "Quito"}) {
    table[city] = city + " is far away";
    ASSERT_TRUE(wal.append(Put{city, table[city]}));
  }
  const DurableId durable = wal.flush_and_sync().value();
  const auto published = CheckpointPublisher(directory).publish(wal, table, durable, "table.ckpt", marker);
  ASSERT_TRUE(published) << published.error();
  EXPECT_EQ(published->last_applied, EntryId(4));
  EXPECT_EQ(published->marker, EntryId(5));
  EXPECT_EQ(published->truncation.deleted.front().first, EntryId(1));

  const auto recovered = recover_table(directory);
  ASSERT_TRUE(recovered) << recovered.error();
  EXPECT_EQ(recovered->state, table);
  EXPECT_EQ(recovered->checkpoint_id, EntryId(4));
  EXPECT_EQ(recovered->last_applied, EntryId(5));
  EXPECT_EQ(recovered->replayed, 1U);
}

WalOptions small_segments() {
  WalOptions options;
  options.segment_bytes = 160;
  return options;
}

TEST(CheckpointPublisher, LeavesAStateThatIsRecoveredFromCheckpointAndTheRestOfTheLog) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  auto wal = WalWriter<Op>::open(directory, small_segments()).value();
  publish_and_recover(directory, wal);
}

TEST(CheckpointPublisher, TakesALogThatManyThreadsAppendTo) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  const auto wal = SyncWalWriter<Op>::open(directory, small_segments()).value();
  publish_and_recover(directory, *wal);
}

}  // namespace
}  // namespace durability
