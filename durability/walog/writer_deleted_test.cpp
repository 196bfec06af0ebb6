// Files that somebody else deletes, links or shares while a writer has them open: on a disk, as `rm` does it.
//
// `rm wal_1.log`, `rm -rf DIR`, and `rm .lock` followed by a second writer went unnoticed: acknowledgements
// went on, and afterwards the log was empty or damaged. What no name leads to is in no log: the writer looks
// after each sync, before anything is acknowledged.

#include <gtest/gtest.h>

#include <filesystem>

#include "durability/storage/fs_directory.hpp"
#include "durability/storage/test_directories.hpp"
#include "durability/walog/sync_writer.hpp"
#include "durability/walog/test_support.hpp"

namespace durability::walog {
namespace {

using test::fails_with;
using test::succeeded;

class DeletedUnderTheWriter : public ::testing::Test {
 protected:
  std::filesystem::path path(const std::string& name) { return temporary_.path() / "data" / name; }

  internal::TemporaryDirectory temporary_;
  std::shared_ptr<Directory> directory_ = FsDirectory::open(temporary_.path() / "data").value();
};

TEST_F(DeletedUnderTheWriter, ASegmentEndsTheWriterBeforeTheNextAcknowledgement) {
  auto writer = SyncWalWriter<std::string>::open(directory_, test::one_segment()).value();
  ASSERT_TRUE(writer->append_durable("a"));
  std::filesystem::remove(path("wal/wal_1.log"));
  const auto refused = writer->append_durable("b");
  ASSERT_TRUE(fails_with(refused, ErrorCode::kNotFound));
  EXPECT_EQ(refused.error().path(), "wal");
  EXPECT_TRUE(fails_with(writer->append_durable("c"), ErrorCode::kPoisoned));
  EXPECT_EQ(writer->durable_id()->entry(), EntryId(1));
  EXPECT_FALSE(writer->close());
}

TEST_F(DeletedUnderTheWriter, TheWholeDirectoryEndsTheWriterBeforeTheNextAcknowledgement) {
  auto writer = test::open_writer(directory_, test::one_segment()).value();
  ASSERT_TRUE(writer->append(as_bytes("a")));
  std::filesystem::remove_all(temporary_.path() / "data");
  EXPECT_TRUE(fails_with(writer->flush_and_sync(), ErrorCode::kNotFound));
  EXPECT_TRUE(fails_with(writer->append(as_bytes("b")), ErrorCode::kPoisoned));
}

TEST_F(DeletedUnderTheWriter, TheLockEndsTheWriterBeforeTheNextAcknowledgementAndNotTheSecondWriter) {
  auto writer = test::open_writer(directory_, test::one_segment()).value();
  ASSERT_TRUE(writer->append(as_bytes("a")));
  ASSERT_TRUE(writer->flush_and_sync());
  std::filesystem::remove(path("wal/.lock"));
  auto second = test::open_writer(directory_, test::one_segment());
  ASSERT_TRUE(second) << second.error();
  ASSERT_TRUE(writer->append(as_bytes("b")));
  // The lock is another's, and the segment may be: opening writes anew what nothing vouches for.
  EXPECT_FALSE(writer->flush_and_sync());
  EXPECT_TRUE(fails_with(writer->append(as_bytes("c")), ErrorCode::kPoisoned));
  EXPECT_FALSE(writer->close());
}

TEST_F(DeletedUnderTheWriter, TheLockAloneEndsTheWriterToo) {
  auto writer = test::open_writer(directory_, test::one_segment()).value();
  ASSERT_TRUE(writer->append(as_bytes("a")));
  std::filesystem::remove(path("wal/.lock"));
  EXPECT_TRUE(fails_with(writer->flush_and_sync(), ErrorCode::kLockFailed));
}

TEST_F(DeletedUnderTheWriter, ASealedSegmentThatWaitsForItsSyncIsNotAcknowledged) {
  WalOptions options = test::test_options();
  options.segment_bytes = 136;
  auto writer = test::open_writer(directory_, options).value();
  ASSERT_TRUE(writer->append(as_bytes("a")));
  ASSERT_TRUE(writer->append(as_bytes("b")));
  std::filesystem::remove(path("wal/wal_1.log"));
  EXPECT_FALSE(writer->flush_and_sync());
  EXPECT_EQ(writer->durable_id()->entry(), EntryId(0));
}

// A backup made of hard links (`cp -al`) shared the file that was filled with zeros for the next segment.
TEST_F(DeletedUnderTheWriter, AFileWithASecondNameIsNotRecycled) {
  WalOptions options = test::test_options();
  options.segment_bytes = 136;
  options.recycle_segments = 2;
  auto writer = test::open_writer(directory_, options).value();
  DurableId durable = writer->flush_and_sync().value();
  for (const auto* text : {"a", "b", "c"}) {
    ASSERT_TRUE(writer->append(as_bytes(text)));
    durable = writer->flush_and_sync().value();
  }
  std::filesystem::create_hard_link(path("wal/wal_1.log"), temporary_.path() / "backup");
  const auto shared = test::segment_bytes(*directory_, 1);
  ASSERT_EQ(writer->truncate_prefix(durable).value().deleted.size(), 2U);
  for (const auto* text : {"d", "e", "f"}) {
    ASSERT_TRUE(writer->append(as_bytes(text)));
    ASSERT_TRUE(writer->flush_and_sync());
  }
  ASSERT_TRUE(writer->close());
  const auto backup = FsDirectory::open(temporary_.path()).value()->read_file("backup", 1U << 20U).value();
  EXPECT_EQ(backup, shared);
  EXPECT_EQ(test::read_strict(directory_), "c d e f: ok");
}

// Truncating one log by what is durable in another deletes what was never safe.
TEST_F(DeletedUnderTheWriter, ADurableIdOfAnotherLogIsRefused) {
  auto writer = test::open_writer(directory_, test::test_options()).value();
  auto other =
      test::open_writer(FsDirectory::open(temporary_.path() / "other").value(), test::test_options()).value();
  for (const auto* text : {"a", "b"}) {
    ASSERT_TRUE(writer->append(as_bytes(text)));
    ASSERT_TRUE(other->append(as_bytes(text)));
  }
  ASSERT_TRUE(writer->flush_and_sync());
  const DurableId of_other = other->flush_and_sync().value();
  EXPECT_TRUE(fails_with(writer->truncate_prefix(of_other), ErrorCode::kInvalidConfig));
  // The same directory by another object is the same log.
  ASSERT_TRUE(writer->close());
  const DurableId mine = internal::DurableIdIssuer::issue(
      EntryId(1), FsDirectory::open(temporary_.path() / "data").value()->identity());
  EXPECT_TRUE(succeeded(test::open_writer(directory_).value()->truncate_prefix(mine)));
}

}  // namespace
}  // namespace durability::walog
