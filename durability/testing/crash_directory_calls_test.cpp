// How a CrashDirectory is used: its calls, their count, and where they stop. What crashes leave is in
// crash_directory_test.cpp.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <thread>

#include "durability/testing/crash_directory.hpp"

namespace durability::testing {
namespace {

using ::testing::StartsWith;

std::string text_of(Directory& directory, std::string_view path) {
  return std::string(as_text(directory.read_file(path, 1U << 20U).value()));
}

TEST(CrashDirectory, RefusesSectorsWithoutBytes) {
  const auto made = CrashDirectory::make({.sector_bytes = 0});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), ErrorCode::kInvalidConfig);
}

TEST(CrashDirectory, ACrashEndsTheOldWorld) {
  const auto directory = CrashDirectory::make();
  const auto file = directory->create("x").value();
  const auto lock = directory->lock("lock").value();
  const auto killed = directory->after_kill();
  const Status late = file->append(as_bytes("too late"));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), ErrorCode::kIo);
  EXPECT_EQ(late.error().os_error(), EIO);
  EXPECT_THAT(late.error().message(), StartsWith("injected:"));
  EXPECT_FALSE(directory->exists("x"));
  EXPECT_FALSE(lock->check());
  EXPECT_TRUE(killed->lock("lock")) << "the dead hold no locks";
  EXPECT_EQ(text_of(*killed, "x"), "");
}

TEST(CrashDirectory, CountsWhatChangesOrSyncsAndNothingElse) {
  const auto directory = CrashDirectory::make();
  const auto counted = [&](std::uint64_t expected, std::string_view what) {
    EXPECT_EQ(directory->operations(), expected) << what;
  };
  auto file = directory->do_open("x", OpenMode::kCreateNew).value();
  counted(1, "create");
  ASSERT_TRUE(file->write_at(0, as_bytes("a")) && file->append(as_bytes("b")) && file->preallocate(2, 8));
  counted(4, "write, append, preallocate");
  ASSERT_TRUE(file->write_at(0, as_bytes("")) && file->truncate(10) && file->drop_cached_pages() &&
              file->size());
  counted(4, "no change");
  ASSERT_TRUE(file->truncate(9) && file->sync_data());
  counted(6, "truncate, sync");
  ASSERT_TRUE(file->close() && directory->open("x") && directory->list("") && directory->exists("x"));
  ASSERT_FALSE(directory->create_new("x"));
  ASSERT_FALSE(directory->do_remove_file("y"));
  counted(6, "readings and refusals");
  ASSERT_TRUE(directory->do_make_directory("d").value());
  ASSERT_FALSE(directory->do_make_directory("d").value());
  counted(7, "one directory");
  ASSERT_TRUE(directory->do_rename("x", "d/x") && directory->do_sync_directory("d") &&
              directory->do_remove_file("d/x") && directory->do_remove_empty_directory("d"));
  counted(11, "rename, sync, remove, remove");
}

TEST(CrashDirectory, ACutStopsEverythingFromItsOperationOn) {
  const auto directory = CrashDirectory::make();
  const auto file = directory->create("x").value();
  directory->cut_after(2);
  ASSERT_TRUE(file->write_at(0, as_bytes("first")));
  const Status cut = file->write_at(5, as_bytes("second"));
  ASSERT_FALSE(cut);
  EXPECT_THAT(cut.error().message(), StartsWith("injected:"));
  EXPECT_EQ(cut.error().path(), "x");
  std::byte byte{};
  EXPECT_FALSE(file->read_at(0, std::span(&byte, 1)));
  EXPECT_FALSE(file->sync_data());
  EXPECT_FALSE(file->close());
  EXPECT_FALSE(directory->list(""));
  EXPECT_FALSE(directory->remove("x"));
  EXPECT_EQ(directory->operations(), 3U) << "what comes after the cut is not counted";
  EXPECT_EQ(text_of(*directory->after_kill(), "x"), "firstsecond") << "the write that was under way";
}

TEST(CrashDirectory, BehavesAsAFileSystemInBetween) {
  const auto directory = CrashDirectory::make();
  ASSERT_TRUE(directory->write_durable("d/x", as_bytes("text")));
  const auto file = directory->open("d/x").value();
  EXPECT_EQ(file->write_at(0, as_bytes("no")).error().os_error(), EBADF);
  EXPECT_EQ(directory->create_new("d/x").error().code(), ErrorCode::kInvalidState);
  EXPECT_EQ(directory->open("d").error().code(), ErrorCode::kInvalidState);
  EXPECT_EQ(directory->open("y").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(directory->do_rename("y", "z").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(directory->do_rename("d", "d/e").error().os_error(), EINVAL);
  EXPECT_EQ(directory->do_remove_empty_directory("d").error().os_error(), ENOTEMPTY);
  EXPECT_EQ(directory->do_remove_file("d").error().os_error(), EISDIR);
  ASSERT_TRUE(directory->remove("d"));
  std::byte byte{};
  EXPECT_EQ(file->read_at(3, std::span(&byte, 1)).value(), 1U) << "an unlinked file lives on in its handle";
  EXPECT_EQ(byte, std::byte{'t'});
  ASSERT_TRUE(file->close());
  EXPECT_EQ(file->size().error().code(), ErrorCode::kClosed);
  const auto huge = directory->create("huge").value();
  EXPECT_EQ(huge->truncate(std::uint64_t{1} << 40U).error().os_error(), EFBIG);
  EXPECT_EQ(huge->preallocate(std::uint64_t{1} << 40U, 1).error().os_error(), EFBIG);
}

TEST(CrashDirectory, AnOpenFileKnowsWhetherItsNameLeadsToIt) {
  const auto directory = CrashDirectory::make();
  const auto file = directory->create("d/x").value();
  EXPECT_EQ(file->links().value(), 1U);
  ASSERT_TRUE(directory->rename("d/x", "y"));
  EXPECT_EQ(file->links().value(), 0U);
  file->now_called("y");
  EXPECT_EQ(file->links().value(), 1U);
  ASSERT_TRUE(directory->remove("y"));
  EXPECT_EQ(file->links().value(), 0U);
}

TEST(CrashDirectory, WhatACrashLeavesIsTheSamePlace) {
  const auto directory = CrashDirectory::make();
  EXPECT_EQ(directory->after_kill()->identity(), directory->identity());
  EXPECT_NE(CrashDirectory::make()->identity(), directory->identity());
}

TEST(CrashDirectory, LocksOnceAndNoticesAReplacedLockFile) {
  const auto directory = CrashDirectory::make();
  auto lock = directory->lock("a/lock").value();
  EXPECT_EQ(directory->lock("a/lock").error().code(), ErrorCode::kLockFailed);
  EXPECT_TRUE(lock->check());
  ASSERT_TRUE(directory->remove("a/lock"));
  EXPECT_EQ(lock->check().error().code(), ErrorCode::kLockFailed);
  ASSERT_TRUE(directory->create("a/lock"));
  EXPECT_EQ(lock->check().error().code(), ErrorCode::kLockFailed);
  lock.reset();
  EXPECT_TRUE(directory->lock("a/lock"));
}

TEST(CrashDirectory, MakesTheSameTemporaryNamesEveryTimeButNotTwice) {
  const auto directory = CrashDirectory::make();
  const auto name = directory->temporary_name("x");
  EXPECT_EQ(name, CrashDirectory::make()->temporary_name("x"));
  EXPECT_NE(directory->after_kill()->temporary_name("x"), name);
}

TEST(CrashDirectory, DescribesWhatIsUnsynced) {
  const auto directory = CrashDirectory::make({.sector_bytes = 8}).value();
  ASSERT_TRUE(directory->create("x").value()->write_at(0, as_bytes("0123456789")));
  EXPECT_EQ(directory->describe(),
            "x (inode 2): 10 bytes, durably 0, sector 0 unsynced (1 writes), sector 1 unsynced (1 writes)\n"
            "unsynced: directory 1 name x -> inode 2\n");
}

TEST(CrashDirectory, MayBeUsedFromSeveralThreads) {
  const auto directory = CrashDirectory::make();
  const auto file = directory->create("x").value();
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (std::uint64_t index = 0; index < 4; ++index) {
    threads.emplace_back([&, index] {
      for (std::uint64_t round = 0; round < 50; ++round) {
        EXPECT_TRUE(file->write_at((round * 4 + index) * 4, as_bytes("abcd")));
        EXPECT_TRUE(file->sync_data());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(file->size().value(), 800U);
  EXPECT_EQ(directory->operations(), 401U);
}

}  // namespace
}  // namespace durability::testing
