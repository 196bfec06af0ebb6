#include "durability/testing/faulty_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "durability/testing/crash_directory.hpp"

namespace durability::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

class FaultyDirectoryTest : public ::testing::Test {
 protected:
  std::shared_ptr<CrashDirectory> inner_ = CrashDirectory::make();
  std::shared_ptr<FaultyDirectory> faulty_ = FaultyDirectory::make(inner_);

  [[nodiscard]] std::string text_of(std::string_view path) const {
    return std::string(as_text(inner_->read_file(path, 1000).value()));
  }
};

// Every call of the interface, each on a directory that can do it.
struct Call {
  Operation operation;
  std::function<Status(Directory&, File&)> make;
};

template <class T>
Status status_of(const Result<T>& result) {
  if (result) return {};
  return result.error();
}

std::vector<Call> every_call() {
  return {
      {Operation::kOpen,
       [](Directory& directory, File&) { return status_of(directory.do_open("x", OpenMode::kRead)); }},
      {Operation::kCreate,
       [](Directory& directory, File&) { return status_of(directory.do_open("new", OpenMode::kCreateNew)); }},
      {Operation::kKind, [](Directory& directory, File&) { return status_of(directory.do_kind("x")); }},
      {Operation::kMakeDirectory,
       [](Directory& directory, File&) { return status_of(directory.do_make_directory("d")); }},
      {Operation::kRemoveFile, [](Directory& directory, File&) { return directory.do_remove_file("x"); }},
      {Operation::kRemoveDirectory,
       [](Directory& directory, File&) { return directory.do_remove_empty_directory("empty"); }},
      {Operation::kRename, [](Directory& directory, File&) { return directory.do_rename("x", "y"); }},
      {Operation::kList, [](Directory& directory, File&) { return status_of(directory.do_list("")); }},
      {Operation::kSyncDirectory,
       [](Directory& directory, File&) { return directory.do_sync_directory(""); }},
      {Operation::kLock, [](Directory& directory, File&) { return status_of(directory.do_lock("x")); }},
      {Operation::kWrite, [](Directory&, File& file) { return file.write_at(0, as_bytes("new")); }},
      {Operation::kAppend, [](Directory&, File& file) { return file.append(as_bytes("new")); }},
      {Operation::kRead,
       [](Directory&, File& file) {
         std::byte byte{};
         return status_of(file.read_at(0, std::span(&byte, 1)));
       }},
      {Operation::kSyncData, [](Directory&, File& file) { return file.sync_data(); }},
      {Operation::kSize, [](Directory&, File& file) { return status_of(file.size()); }},
      {Operation::kLinks, [](Directory&, File& file) { return status_of(file.links()); }},
      {Operation::kTruncate, [](Directory&, File& file) { return file.truncate(1); }},
      {Operation::kPreallocate, [](Directory&, File& file) { return file.preallocate(0, 100); }},
      {Operation::kPreallocate, [](Directory&, File& file) { return file.reserve(1000, 100); }},
      {Operation::kDropCachedPages, [](Directory&, File& file) { return file.drop_cached_pages(); }},
      {Operation::kClose, [](Directory&, File& file) { return file.close(); }},
  };
}

TEST(FaultyDirectory, FailsEachOperationWithoutDoingItAndOnlyOnce) {
  for (const Call& call : every_call()) {
    SCOPED_TRACE(operation_name(call.operation));
    const auto inner = CrashDirectory::make();
    ASSERT_TRUE(inner->create_directories("empty"));
    ASSERT_TRUE(inner->create("x").value()->write_at(0, as_bytes("old")));
    const auto faulty = FaultyDirectory::make(inner);
    const auto file = faulty->open("x", OpenMode::kReadWrite).value();
    faulty->fail({.operation = call.operation, .os_error = ENOSPC});
    const auto before = inner->operations();
    const auto state = inner->fingerprint();

    const Status failed = call.make(*faulty, *file);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code(), ErrorCode::kIo);
    EXPECT_EQ(failed.error().os_error(), ENOSPC);
    EXPECT_THAT(failed.error().message(), StartsWith("injected: "));
    EXPECT_EQ(inner->operations(), before) << "it reached the inner directory";
    EXPECT_EQ(inner->fingerprint(), state);

    EXPECT_TRUE(call.make(*faulty, *file));
    EXPECT_EQ(faulty->count(call.operation), call.operation == Operation::kOpen ? 3U : 2U);
  }
}

TEST_F(FaultyDirectoryTest, FailsStickilyFromAnOccurrenceOnUntilMended) {
  const auto file = faulty_->create("x").value();
  faulty_->fail({.operation = Operation::kSyncData, .after = 2, .repeat = Repeat::kSticky});
  EXPECT_TRUE(file->sync_data());
  EXPECT_TRUE(file->sync_data());
  EXPECT_FALSE(file->sync_data());
  EXPECT_FALSE(file->sync_data());
  faulty_->mend();
  EXPECT_TRUE(file->sync_data());
}

TEST_F(FaultyDirectoryTest, FailsTheNthOperationOfAnyKind) {
  faulty_->fail({.after = 1});
  const auto file = faulty_->create("x").value();
  EXPECT_FALSE(file->write_at(0, as_bytes("a")));
  EXPECT_TRUE(file->write_at(0, as_bytes("a")));
}

TEST_F(FaultyDirectoryTest, FailsOnlyWhereThePathMatches) {
  const auto log = faulty_->create("wal/1").value();
  const auto other = faulty_->create("other").value();
  faulty_->fail({.operation = Operation::kAppend, .path = "wal/"});
  faulty_->fail({.operation = Operation::kRename, .path = "target"});
  EXPECT_TRUE(other->append(as_bytes("a")));
  EXPECT_FALSE(log->append(as_bytes("a")));
  EXPECT_TRUE(faulty_->do_rename("other", "elsewhere"));
  EXPECT_FALSE(faulty_->do_rename("elsewhere", "target"));
}

// A short write at each byte, across the pieces of the call.
TEST_F(FaultyDirectoryTest, WritesShortAtEachByte) {
  const std::vector<ByteView> pieces = {as_bytes("abc"), as_bytes(""), as_bytes("defg")};
  for (std::size_t bytes = 0; bytes <= 7; ++bytes) {
    SCOPED_TRACE(bytes);
    const auto file = faulty_->create("x").value();
    faulty_->fail({.operation = Operation::kWrite, .os_error = ENOSPC, .short_write = bytes});
    const Status failed = file->write_at(0, pieces);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().os_error(), ENOSPC);
    EXPECT_EQ(text_of("x"), std::string("abcdefg").substr(0, bytes));
    faulty_->fail({.operation = Operation::kAppend, .short_write = 1});
    EXPECT_FALSE(file->append(as_bytes("xyz")));
    EXPECT_EQ(text_of("x"), std::string("abcdefg").substr(0, bytes) + "x");
  }
}

// An error of close is reported, and the file is closed.
TEST_F(FaultyDirectoryTest, ClosesTheFileThoughCloseFails) {
  const auto file = faulty_->create("x").value();
  faulty_->fail({.operation = Operation::kClose});
  EXPECT_FALSE(file->close());
  EXPECT_EQ(file->size().error().code(), ErrorCode::kClosed);
}

TEST_F(FaultyDirectoryTest, AsksItsHookWhichMayTellTheDiskHowToFail) {
  const auto file = faulty_->create("x").value();
  ASSERT_TRUE(file->write_at(0, as_bytes("text")));
  faulty_->set_hook([&](const OperationRecord& record) -> std::optional<Injection> {
    if (record.operation == Operation::kSyncData) inner_->fail_next_sync(SyncFailure::kRevert);
    if (record.operation == Operation::kAppend) return Injection{.os_error = EDQUOT};
    return std::nullopt;
  });
  EXPECT_EQ(file->append(as_bytes("a")).error().os_error(), EDQUOT);
  EXPECT_FALSE(file->sync_data());
  EXPECT_EQ(text_of("x"), "");
}

// The order of syncs.
TEST_F(FaultyDirectoryTest, WritesDownWhatWasDoneInOrder) {
  ASSERT_TRUE(faulty_->write_durable("a/x", as_bytes("text")));
  const auto temporary = faulty_->log().at(0).path;
  EXPECT_TRUE(Directory::is_temporary_name(temporary));
  EXPECT_THAT(faulty_->changes(),
              ElementsAre("create " + temporary, "make_directory a", "sync_directory .",
                          "create " + temporary, "write " + temporary, "sync_data " + temporary,
                          "rename " + temporary + " -> a/x", "sync_directory a"));
  faulty_->clear_log();
  ASSERT_TRUE(faulty_->rename_durable("a/x", "y"));
  EXPECT_THAT(faulty_->changes(), ElementsAre("rename a/x -> y", "sync_directory .", "sync_directory a"));
}

}  // namespace
}  // namespace durability::testing
