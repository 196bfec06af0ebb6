#include "durability/checkpoint/staged.hpp"

#include <gtest/gtest.h>

#include <new>

#include "durability/storage/memory_directory.hpp"
#include "durability/testing/crash_directory.hpp"
#include "durability/testing/faulty_directory.hpp"

namespace durability::checkpoint {
namespace {

using testing::CrashDirectory;
using testing::FaultyDirectory;
using testing::Operation;

TEST(StagedCheckpoint, IsNotThereBeforeItIsPutInPlaceAndItsBytesAreDurableBeforeItsName) {
  const auto faulty = FaultyDirectory::make(CrashDirectory::make());
  auto staged = Staged::write(faulty, "d/c", as_bytes("new"));
  ASSERT_TRUE(staged) << staged.error();
  EXPECT_FALSE(faulty->exists("d/c").value());
  const auto temporary = "d/" + faulty->list("d").value().front();
  faulty->clear_log();
  ASSERT_TRUE(staged->put_in_place());
  EXPECT_EQ(faulty->changes(),
            (std::vector<std::string>{"rename " + temporary + " -> d/c", "sync_directory d"}));
  faulty->clear_log();
  {
    const Staged gone = *std::move(staged);
  }
  EXPECT_TRUE(faulty->changes().empty()) << "there is nothing left to remove";
  EXPECT_EQ(as_text(faulty->read_file("d/c", 100).value()), "new");
}

TEST(StagedCheckpoint, IsRemovedWhereItIsNotPutInPlaceOrCannotBe) {
  const auto faulty = FaultyDirectory::make(CrashDirectory::make());
  ASSERT_TRUE(faulty->atomic_write("c", as_bytes("old")));
  ASSERT_TRUE(Staged::write(faulty, "c", as_bytes("new")));
  EXPECT_EQ(faulty->list("")->size(), 1U);
  for (const Operation failing :
       {Operation::kCreate, Operation::kWrite, Operation::kSyncData, Operation::kClose, Operation::kRename}) {
    faulty->fail({.operation = failing});
    {
      auto staged = Staged::write(faulty, "c", as_bytes("new"));
      EXPECT_EQ(staged.has_value(), failing == Operation::kRename);
      if (staged) {
        EXPECT_FALSE(staged->put_in_place());
      }
    }
    EXPECT_EQ(faulty->list("")->size(), 1U) << testing::operation_name(failing);
    EXPECT_EQ(as_text(faulty->read_file("c", 100).value()), "old");
  }
}

TEST(StagedCheckpoint, IsRemovedWhereAnExceptionPassesIt) {
  const auto directory = CrashDirectory::make();
  try {
    const auto staged = Staged::write(directory, "c", as_bytes("new"));
    ASSERT_TRUE(staged) << staged.error();
    throw std::bad_alloc();
  } catch (const std::bad_alloc&) {
    EXPECT_TRUE(directory->list("")->empty());
  }
}

TEST(StagedCheckpoint, IsNotSupportedWithoutStableStorage) {
  const std::shared_ptr<Directory> memory = MemoryDirectory::make();
  EXPECT_EQ(Staged::write(memory, "c", {}).error().code(), ErrorCode::kNotSupported);
  EXPECT_TRUE(memory->list("")->empty());
}

}  // namespace
}  // namespace durability::checkpoint
