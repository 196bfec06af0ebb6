#include "durability/base/failure_latch.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <new>

namespace durability {
namespace {

TEST(FailureLatch, TellsTheFirstOfSeveralFailures) {
  FailureLatch latch;
  EXPECT_FALSE(latch.failed());
  latch.fail(Error::from_errno(EIO, "sync"));
  latch.fail(Error::from_errno(ENOSPC, "write"));
  EXPECT_TRUE(latch.failed());
  EXPECT_EQ(latch.error().os_error(), EIO);
}

TEST(FailureLatch, SaysSomethingWhereThereWasNoMemoryForTheError) {
  FailureLatch latch;
  latch.fail();
  EXPECT_TRUE(latch.failed());
  EXPECT_EQ(latch.error().code(), ErrorCode::kPoisoned);
}

TEST(FailureLatch, LaterCallsAreRefusedWithTheFailureItsPlaceAndWhatIsSafe) {
  FailureLatch disk;
  disk.fail(Error::from_errno(EIO, "write").in_file("wal/wal_1.log").at_offset(64));
  const Error later = disk.poisoned("wal/wal_2.log");
  EXPECT_EQ(later.code(), ErrorCode::kPoisoned);
  EXPECT_EQ(later.path(), "wal/wal_1.log");
  EXPECT_EQ(later.offset(), 64U);
  EXPECT_TRUE(later.advice().starts_with("what was acknowledged is safe")) << later;

  FailureLatch deleted;
  deleted.fail(Error(ErrorCode::kNotFound, "the segment was deleted"));
  EXPECT_EQ(deleted.poisoned("wal/wal_2.log").path(), "wal/wal_2.log");
  EXPECT_TRUE(deleted.poisoned("").advice().starts_with("its files were taken away"));
}

TEST(FailureLatch, WatchesForErrorsAndForExceptions) {
  FailureLatch none;
  EXPECT_TRUE(none.watch([] { return Status(); }));
  EXPECT_FALSE(none.failed());

  FailureLatch failing;
  EXPECT_FALSE(failing.watch([]() -> Status { return Error::from_errno(EIO, "sync"); }));
  EXPECT_EQ(failing.error().os_error(), EIO);

  FailureLatch throwing;
  EXPECT_THROW(static_cast<void>(throwing.watch([]() -> Status { throw std::bad_alloc(); })), std::bad_alloc);
  EXPECT_TRUE(throwing.failed());
}

TEST(FailureLatch, WatchingForExceptionsLetsErrorsPass) {
  FailureLatch latch;
  EXPECT_FALSE(latch.watch_exceptions([]() -> Status { return Error::from_errno(ENOSPC, "write"); }));
  EXPECT_FALSE(latch.failed());
  EXPECT_THROW(static_cast<void>(latch.watch_exceptions([]() -> Status { throw std::bad_alloc(); })),
               std::bad_alloc);
  EXPECT_TRUE(latch.failed());
}

}  // namespace
}  // namespace durability
