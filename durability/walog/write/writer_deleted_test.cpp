// Files that somebody else deletes, links or shares while a writer has them open: on a disk, as `rm` does it.
//
// `rm wal_1.log`, `rm -rf DIR`, and `rm .lock` followed by a second writer went unnoticed: acknowledgements
// went on, and afterwards the log was empty or damaged. What no name leads to is in no log: the writer looks
// after each sync, before anything is acknowledged.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <map>
#include <vector>

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
  EXPECT_EQ(refused.error().path(), "wal/wal_1.log");
  const auto later = writer->append_durable("c");
  ASSERT_TRUE(fails_with(later, ErrorCode::kPoisoned));
  // The later errors said that what was acknowledged was safe, after `rm -rf wal`.
  EXPECT_THAT(later.error().advice(), ::testing::HasSubstr("may be gone"));
  EXPECT_EQ(writer->durable_id()->entry(), EntryId(1));
  EXPECT_FALSE(writer->close());
}

// After `cp -al` a deleted segment still had a name, if not its own, and one that was moved had one too. The
// writer counted names: it went on acknowledging what was in no log.
TEST_F(DeletedUnderTheWriter, ASegmentThatIsElsewhereOrHasAnotherLinkEndsTheWriterToo) {
  const auto segment = path("wal/wal_1.log");
  const auto elsewhere = temporary_.path() / "elsewhere";
  const std::vector<std::function<void()>> ways{
      [&] { std::filesystem::rename(segment, elsewhere); },
      [&] { std::filesystem::rename(segment, path("wal/keep")); },
      [&] {
        std::filesystem::create_hard_link(segment, elsewhere);
        std::filesystem::remove(segment);
      },
      [&] {
        std::filesystem::create_hard_link(segment, elsewhere);
        std::filesystem::remove(segment);
        std::filesystem::copy(elsewhere, segment);
      },
  };
  for (const auto& take_away : ways) {
    std::filesystem::remove_all(temporary_.path() / "data/wal");
    std::filesystem::remove(elsewhere);
    auto writer = test::open_writer(directory_, test::one_segment()).value();
    ASSERT_TRUE(writer->append(as_bytes("a")));
    ASSERT_TRUE(writer->flush_and_sync());
    take_away();
    ASSERT_TRUE(writer->append(as_bytes("b")));
    EXPECT_TRUE(fails_with(writer->flush_and_sync(), ErrorCode::kNotFound));
    EXPECT_EQ(writer->durable_id()->entry(), EntryId(1));
    EXPECT_FALSE(writer->close());
  }
}

TEST_F(DeletedUnderTheWriter, ASecondLinkToASegmentInItsPlaceDoesNoHarm) {
  auto writer = test::open_writer(directory_, test::one_segment()).value();
  std::filesystem::create_hard_link(path("wal/wal_1.log"), temporary_.path() / "backup");
  ASSERT_TRUE(writer->append(as_bytes("a")));
  EXPECT_TRUE(succeeded(writer->flush_and_sync()));
  EXPECT_TRUE(succeeded(writer->close()));
}

// A backup made of hard links (`cp -al`) of a closed log got the entries of the log that was opened next:
// both names led to the one file that the writer appended to, sealed, and cut.
TEST_F(DeletedUnderTheWriter, AnOpenedLogLeavesAHardLinkedBackupWhatItWas) {
  const auto backup = temporary_.path() / "backup";
  for (const bool torn : {false, true}) {
    std::filesystem::remove_all(path("wal"));
    std::filesystem::remove_all(backup);
    WalOptions options = test::test_options();
    options.segment_bytes = 232;
    auto writer = test::open_writer(directory_, options).value();
    for (const auto* text : {"a", "b", "c", "d"}) ASSERT_TRUE(writer->append(as_bytes(text)));
    ASSERT_TRUE(writer->close());
    writer.reset();
    if (torn) {
      ASSERT_TRUE(directory_->open("wal/wal_2.log", OpenMode::kReadWrite).value()->append(as_bytes("torn")));
    }
    std::filesystem::create_directory(backup);
    std::map<std::filesystem::path, Bytes> before;
    const auto saved = FsDirectory::open(backup).value();
    for (const auto& each : std::filesystem::directory_iterator(path("wal"))) {
      const auto name = each.path().filename();
      if (name == ".lock") continue;
      std::filesystem::create_hard_link(each.path(), backup / name);
      before[name] = saved->read_file(name.string(), 1U << 20U).value();
    }
    auto again = test::open_writer(directory_, options).value();
    for (const auto* text : {"e", "f", "g", "h"}) ASSERT_TRUE(again->append(as_bytes(text)));
    ASSERT_TRUE(again->close());
    for (const auto& [name, bytes] : before) {
      EXPECT_EQ(saved->read_file(name.string(), 1U << 20U).value(), bytes) << name;
    }
    EXPECT_EQ(test::read_strict(directory_), "a b c d e f g h: ok");
  }
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
  const auto names = directory_->list("wal").value();
  EXPECT_TRUE(std::ranges::none_of(names, Directory::is_temporary_name)) << "it has only its other name now";
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
