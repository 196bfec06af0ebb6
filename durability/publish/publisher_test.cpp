#include "durability/publish/publisher.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <variant>

#include "durability/storage/memory_directory.hpp"
#include "durability/testing/crash_directory.hpp"
#include "durability/testing/faulty_directory.hpp"
#include "durability/testing/manual_worker.hpp"
#include "durability/walog/sync_writer.hpp"

namespace durability {
namespace {

using testing::CrashDirectory;
using testing::FaultyDirectory;
using testing::Operation;

struct Put {
  std::string key, value;
};
struct Published {
  std::string path;
  std::uint64_t upto;
};
using Op = std::variant<Put, Published>;
using Table = std::map<std::string, std::string>;

constexpr std::string_view kPath = "table.ckpt";

Op marker(std::string_view path, DurableId upto) { return Published{std::string(path), upto.value()}; }
DurableId durable(std::uint64_t id, const Directory& of) {
  return internal::DurableIdIssuer::issue(EntryId(id), of.identity());
}

WalOptions small_segments() {
  WalOptions options;
  options.segment_bytes = 160;
  options.worker = std::make_shared<testing::ManualWorker>();
  return options;
}

// Adds four entries, several segments, to log and table, durably.
template <class Wal>
DurableId travel(Wal& wal, Table& table) {
  for (const std::string city : {"Kyoto", "Lima", "Oslo", "Quito"}) {
    table[city] += city + " is far away";
    EXPECT_TRUE(wal.append(Put{city, table[city]}));
  }
  return wal.flush_and_sync().value();
}

TEST(CheckpointPublisher, NeedsNoMarker) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  auto wal = WalWriter<Op>::open(directory, small_segments()).value();
  Table table;
  const DurableId upto = travel(wal, table);
  const auto published = CheckpointPublisher(directory).publish(wal, table, upto, kPath);
  ASSERT_TRUE(published) << published.error();
  EXPECT_EQ(published->marker, std::nullopt);
  EXPECT_FALSE(published->truncation.deleted.empty());
  EXPECT_EQ(wal.last_entry_id(), EntryId(4));
}

// The order, written down by the directory itself.
TEST(CheckpointPublisher, MakesCheckpointThenMarkerThenTruncationDurable) {
  const auto faulty = FaultyDirectory::make(CrashDirectory::make());
  auto wal = WalWriter<Op>::open(faulty, small_segments()).value();
  Table table;
  const DurableId upto = travel(wal, table);
  faulty->clear_log();
  ASSERT_TRUE(CheckpointPublisher(faulty).publish(wal, table, upto, kPath, marker));
  const auto changes = faulty->changes();
  const auto at = [&](std::string_view text, std::size_t from) {
    for (std::size_t i = from; i < changes.size(); ++i) {
      if (changes[i].starts_with(text)) return i;
    }
    ADD_FAILURE() << text << " is missing";
    return changes.size();
  };
  const std::size_t renamed = at("rename table.ckpt.", at("sync_data table.ckpt.", 0));
  const std::size_t checkpoint = at("sync_directory .", renamed);
  const std::size_t appended = at("write wal/", 0);
  const std::size_t marked = at("sync_data wal/", appended);
  const std::size_t removed = at("remove_file wal/", 0);
  EXPECT_LT(checkpoint, appended);
  EXPECT_LT(marked, removed);
  EXPECT_EQ(at("sync_directory wal", removed), removed + 1);
}

// What is refused in front of everything: no file is created, written, removed or synced.
class Refusals : public ::testing::Test {
 protected:
  void SetUp() override {
    upto_ = travel(wal_, table_);
    faulty_->clear_log();
  }

  Result<PublishResult> publish(DurableId upto, std::string_view path = kPath) {
    return CheckpointPublisher(faulty_).publish(wal_, table_, upto, path, marker);
  }

  void expect_refused(const Result<PublishResult>& published, ErrorCode code) {
    ASSERT_FALSE(published);
    EXPECT_EQ(published.error().code(), code) << published.error();
    EXPECT_TRUE(faulty_->changes().empty()) << faulty_->changes().front();
  }

  std::shared_ptr<FaultyDirectory> faulty_ = FaultyDirectory::make(CrashDirectory::make());
  WalWriter<Op> wal_ = WalWriter<Op>::open(faulty_, small_segments()).value();
  Table table_;
  DurableId upto_ = durable(0, *faulty_);
};

// K3
TEST_F(Refusals, AnIdBeyondWhatIsDurableInTheLog) {
  expect_refused(publish(durable(5, *faulty_)), ErrorCode::kInvalidState);
  ASSERT_TRUE(wal_.append(Put{"appended", "not durable"}));
  faulty_->clear_log();
  expect_refused(publish(durable(5, *faulty_)), ErrorCode::kInvalidState);
  EXPECT_TRUE(publish(upto_));
}

TEST_F(Refusals, AnIdThatTheLogNoLongerReachesBackTo) {
  ASSERT_TRUE(publish(upto_));
  faulty_->clear_log();
  const EntryId first = wal_.segment_ranges().front().first;
  ASSERT_GE(first, EntryId(4));
  expect_refused(publish(durable(first.value() - 2, *faulty_)), ErrorCode::kInvalidState);
}

TEST_F(Refusals, APathThatLeavesTheDirectoryOrLiesInTheLog) {
  using namespace std::string_view_literals;
  for (const std::string_view path : {"../x"sv, "/x"sv, "x\0"sv, ""sv, "wal"sv, "wal/wal_1.log"sv}) {
    expect_refused(publish(upto_, path), ErrorCode::kInvalidConfig);
  }
  EXPECT_TRUE(publish(upto_, "wallet")) << "is no file of the log";
}

TEST_F(Refusals, AWriterThatIsClosed) {
  ASSERT_TRUE(wal_.close());
  faulty_->clear_log();
  expect_refused(publish(upto_), ErrorCode::kInvalidState);
}

TEST_F(Refusals, AWriterThatIsPoisoned) {
  ASSERT_TRUE(wal_.append(Put{"a", "b"}));
  faulty_->fail({.operation = Operation::kSyncData, .path = "wal/"});
  ASSERT_FALSE(wal_.flush_and_sync());
  faulty_->clear_log();
  expect_refused(publish(upto_), ErrorCode::kInvalidState);
}

TEST_F(Refusals, AStateThatCannotBeEncoded) {
  table_["no text"] = "\xff";
  expect_refused(publish(upto_), ErrorCode::kEncode);
}

TEST(CheckpointPublisher, IsNotSupportedWithoutStableStorageAndPoisonsNothing) {
  const auto faulty = FaultyDirectory::make(MemoryDirectory::make());
  auto wal = WalWriter<Op>::open(faulty, small_segments()).value();
  ASSERT_TRUE(wal.append(Put{"a", "b"}));
  faulty->clear_log();
  const auto published = CheckpointPublisher(faulty).publish(wal, Table{}, durable(1, *faulty), kPath, marker);
  EXPECT_EQ(published.error().code(), ErrorCode::kNotSupported);
  EXPECT_TRUE(faulty->changes().empty());
  EXPECT_EQ(wal.append(Put{"goes", "on"}).value(), EntryId(2));
  EXPECT_TRUE(wal.close());
}

}  // namespace
}  // namespace durability
