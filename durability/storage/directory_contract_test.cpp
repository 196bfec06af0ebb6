// What every Directory does alike: each test runs on a disk and in memory.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <thread>

#include "durability/storage/fs_directory.hpp"
#include "durability/storage/memory_directory.hpp"
#include "durability/storage/test_directories.hpp"

namespace durability::internal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::array kModes = {OpenMode::kRead, OpenMode::kReadWrite, OpenMode::kCreate, OpenMode::kCreateNew,
                               OpenMode::kAppend};

enum class Where : std::uint8_t { kDisk, kMemory };

class DirectoryContract : public testing::TestWithParam<Where> {
 protected:
  DirectoryContract() {
    if (GetParam() == Where::kDisk) {
      directory_ = FsDirectory::open(root_.path()).value();
    } else {
      directory_ = MemoryDirectory::make();
    }
  }

  void put(std::string_view path, std::string_view text) {
    ASSERT_TRUE(succeeded(directory_->atomic_write(path, as_bytes(text))));
  }
  [[nodiscard]] std::unique_ptr<File> file(std::string_view path, OpenMode mode = OpenMode::kAppend) {
    return directory_->open(path, mode).value();
  }
  [[nodiscard]] std::string text(std::string_view path) { return text_of(*directory_, path); }

  TemporaryDirectory root_;
  std::shared_ptr<Directory> directory_;
};

INSTANTIATE_TEST_SUITE_P(, DirectoryContract, testing::Values(Where::kDisk, Where::kMemory),
                         [](const auto& tested) { return tested.param == Where::kDisk ? "Disk" : "Memory"; });

TEST_P(DirectoryContract, EveryOperationRefusesEveryBadPathAndTouchesNothing) {
  using namespace std::string_literals;
  const auto refused = [](const auto& result) { return fails_with(result, ErrorCode::kInvalidConfig); };
  put("good", "kept");
  Directory& directory = *directory_;
  for (const std::string& bad : {""s, "/"s, "/etc/passwd"s, "."s, ".."s, "../x"s, "a/../x"s, "a/.."s, "./a"s,
                                 "a/./b"s, "a//b"s, "a/"s, "a\0b"s, "\0"s}) {
    SCOPED_TRACE(escape_for_display(bad));
    EXPECT_TRUE(refused(directory.create(bad)));
    EXPECT_TRUE(refused(directory.create_new(bad)));
    for (const OpenMode mode : kModes) EXPECT_TRUE(refused(directory.open(bad, mode)));
    EXPECT_TRUE(refused(directory.open_append(bad)));
    EXPECT_TRUE(refused(directory.read_file(bad, 1)));
    EXPECT_TRUE(refused(directory.exists(bad)));
    EXPECT_TRUE(refused(directory.remove(bad)));
    EXPECT_TRUE(refused(directory.rename(bad, "to")));
    EXPECT_TRUE(refused(directory.rename("good", bad)));
    EXPECT_TRUE(refused(directory.create_directories(bad)));
    EXPECT_TRUE(refused(directory.atomic_write(bad, {})));
    EXPECT_TRUE(refused(directory.write_durable(bad, {})));
    EXPECT_TRUE(refused(directory.rename_durable(bad, "to")));
    EXPECT_TRUE(refused(directory.rename_durable("good", bad)));
    EXPECT_TRUE(refused(directory.remove_durable(bad)));
    EXPECT_TRUE(refused(directory.lock(bad)));
    if (bad.empty()) continue;  // the root
    EXPECT_TRUE(refused(directory.list(bad)));
    EXPECT_TRUE(refused(directory.sync_directory(bad)));
  }
  EXPECT_THAT(*directory.list(""), ElementsAre("good"));
  EXPECT_EQ(text("good"), "kept");
}

TEST_P(DirectoryContract, NamesThatOnlyLookBadAreNames) {
  for (const char* name : {"...", "..a", "a..", " ", "-", "a b", "\xff\xfe"}) {
    EXPECT_TRUE(succeeded(directory_->create_new(name))) << name;
  }
}

TEST_P(DirectoryContract, WritesPiecesOneAfterTheOther) {
  const auto out = file("x");
  const std::array pieces = {as_bytes("one"), as_bytes(""), as_bytes("two"), as_bytes("three")};
  ASSERT_TRUE(succeeded(out->write_at(2, pieces)));
  EXPECT_EQ(text("x"), std::string_view("\0\0onetwothree", 13));
  EXPECT_EQ(out->size().value(), 13U);
}

TEST_P(DirectoryContract, WritesMorePiecesThanOneSystemCallTakes) {
  const std::vector<ByteView> pieces(3000, as_bytes("ab"));
  ASSERT_TRUE(succeeded(file("x")->write_at(0, pieces)));
  EXPECT_EQ(text("x").size(), 6000U);
}

TEST_P(DirectoryContract, WritingNothingDoesNotGrowTheFile) {
  const auto out = file("x");
  ASSERT_TRUE(succeeded(out->write_at(100, std::span<const ByteView>())));
  ASSERT_TRUE(succeeded(out->write_at(100, ByteView())));
  ASSERT_TRUE(succeeded(out->preallocate(100, 0)));
  ASSERT_TRUE(succeeded(out->reserve(100, 0)));
  EXPECT_EQ(out->size().value(), 0U);
}

TEST_P(DirectoryContract, AppendsAfterTheLastByteWhateverTheMode) {
  put("x", "begin");
  for (const OpenMode mode : {OpenMode::kReadWrite, OpenMode::kAppend}) {
    ASSERT_TRUE(succeeded(file("x", mode)->append(as_bytes("+"))));
  }
  EXPECT_EQ(text("x"), "begin++");
}

TEST_P(DirectoryContract, ReadsFewerBytesOnlyWhereTheFileEnds) {
  put("x", "0123456789");
  const auto in = file("x", OpenMode::kRead);
  std::array<std::byte, 4> buffer{};
  EXPECT_EQ(in->read_at(0, buffer).value(), 4U);
  EXPECT_EQ(as_text(buffer), "0123");
  EXPECT_EQ(in->read_at(8, buffer).value(), 2U);
  EXPECT_EQ(in->read_at(10, buffer).value(), 0U);
  EXPECT_EQ(in->read_at(1000, buffer).value(), 0U);
  EXPECT_EQ(in->read_at(0, {}).value(), 0U);
}

TEST_P(DirectoryContract, TruncateCutsAndExtendsWithZeros) {
  put("x", "0123456789");
  const auto out = file("x");
  ASSERT_TRUE(succeeded(out->truncate(3)));
  EXPECT_EQ(text("x"), "012");
  ASSERT_TRUE(succeeded(out->truncate(5)));
  EXPECT_EQ(text("x"), std::string_view("012\0\0", 5));
}

TEST_P(DirectoryContract, PreallocateWritesZerosOverWhatIsThereAndBeyond) {
  const auto out = file("x");
  constexpr std::uint64_t kLength = 3 * std::uint64_t{1 << 20} + 5;
  ASSERT_TRUE(succeeded(out->write_at(0, as_bytes("keepgone"))));
  ASSERT_TRUE(succeeded(out->preallocate(4, kLength)));
  const Bytes contents = directory_->read_file("x", 1 << 23).value();
  EXPECT_EQ(contents.size(), 4 + kLength);
  EXPECT_EQ(as_text(ByteView(contents).first(4)), "keep");
  EXPECT_TRUE(all_zeros(ByteView(contents).subspan(4)));
}

TEST_P(DirectoryContract, SpaceThatIsSetAsideReadsAsNothingOrZeros) {
  const auto out = file("x");
  ASSERT_TRUE(succeeded(out->write_at(0, as_bytes("keep"))));
  ASSERT_TRUE(succeeded(out->reserve(4, 100'000)));
  const std::string before = text("x");
  EXPECT_TRUE(before == "keep" || before == "keep" + std::string(100'000, '\0'));
  ASSERT_TRUE(succeeded(out->write_at(50, as_bytes("written"))));
  out->start_write_back(0, 57);  // a hint, no more
  EXPECT_EQ(text("x").substr(0, 57), "keep" + std::string(46, '\0') + "written");
}

TEST_P(DirectoryContract, RangesBeyondTheLargestFileAreRefused) {
  const auto out = file("x");
  std::array<std::byte, 2> two{};
  for (const std::uint64_t offset :
       {std::numeric_limits<std::uint64_t>::max(), std::uint64_t{1} << 63, (std::uint64_t{1} << 63) - 2}) {
    EXPECT_TRUE(fails_with(out->write_at(offset, two), ErrorCode::kInvalidConfig));
    EXPECT_TRUE(fails_with(out->read_at(offset, two), ErrorCode::kInvalidConfig));
    EXPECT_TRUE(fails_with(out->preallocate(offset, 2), ErrorCode::kInvalidConfig));
  }
  EXPECT_TRUE(
      fails_with(out->preallocate(1, std::numeric_limits<std::uint64_t>::max()), ErrorCode::kInvalidConfig));
  EXPECT_TRUE(fails_with(out->truncate(std::uint64_t{1} << 63), ErrorCode::kInvalidConfig));
  EXPECT_EQ(out->size().value(), 0U);
}

TEST_P(DirectoryContract, EachModeTreatsAMissingAndAnExistingFileAsItSays) {
  EXPECT_TRUE(fails_with(directory_->open("x", OpenMode::kRead), ErrorCode::kNotFound));
  EXPECT_TRUE(fails_with(directory_->open("x", OpenMode::kReadWrite), ErrorCode::kNotFound));
  ASSERT_TRUE(succeeded(file("x", OpenMode::kCreateNew)->append(as_bytes("text"))));
  EXPECT_TRUE(fails_with(directory_->create_new("x"), ErrorCode::kInvalidState));
  EXPECT_EQ(file("x", OpenMode::kReadWrite)->size().value(), 4U);
  EXPECT_EQ(file("x", OpenMode::kAppend)->size().value(), 4U);
  EXPECT_EQ(file("x", OpenMode::kCreate)->size().value(), 0U);
}

TEST_P(DirectoryContract, AFileOpenedForReadingCannotBeChanged) {
  put("x", "text");
  const auto in = file("x", OpenMode::kRead);
  EXPECT_FALSE(in->write_at(0, as_bytes("a")));
  EXPECT_FALSE(in->append(as_bytes("a")));
  EXPECT_FALSE(in->truncate(0));
  EXPECT_FALSE(in->preallocate(0, 1));
  EXPECT_EQ(text("x"), "text");
}

TEST_P(DirectoryContract, EveryCallOnAClosedFileIsRefusedAndASecondCloseIsNot) {
  const auto closed = file("x");
  std::array<std::byte, 1> byte{};
  ASSERT_TRUE(succeeded(closed->close()));
  EXPECT_TRUE(fails_with(closed->write_at(0, byte), ErrorCode::kClosed));
  EXPECT_TRUE(fails_with(closed->append(byte), ErrorCode::kClosed));
  EXPECT_TRUE(fails_with(closed->read_at(0, byte), ErrorCode::kClosed));
  EXPECT_TRUE(fails_with(closed->sync_data(), ErrorCode::kClosed));
  EXPECT_TRUE(fails_with(closed->size(), ErrorCode::kClosed));
  EXPECT_TRUE(fails_with(closed->links(), ErrorCode::kClosed));
  EXPECT_TRUE(fails_with(closed->reserve(0, 1), ErrorCode::kClosed));
  EXPECT_TRUE(fails_with(closed->truncate(0), ErrorCode::kClosed));
  EXPECT_TRUE(fails_with(closed->preallocate(0, 1), ErrorCode::kClosed));
  EXPECT_TRUE(fails_with(closed->drop_cached_pages(), ErrorCode::kClosed));
  EXPECT_TRUE(succeeded(closed->close()));
}

TEST_P(DirectoryContract, SyncSucceedsWhereThereIsStableStorageAndIsNotSupportedElsewhere) {
  const auto out = file("x");
  if (directory_->capabilities().stable_storage) {
    EXPECT_TRUE(succeeded(out->sync_data()));
    EXPECT_TRUE(succeeded(directory_->sync_directory("")));
    EXPECT_TRUE(fails_with(directory_->sync_directory("missing"), ErrorCode::kNotFound));
  } else {
    EXPECT_TRUE(fails_with(out->sync_data(), ErrorCode::kNotSupported));
    EXPECT_TRUE(fails_with(directory_->sync_directory(""), ErrorCode::kNotSupported));
  }
}

TEST_P(DirectoryContract, DurableOperationsDoTheirWorkOrChangeNothing) {
  const bool stable = directory_->capabilities().stable_storage;
  put("x", "old");
  EXPECT_EQ(directory_->write_durable("d/x", as_bytes("new")).has_value(), stable);
  EXPECT_EQ(directory_->exists("d/x").value(), stable);
  EXPECT_EQ(directory_->rename_durable("x", "e/y").has_value(), stable);
  EXPECT_EQ(directory_->exists("e/y").value(), stable);
  put("z", "old");
  EXPECT_EQ(directory_->remove_durable("z").has_value(), stable);
  EXPECT_EQ(directory_->exists("z").value(), !stable);
}

TEST_P(DirectoryContract, WhatCreatesMakesMissingParents) {
  EXPECT_TRUE(succeeded(directory_->create("1/a/x")));
  EXPECT_TRUE(succeeded(directory_->create_new("2/a/x")));
  EXPECT_TRUE(succeeded(directory_->open_append("3/a/x")));
  EXPECT_TRUE(succeeded(directory_->atomic_write("4/a/x", {})));
  EXPECT_TRUE(succeeded(directory_->rename("4/a/x", "5/a/x")));
  EXPECT_TRUE(succeeded(directory_->lock("6/a/x")));
  EXPECT_THAT(*directory_->list(""), ElementsAre("1", "2", "3", "4", "5", "6"));
}

TEST_P(DirectoryContract, WhatOnlyLooksMakesNothing) {
  EXPECT_TRUE(fails_with(directory_->open("a/x"), ErrorCode::kNotFound));
  EXPECT_TRUE(fails_with(directory_->open("a/x", OpenMode::kReadWrite), ErrorCode::kNotFound));
  EXPECT_TRUE(fails_with(directory_->read_file("a/x", 1), ErrorCode::kNotFound));
  EXPECT_TRUE(fails_with(directory_->rename("x", "b/y"), ErrorCode::kNotFound));
  EXPECT_FALSE(directory_->exists("a/x").value());
  EXPECT_THAT(*directory_->list("a"), IsEmpty());
  EXPECT_THAT(*directory_->list(""), IsEmpty());
}

TEST_P(DirectoryContract, CreatingDirectoriesTwiceIsOneDirectory) {
  ASSERT_TRUE(succeeded(directory_->create_directories("a/b")));
  ASSERT_TRUE(succeeded(directory_->create_directories("a/b")));
  EXPECT_THAT(*directory_->list("a"), ElementsAre("b"));
}

TEST_P(DirectoryContract, ADirectoryIsNoFile) {
  ASSERT_TRUE(succeeded(directory_->create_directories("d")));
  for (const OpenMode mode : kModes) {
    EXPECT_TRUE(fails_with(directory_->open("d", mode), ErrorCode::kInvalidState));
  }
  EXPECT_TRUE(fails_with(directory_->lock("d"), ErrorCode::kInvalidState));
  EXPECT_FALSE(directory_->atomic_write("d", as_bytes("x")));
  EXPECT_THAT(*directory_->list(""), ElementsAre("d"));
}

TEST_P(DirectoryContract, AFileIsNoDirectory) {
  put("f", "text");
  const auto is_refused = [](const auto& result) { return !result && result.error().os_error() == ENOTDIR; };
  EXPECT_TRUE(is_refused(directory_->open("f/x")));
  EXPECT_TRUE(is_refused(directory_->create("f/x")));
  EXPECT_TRUE(is_refused(directory_->exists("f/x")));
  EXPECT_TRUE(is_refused(directory_->list("f")));
  EXPECT_TRUE(is_refused(directory_->remove("f/x")));
  EXPECT_TRUE(is_refused(directory_->create_directories("f")));
  EXPECT_TRUE(is_refused(directory_->create_directories("f/d")));
  EXPECT_TRUE(is_refused(directory_->rename("f", "f/x")) || is_refused(directory_->rename("f", "f/x/y")));
  EXPECT_EQ(text("f"), "text");
}

TEST_P(DirectoryContract, ListsAreSortedBytewise) {
  for (const char* name : {"b", "a.b", "a/x", "B", "10", "9", "\xff"}) put(name, "");
  EXPECT_THAT(*directory_->list(""), ElementsAre("10", "9", "B", "a", "a.b", "b", "\xff"));
  EXPECT_THAT(*directory_->list("a"), ElementsAre("x"));
}

TEST_P(DirectoryContract, RemovingWhatIsNotThereSucceeds) {
  EXPECT_TRUE(succeeded(directory_->remove("x")));
  EXPECT_TRUE(succeeded(directory_->remove("a/b/x")));
  EXPECT_THAT(*directory_->list(""), IsEmpty());
}

TEST_P(DirectoryContract, RemovesADirectoryWithAllThatIsInItAndNothingBeside) {
  for (const char* name : {"a/x", "a/b/c/x", "a/b/y", "a.b", "ab/x"}) put(name, "");
  ASSERT_TRUE(succeeded(directory_->remove("a")));
  EXPECT_THAT(*directory_->list(""), ElementsAre("a.b", "ab"));
}

TEST_P(DirectoryContract, RenameReplacesAFile) {
  put("x", "new");
  put("y", "old");
  ASSERT_TRUE(succeeded(directory_->rename("x", "y")));
  EXPECT_THAT(*directory_->list(""), ElementsAre("y"));
  EXPECT_EQ(text("y"), "new");
}

TEST_P(DirectoryContract, RenameMovesADirectoryWithAllThatIsInIt) {
  put("a/b/x", "deep");
  ASSERT_TRUE(succeeded(directory_->rename("a", "c/d")));
  EXPECT_EQ(text("c/d/b/x"), "deep");
  EXPECT_THAT(*directory_->list(""), ElementsAre("c"));
}

TEST_P(DirectoryContract, RenameOntoItselfChangesNothing) {
  put("x", "text");
  EXPECT_TRUE(succeeded(directory_->rename("x", "x")));
  EXPECT_EQ(text("x"), "text");
}

TEST_P(DirectoryContract, RenameRefusesWhatCannotBe) {
  put("a/x", "1");
  put("b/y", "2");
  put("f", "3");
  EXPECT_FALSE(directory_->rename("a", "a/sub"));
  EXPECT_FALSE(directory_->rename("a", "b"));
  EXPECT_FALSE(directory_->rename("f", "a"));
  EXPECT_FALSE(directory_->rename("a", "f"));
  EXPECT_THAT(*directory_->list(""), ElementsAre("a", "b", "f"));
}

// Whoever has the old file open goes on reading it, and no temporary is left.
TEST_P(DirectoryContract, AtomicWriteReplacesTheFileForThoseWhoOpenItLater) {
  put("x", "old");
  const auto before = file("x", OpenMode::kRead);
  put("x", "newer");
  std::array<std::byte, 8> buffer{};
  EXPECT_EQ(before->read_at(0, buffer).value(), 3U);
  EXPECT_EQ(text("x"), "newer");
  EXPECT_THAT(*directory_->list(""), ElementsAre("x"));
}

TEST_P(DirectoryContract, AnOpenFileOutlivesItsNameAndItsDirectory) {
  const auto out = file("x");
  ASSERT_TRUE(succeeded(directory_->remove("x")));
  directory_.reset();
  ASSERT_TRUE(succeeded(out->append(as_bytes("text"))));
  EXPECT_EQ(out->size().value(), 4U);
}

// A writer whose segment was deleted went on acknowledging: an open file does not feel that its name no
// longer leads to it. It can be asked. One that was moved away, or that had a hard link left, still said that
// all was well.
TEST_P(DirectoryContract, AnOpenFileKnowsHowManyNamesLeadToIt) {
  const auto removed = file("removed");
  const auto replaced = file("replaced");
  const auto moved = file("moved");
  for (const auto& each : {&removed, &replaced, &moved}) EXPECT_EQ((*each)->links().value(), 1U);
  ASSERT_TRUE(succeeded(directory_->remove("removed")));
  ASSERT_TRUE(succeeded(directory_->rename("moved", "replaced")));
  EXPECT_EQ(removed->links().value(), 0U);
  EXPECT_EQ(replaced->links().value(), 0U);
  EXPECT_EQ(moved->links().value(), 0U);
  EXPECT_EQ(file("replaced", OpenMode::kRead)->links().value(), 1U);
  moved->now_called("replaced");
  EXPECT_EQ(moved->links().value(), 1U);
  EXPECT_EQ(file("removed")->links().value(), 1U) << "another file of that name";
  ASSERT_TRUE(succeeded(moved->close()));
  EXPECT_FALSE(moved->links());
}

TEST_P(DirectoryContract, TwoPlacesHaveTwoIdentities) {
  const auto other = GetParam() == Where::kDisk ? FsDirectory::open(root_.path() / "other").value()
                                                : std::shared_ptr<Directory>(MemoryDirectory::make());
  EXPECT_NE(directory_->identity(), other->identity());
  EXPECT_EQ(directory_->identity(), directory_->identity());
}

TEST_P(DirectoryContract, ReadFileRefusesWhatIsLongerThanItsLimit) {
  put("x", "12345");
  EXPECT_EQ(directory_->read_file("x", 5).value().size(), 5U);
  const auto refused = directory_->read_file("x", 4);
  ASSERT_TRUE(fails_with(refused, ErrorCode::kInvalidState));
  EXPECT_EQ(refused.error().expected(), 4U);
  EXPECT_EQ(refused.error().actual(), 5U);
}

// C16: a live lock cannot be taken, a dead one leaves nothing to clean up.
TEST_P(DirectoryContract, ALockExcludesASecondHolderUntilItIsReleased) {
  auto held = directory_->lock(".lock");
  ASSERT_TRUE(succeeded(held));
  EXPECT_TRUE(fails_with(directory_->lock(".lock"), ErrorCode::kLockFailed));
  EXPECT_TRUE(succeeded(directory_->lock("other")));
  EXPECT_TRUE(succeeded((*held)->check()));
  held->reset();
  EXPECT_TRUE(directory_->exists(".lock").value());
  EXPECT_TRUE(succeeded(directory_->lock(".lock")));
}

// Another process may hold a lock of the same name by then.
TEST_P(DirectoryContract, ALockWhoseFileWasUnlinkedOrReplacedSaysSo) {
  const auto held = directory_->lock(".lock").value();
  ASSERT_TRUE(succeeded(directory_->remove(".lock")));
  EXPECT_TRUE(fails_with(held->check(), ErrorCode::kLockFailed));
  const auto second = directory_->lock(".lock").value();
  EXPECT_TRUE(succeeded(second->check()));
  EXPECT_TRUE(fails_with(held->check(), ErrorCode::kLockFailed));
}

// `rm -rf DIR` under a writer, and a second writer: the lock's file is there, but another one.
TEST_P(DirectoryContract, ALockWhoseDirectoryWasRemovedOrReplacedSaysSo) {
  const auto held = directory_->lock("wal/.lock").value();
  EXPECT_TRUE(succeeded(held->check()));
  ASSERT_TRUE(succeeded(directory_->rename("wal", "old")));
  EXPECT_TRUE(fails_with(held->check(), ErrorCode::kLockFailed));
  const auto second = directory_->lock("wal/.lock").value();
  EXPECT_TRUE(succeeded(second->check()));
  EXPECT_TRUE(fails_with(held->check(), ErrorCode::kLockFailed));
  ASSERT_TRUE(succeeded(directory_->remove("wal")));
  EXPECT_TRUE(fails_with(second->check(), ErrorCode::kLockFailed));
}

TEST_P(DirectoryContract, ErrorsNameTheFile) {
  EXPECT_EQ(directory_->open("a/missing").error().path(), "a/missing");
  EXPECT_EQ(directory_->rename("missing", "x").error().path(), "missing");
  const auto out = file("x");
  ASSERT_TRUE(succeeded(out->close()));
  EXPECT_EQ(out->size().error().path(), "x");
}

TEST_P(DirectoryContract, RandomNumbersDiffer) {
  EXPECT_NE(directory_->temporary_name("x"), directory_->temporary_name("x"));
}

// File promises read_at, write_at and sync_data from several threads at once; the sanitizer watches.
TEST_P(DirectoryContract, ThreadsWriteReadAndSyncOneFileAtOnce) {
  constexpr std::size_t kThreads = 4;
  const auto shared = file("x");
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      std::array<std::byte, 1> byte{static_cast<std::byte>('a' + thread)};
      for (std::size_t i = 0; i < 50; ++i) {
        EXPECT_TRUE(succeeded(shared->write_at(i * kThreads + thread, byte)));
        EXPECT_EQ(shared->read_at(i * kThreads + thread, byte).value(), 1U);
        EXPECT_TRUE(shared->sync_data() || !directory_->capabilities().stable_storage);
        EXPECT_TRUE(succeeded(directory_->atomic_write("y", byte)));
        EXPECT_TRUE(succeeded(directory_->create_directories("d/e")));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::string expected;
  for (std::size_t i = 0; i < 50; ++i) expected += "abcd";
  EXPECT_EQ(text("x"), expected);
}

// Two appends looked where the file ended, and the second wrote over the first: bytes were lost, and both
// said ok.
TEST_P(DirectoryContract, AppendsSideBySideStandOneAfterTheOther) {
  constexpr std::size_t kThreads = 4;
  constexpr std::size_t kAppends = 200;
  const auto other = GetParam() == Where::kDisk ? FsDirectory::open(root_.path()).value() : directory_;
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      const auto own = (thread % 2 == 0 ? directory_ : other)->open_append("x").value();
      const std::string bytes(7, static_cast<char>('a' + thread));
      for (std::size_t i = 0; i < kAppends; ++i) EXPECT_TRUE(succeeded(own->append(as_bytes(bytes))));
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::string all = text("x");
  ASSERT_EQ(all.size(), kThreads * kAppends * 7);
  for (std::size_t at = 0; at < all.size(); at += 7)
    ASSERT_EQ(all.substr(at, 7), std::string(7, all[at])) << at;
  for (std::size_t thread = 0; thread < kThreads; ++thread) {
    EXPECT_EQ(std::ranges::count(all, static_cast<char>('a' + thread)), kAppends * 7);
  }
}

}  // namespace
}  // namespace durability::internal
