#include "durability/publish/publisher.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <variant>

#include "durability/storage/fs_directory.hpp"
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

// What is refused before anything else: no file is created, written, removed or synced.
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

// Its checkpoint would be ahead of the log.
TEST_F(Refusals, AnIdBeyondWhatIsDurableInTheLog) {
  expect_refused(publish(durable(5, *faulty_)), ErrorCode::kInvalidState);
  ASSERT_TRUE(wal_.append(Put{"appended", "not durable"}));
  faulty_->clear_log();
  expect_refused(publish(durable(5, *faulty_)), ErrorCode::kInvalidState);
  EXPECT_TRUE(publish(upto_));
}

// The id of another log, whose entries are durable there, says nothing of this one's: a checkpoint with it
// took the place of segments that nothing covered.
TEST_F(Refusals, TheIdOfAnotherLog) {
  const std::shared_ptr<Directory> elsewhere = CrashDirectory::make();
  auto other = WalWriter<Op>::open(elsewhere, small_segments()).value();
  Table table;
  const DurableId of_other = travel(other, table);
  ASSERT_EQ(of_other.entry(), upto_.entry());
  expect_refused(publish(of_other), ErrorCode::kInvalidConfig);
  expect_refused(CheckpointPublisher(faulty_).publish(wal_, table_, of_other, kPath),
                 ErrorCode::kInvalidConfig);
  EXPECT_EQ(wal_.segment_ranges().front().first, EntryId(1));
  EXPECT_TRUE(publish(upto_)) << "nothing is poisoned";
}

// The checkpoint went into the publisher's directory, and the log that it covers was cut in its own: recovery
// there found neither.
TEST_F(Refusals, APublisherForAnotherDirectoryThanTheLogs) {
  const auto elsewhere = FaultyDirectory::make(CrashDirectory::make());
  const CheckpointPublisher publisher(elsewhere);
  expect_refused(publisher.publish(wal_, table_, upto_, kPath), ErrorCode::kInvalidConfig);
  expect_refused(publisher.publish(wal_, table_, upto_, kPath, marker), ErrorCode::kInvalidConfig);
  EXPECT_TRUE(elsewhere->changes().empty());
  EXPECT_EQ(wal_.segment_ranges().front().first, EntryId(1));
}

// It was called, and its exception came out of the library.
TEST_F(Refusals, AMarkerThatNothingMakes) {
  const CheckpointPublisher publisher(faulty_);
  const std::function<Op(std::string_view, DurableId)> empty;
  expect_refused(publisher.publish(wal_, table_, upto_, kPath, empty), ErrorCode::kInvalidConfig);
  Op (*const nowhere)(std::string_view, DurableId) = nullptr;
  expect_refused(publisher.publish(wal_, table_, upto_, kPath, nowhere), ErrorCode::kInvalidConfig);
}

TEST_F(Refusals, AnIdThatTheLogNoLongerReachesBackTo) {
  ASSERT_TRUE(publish(upto_));
  faulty_->clear_log();
  const EntryId first = wal_.segment_ranges().front().first;
  ASSERT_GE(first, EntryId(4));
  ASSERT_TRUE(wal_.close());  // one that was opened later knows nothing of what was published
  wal_ = WalWriter<Op>::open(faulty_, small_segments()).value();
  ASSERT_TRUE(faulty_->remove(kPath));
  faulty_->clear_log();
  expect_refused(publish(durable(first.value() - 2, *faulty_)), ErrorCode::kTruncatedAway);
}

TEST_F(Refusals, AnOlderEntryThanTheNewestThatWasPublishedToWhateverPath) {
  // One segment: the log reaches back to everything.
  WalOptions options = small_segments();
  options.segment_bytes = 4096;
  faulty_ = FaultyDirectory::make(CrashDirectory::make());
  wal_ = WalWriter<Op>::open(faulty_, options).value();
  upto_ = travel(wal_, table_);
  const DurableId older = wal_.durable_up_to(EntryId(3)).value();
  ASSERT_TRUE(publish(upto_));
  faulty_->clear_log();
  for (const std::string_view path : {kPath, std::string_view("other.ckpt")}) {
    const auto published = publish(older, path);
    expect_refused(published, ErrorCode::kInvalidState);
    ASSERT_FALSE(published);
    EXPECT_NE(published.error().message().find("4 is published already"), std::string::npos)
        << published.error();
  }
  EXPECT_TRUE(publish(upto_)) << "the same one may be published again";
  EXPECT_TRUE(publish(wal_.durable_id().value()));
}

// What this writer has not published itself it sees in the checkpoint that is there.
TEST_F(Refusals, AnOlderEntryThanTheCheckpointThatIsThereUnlessThatIsDamaged) {
  const CheckpointFile checkpoints(faulty_);
  ASSERT_TRUE(checkpoints.write(kPath, EntryId(5), table_));
  faulty_->clear_log();
  const auto published = publish(upto_);
  expect_refused(published, ErrorCode::kInvalidState);
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().path(), kPath);
  EXPECT_EQ(checkpoints.read_header(kPath)->last_applied, EntryId(5));
  const auto file = faulty_->open(kPath, OpenMode::kReadWrite).value();
  const std::byte flipped{0xff};
  ASSERT_TRUE(file->write_at(checkpoint::kLastAppliedOffset + 5, ByteView(&flipped, 1)));
  EXPECT_TRUE(publish(upto_)) << "a damaged one may say any id";
  EXPECT_EQ(checkpoints.read_header(kPath)->last_applied, upto_.entry());
  ASSERT_TRUE(faulty_->atomic_write(kPath, as_bytes("no checkpoint at all")));
  EXPECT_TRUE(publish(wal_.durable_id().value()));
}

TEST_F(Refusals, WhereTheCheckpointThatIsThereCannotBeLookedAt) {
  ASSERT_TRUE(CheckpointFile(faulty_).write(kPath, EntryId(1), table_));
  for (const Operation failing : {Operation::kOpen, Operation::kRead, Operation::kList}) {
    faulty_->clear_log();
    faulty_->fail({.operation = failing, .path = failing == Operation::kList ? "" : std::string(kPath)});
    expect_refused(publish(upto_), ErrorCode::kIo);
  }
  EXPECT_TRUE(publish(upto_));
}

// Writing a checkpoint takes long. What the turn does not keep away must not come in between unseen.
TEST_F(Refusals, ANewerCheckpointThatSomebodyPutThereMeanwhile) {
  const auto inner = CrashDirectory::make();
  faulty_ = FaultyDirectory::make(inner);
  wal_ = WalWriter<Op>::open(faulty_, small_segments()).value();
  upto_ = travel(wal_, table_);
  faulty_->set_hook([&](const testing::OperationRecord& record) -> std::optional<testing::Injection> {
    if (record.operation == Operation::kWrite && record.path.starts_with(kPath)) {
      EXPECT_TRUE(CheckpointFile(inner).write(kPath, EntryId(9), table_));
    }
    return std::nullopt;
  });
  const auto published = publish(upto_);
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().code(), ErrorCode::kInvalidState) << published.error();
  EXPECT_EQ(CheckpointFile(inner).read_header(kPath)->last_applied, EntryId(9));
  EXPECT_EQ(inner->list("")->size(), 2U) << "the temporary is removed";
}

TEST_F(Refusals, ALogWhoseLockSomebodyTookAwayMeanwhile) {
  std::string root = ::testing::TempDir() + "durability_publish_XXXXXX";
  ASSERT_NE(::mkdtemp(root.data()), nullptr);
  const std::shared_ptr<Directory> inner = FsDirectory::open(root).value();
  faulty_ = FaultyDirectory::make(inner);
  wal_ = WalWriter<Op>::open(faulty_, small_segments()).value();
  upto_ = travel(wal_, table_);
  faulty_->set_hook([&](const testing::OperationRecord& record) -> std::optional<testing::Injection> {
    if (record.operation == Operation::kWrite && record.path.starts_with(kPath)) {
      EXPECT_TRUE(inner->remove("wal/.lock"));
    }
    return std::nullopt;
  });
  const auto published = publish(upto_);
  ASSERT_FALSE(published);
  EXPECT_FALSE(inner->exists(kPath).value()) << "another writer may have published a newer one";
  EXPECT_EQ(inner->list("")->size(), 1U);
  faulty_->set_hook({});
  std::filesystem::remove_all(root);
}

TEST_F(Refusals, APublicationFromWithinAnotherOne) {
  const auto turn = wal_.begin_publication();
  ASSERT_TRUE(turn);
  expect_refused(publish(upto_), ErrorCode::kInvalidState);
}

TEST_F(Refusals, NoDirectory) {
  const CheckpointPublisher publisher(nullptr);
  EXPECT_EQ(publisher.publish(wal_, table_, upto_, kPath).error().code(), ErrorCode::kInvalidConfig);
  EXPECT_EQ(publisher.publish(wal_, table_, upto_, kPath, marker).error().code(), ErrorCode::kInvalidConfig);
  EXPECT_EQ(publisher.remove_temporaries(wal_, kPath).error().code(), ErrorCode::kInvalidConfig);
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
  expect_refused(publish(upto_), wal_.flush().error().code());
}

TEST_F(Refusals, AWriterThatIsPoisoned) {
  ASSERT_TRUE(wal_.append(Put{"a", "b"}));
  faulty_->fail({.operation = Operation::kSyncData, .path = "wal/"});
  ASSERT_FALSE(wal_.flush_and_sync());
  faulty_->clear_log();
  expect_refused(publish(upto_), wal_.flush().error().code());
}

TEST_F(Refusals, AStateThatCannotBeEncoded) {
  table_["no text"] = "\xff";
  expect_refused(publish(upto_), ErrorCode::kEncode);
}

// Programs that were killed while they published left their temporaries for ever: 52 MB after five crashes.
TEST(CheckpointPublisher, RemovesWhatCrashesLeftOfEarlierPublicationsAndNothingElse) {
  const std::string leftover = "d/table.ckpt.0123456789abcdef.tmp";
  const std::vector<std::string> others = {"d/table.ckpt.0123456789abcdeg.tmp",
                                           "d/table.ckpt.0123456789abcde.tmp",
                                           "d/table.ckpt.tmp",
                                           "d/other.ckpt.0123456789abcdef.tmp",
                                           "d/xtable.ckpt.0123456789abcdef.tmp",
                                           "d/table.ckpt.0123456789abcdef.tmp2",
                                           "table.ckpt.0123456789abcdef.tmp",
                                           "d/table.ckpt-2.0123456789abcdef.tmp"};
  for (const bool by_publishing : {true, false}) {
    const std::shared_ptr<Directory> directory = CrashDirectory::make();
    auto wal = WalWriter<Op>::open(directory, small_segments()).value();
    Table table;
    const DurableId upto = travel(wal, table);
    for (const std::string& path : others) ASSERT_TRUE(directory->atomic_write(path, as_bytes("x")));
    const std::string tree = "d/table.ckpt.fedcba9876543210.tmp/somebody's";
    ASSERT_TRUE(directory->atomic_write(tree, as_bytes("x")));
    ASSERT_TRUE(directory->atomic_write(leftover, as_bytes("x")));
    const CheckpointPublisher publisher(directory);
    if (by_publishing) {
      ASSERT_TRUE(publisher.publish(wal, table, upto, "d/table.ckpt"));
    } else {
      ASSERT_TRUE(publisher.remove_temporaries(wal, "d/table.ckpt"));
    }
    EXPECT_FALSE(directory->exists(leftover).value());
    EXPECT_TRUE(directory->exists(tree).value());
    for (const std::string& path : others) EXPECT_TRUE(directory->exists(path).value()) << path;
    ASSERT_TRUE(wal.close());
    EXPECT_FALSE(publisher.remove_temporaries(wal, "d/table.ckpt")) << "it takes who holds the lock";
  }
}

TEST(CheckpointPublisher, ReadersLeaveTemporariesAlone) {
  const auto directory = CrashDirectory::make();
  const std::shared_ptr<Directory> base = directory;
  auto wal = WalWriter<Op>::open(base, small_segments()).value();
  Table table;
  ASSERT_TRUE(CheckpointPublisher(base).publish(wal, table, travel(wal, table), kPath));
  ASSERT_TRUE(base->atomic_write("table.ckpt.0123456789abcdef.tmp", as_bytes("x")));
  const auto before = directory->fingerprint();
  ASSERT_TRUE(CheckpointFile(base).read<Table>(kPath));
  ASSERT_TRUE(CheckpointFile(base).read_header(kPath));
  EXPECT_EQ(directory->fingerprint(), before);
}

TEST(CheckpointPublisher, IsNotSupportedWithoutStableStorageAndPoisonsNothing) {
  const auto faulty = FaultyDirectory::make(MemoryDirectory::make());
  auto wal = WalWriter<Op>::open(faulty, small_segments()).value();
  ASSERT_TRUE(wal.append(Put{"a", "b"}));
  faulty->clear_log();
  const auto published =
      CheckpointPublisher(faulty).publish(wal, Table{}, durable(1, *faulty), kPath, marker);
  EXPECT_EQ(published.error().code(), ErrorCode::kNotSupported);
  EXPECT_TRUE(faulty->changes().empty());
  EXPECT_EQ(wal.append(Put{"goes", "on"}).value(), EntryId(2));
  EXPECT_TRUE(wal.close());
}

}  // namespace
}  // namespace durability
