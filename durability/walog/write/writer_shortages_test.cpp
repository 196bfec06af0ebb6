// The writer where something is short for a moment: memory for an error, descriptors, space. What has changed
// nothing poisons nothing; a failed sync poisons, whatever else is short.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <new>
#include <utility>

#include "durability/walog/sync_writer.hpp"
#include "durability/walog/test_support.hpp"

namespace durability::walog {
namespace {

using test::CrashDirectory;
using test::fails_with;
using test::FaultyDirectory;
using test::one_segment;
using test::open_writer;
using test::Operation;
using test::OperationRecord;
using test::Repeat;

/// Each such operation throws bad_alloc, as where there is no memory for the error of one that failed.
void let_throw(FaultyDirectory& directory, Operation operation) {
  directory.set_hook(
      [operation](const OperationRecord& record) -> std::optional<durability::testing::Injection> {
        if (record.operation == operation) throw std::bad_alloc();
        return std::nullopt;
      });
}

// An fdatasync failed, and so did the memory for its error. Nothing was poisoned; the next flush_and_sync
// synced the same file, which the kernel then calls clean, and acknowledged what was lost.
TEST(WriterShortages, AFailedSyncWhoseErrorFindsNoMemoryIsNotTriedAgain) {
  const auto faulty = FaultyDirectory::make(CrashDirectory::make());
  auto writer = open_writer(faulty, one_segment()).value();
  ASSERT_TRUE(writer->append(as_bytes("a")));
  let_throw(*faulty, Operation::kSyncData);
  EXPECT_THROW(static_cast<void>(writer->flush_and_sync()), std::bad_alloc);
  faulty->mend();
  EXPECT_TRUE(fails_with(writer->flush_and_sync(), ErrorCode::kPoisoned));
  EXPECT_TRUE(fails_with(writer->append(as_bytes("b")), ErrorCode::kPoisoned));
  EXPECT_EQ(writer->durable_id()->entry(), EntryId(0));
  EXPECT_FALSE(writer->close());
}

// The same with many threads: the waiters, and close, waited for ever.
TEST(WriterShortages, AFailedSyncWhoseErrorFindsNoMemoryHoldsNobodyUp) {
  const auto faulty = FaultyDirectory::make(CrashDirectory::make());
  auto writer = SyncWalWriter<std::string>::open(faulty, one_segment()).value();
  let_throw(*faulty, Operation::kSyncData);
  EXPECT_THROW(static_cast<void>(writer->append_durable("a")), std::bad_alloc);
  EXPECT_TRUE(fails_with(writer->append_durable("b"), ErrorCode::kPoisoned));
  EXPECT_FALSE(writer->close());
}

// The log stayed open and locked for as long as the writer was there.
TEST(WriterShortages, ACloseThatFindsNoMemoryLetsGoOfTheLock) {
  const auto faulty = FaultyDirectory::make(CrashDirectory::make());
  const auto writer = open_writer(faulty, one_segment()).value();
  ASSERT_TRUE(writer->append(as_bytes("a")));
  let_throw(*faulty, Operation::kSyncData);
  EXPECT_THROW(static_cast<void>(writer->close()), std::bad_alloc);
  faulty->mend();
  EXPECT_TRUE(fails_with(writer->append(as_bytes("b")), ErrorCode::kClosed));
  EXPECT_TRUE(writer->close());
  EXPECT_TRUE(test::succeeded(open_writer(faulty, one_segment())));
}

TEST(WriterShortages, ACompletionIsCalledWhereTheErrorOfItsSyncFindsNoMemory) {
  const auto faulty = FaultyDirectory::make(CrashDirectory::make());
  auto writer = SyncWalWriter<std::string>::open(faulty, one_segment()).value();
  let_throw(*faulty, Operation::kSyncData);
  EXPECT_TRUE(fails_with(writer->append_durable_future("a").get(), ErrorCode::kPoisoned));
  EXPECT_FALSE(writer->close());
}

// A seal's sync on the background's thread: the exception ended the program.
TEST(WriterShortages, ASealWhoseSyncFindsNoMemoryPoisons) {
  const auto faulty = FaultyDirectory::make(CrashDirectory::make());
  WalOptions options = test::test_options();
  options.segment_bytes = 136;
  auto writer = open_writer(faulty, options).value();
  ASSERT_TRUE(writer->append(as_bytes("a")));
  let_throw(*faulty, Operation::kSyncData);
  bool refused = false;
  for (int i = 0; i < 3 && !refused; ++i) {
    try {
      refused = !writer->append(as_bytes("b")) || !writer->flush();
    } catch (const std::bad_alloc&) {
      refused = true;
    }
  }
  faulty->mend();
  EXPECT_TRUE(fails_with(writer->append(as_bytes("c")), ErrorCode::kPoisoned));
}

// The same of the next segment's file, which is synced before it gets its name.
TEST(WriterShortages, ASpareWhoseSyncFindsNoMemoryPoisons) {
  const auto faulty = FaultyDirectory::make(CrashDirectory::make());
  WalOptions options = test::test_options();
  options.segment_bytes = 136;
  auto writer = open_writer(faulty, options).value();
  bool thrown = false;  // once: the background's own, which no caller sees
  faulty->set_hook([&](const OperationRecord& record) -> std::optional<durability::testing::Injection> {
    const bool is_spare = record.operation == Operation::kSyncData && record.path.ends_with(".tmp");
    if (is_spare && !std::exchange(thrown, true)) throw std::bad_alloc();
    return std::nullopt;
  });
  bool refused = false;
  for (int i = 0; i < 3 && !refused; ++i) {
    try {
      refused = !writer->append(as_bytes("b")) || !writer->flush();
    } catch (const std::bad_alloc&) {
      refused = true;
    }
  }
  EXPECT_TRUE(refused);
  faulty->mend();
  EXPECT_TRUE(fails_with(writer->append(as_bytes("c")), ErrorCode::kPoisoned));
}

// What was deleted and what was not is known to nobody then.
TEST(WriterShortages, ATruncationWhoseErrorFindsNoMemoryPoisons) {
  const auto faulty = FaultyDirectory::make(CrashDirectory::make());
  auto writer = SyncWalWriter<std::string>::open(faulty, test::test_options()).value();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(writer->append("entry"));
  const DurableId upto = writer->flush_and_sync().value();
  let_throw(*faulty, Operation::kRemoveFile);
  EXPECT_THROW(static_cast<void>(writer->truncate_prefix(upto)), std::bad_alloc);
  faulty->mend();
  EXPECT_TRUE(fails_with(writer->append("more"), ErrorCode::kPoisoned));
  EXPECT_FALSE(writer->close());
}

TEST(WriterShortages, ALackOfDescriptorsForTheNextSegmentPoisonsNothing) {
  for (const Operation operation : {Operation::kCreate, Operation::kRename}) {
    const auto faulty = FaultyDirectory::make(CrashDirectory::make());
    WalOptions options = test::test_options();
    options.segment_bytes = 136;
    auto writer = open_writer(faulty, options).value();
    ASSERT_TRUE(writer->append(as_bytes("a")));
    faulty->fail({.operation = operation, .os_error = EMFILE, .repeat = Repeat::kSticky});
    EXPECT_TRUE(fails_with(writer->append(as_bytes("b")), ErrorCode::kIo));
    EXPECT_TRUE(fails_with(writer->append(as_bytes("b")), ErrorCode::kIo));
    faulty->mend();
    EXPECT_EQ(writer->append(as_bytes("b")).value(), EntryId(2));
    ASSERT_TRUE(writer->close());
    EXPECT_EQ(test::read_strict(faulty), "a b: ok");
  }
}

// A mark and the seal after it vouch for all that is before them: no second mark is written where
// nothing was appended.
TEST(WriterShortages, AMarkAndItsSealVouchForALogWhoseNextAppendWasRefused) {
  const auto faulty = FaultyDirectory::make(CrashDirectory::make());
  const auto clock = std::make_shared<test::ManualClock>();
  WalOptions options = test::test_options();
  options.clock = clock;
  options.segment_max_age = std::chrono::seconds(1);
  {
    const auto writer = open_writer(faulty, options).value();
    ASSERT_TRUE(writer->append(as_bytes("a")));
    ASSERT_TRUE(writer->close());
  }
  test::put(*faulty, 2, ByteView());  // a spare of a full disk's
  const auto writer = open_writer(faulty, options).value();
  clock->advance(std::chrono::seconds(2));
  faulty->fail({.operation = Operation::kPreallocate, .os_error = ENOSPC, .repeat = Repeat::kSticky});
  EXPECT_TRUE(fails_with(writer->append(as_bytes("b")), ErrorCode::kIo));
  EXPECT_EQ(writer->segment_id(), SegmentId(2));
  faulty->mend();
  EXPECT_TRUE(test::succeeded(writer->close()));
  EXPECT_EQ(test::segment_bytes(*faulty, 2).size(), v4::kHeaderBytes);
  EXPECT_EQ(test::read_strict(faulty), "a: ok");
  Bytes damaged = test::segment_bytes(*faulty, 1);
  damaged[v4::kHeaderBytes + v4::kFrameHeadBytes] ^= std::byte{1};
  test::put(*faulty, 1, damaged);
  EXPECT_EQ(test::read(faulty, ReadMode::kBestEffort), ": corrupt") << "and no torn tail";
}

// Segments that wait to be recycled held the space whose lack refused the next append.
TEST(WriterShortages, SpaceThatRecycledSegmentsHoldIsGivenBackWhereItIsShort) {
  const auto faulty = FaultyDirectory::make(CrashDirectory::make());
  WalOptions options = test::test_options();
  options.segment_bytes = 136;
  options.recycle_segments = 2;
  auto writer = open_writer(faulty, options).value();
  for (const auto* text : {"a", "b", "c"}) ASSERT_TRUE(writer->append(as_bytes(text)));
  const DurableId durable = writer->flush_and_sync().value();
  ASSERT_EQ(writer->truncate_prefix(durable).value().deleted.size(), 2U);
  // Nothing is synced but seals from here on, so the space of a new file is set aside, which fails until a
  // segment that waits has been removed.
  bool removed = false;
  std::string refused;  // is removed too, and gives nothing back
  faulty->set_hook([&](const OperationRecord& record) -> std::optional<durability::testing::Injection> {
    removed = removed || (record.operation == Operation::kRemoveFile && record.path != refused);
    if (record.operation != Operation::kPreallocate || removed) return std::nullopt;
    refused = record.path;
    return durability::testing::Injection{.os_error = ENOSPC};
  });
  for (const auto* text : {"d", "e", "f", "g"}) EXPECT_TRUE(test::succeeded(writer->append(as_bytes(text))));
  EXPECT_TRUE(removed);
  faulty->mend();
  ASSERT_TRUE(writer->close());
  EXPECT_EQ(test::read_strict(faulty), "c d e f g: ok");
}

// A segment with its mark, and then its seal, was longer than its limit.
TEST(WriterShortages, AClosedSegmentIsNoLongerThanItsLimit) {
  for (std::size_t payload = 1; payload <= 200; ++payload) {
    const auto directory = CrashDirectory::make();
    WalOptions options = test::test_options();
    options.preallocate_bytes = 0;
    for (int life = 0; life < 4; ++life) {
      auto writer = open_writer(directory, options).value();
      ASSERT_TRUE(writer->append(Bytes(payload % 100 + 1)));
      ASSERT_TRUE(writer->close());
    }
    for (const auto& [name, bytes] : test::snapshot(*directory)) {
      EXPECT_LE(bytes.size(), options.segment_bytes) << name << " with entries of " << payload;
    }
    EXPECT_EQ(ByteReader(directory)
                  .for_each(ReadMode::kStrict, {},
                            [](const WalEntryView&) { return Result<Flow>(Flow::kContinue); })
                  .value()
                  .next,
              EntryId(5));
  }
}

// Where there is no space for the spare that a seal needs, a mark vouches for the last entry all the same.
TEST(WriterShortages, ASegmentWithoutRoomForAMarkGetsOneWhereThereIsNoSpaceForTheNext) {
  const auto faulty = FaultyDirectory::make(CrashDirectory::make());
  auto writer = open_writer(faulty).value();
  faulty->fail(
      {.operation = Operation::kPreallocate, .os_error = ENOSPC, .repeat = Repeat::kSticky, .path = ".tmp"});
  ASSERT_TRUE(writer->append(Bytes(120)));
  ASSERT_TRUE(test::succeeded(writer->close()));
  Bytes segment = test::segment_bytes(*faulty, 1);
  segment.at(v4::kHeaderBytes) ^= std::byte{1};
  const auto damaged = CrashDirectory::make();
  test::put(*damaged, 1, segment);
  EXPECT_EQ(test::read(damaged, ReadMode::kBestEffort), ": corrupt");
}

// The cut of one to three bytes of padding came after the last sync of a log that was synced already.
TEST(WriterShortages, ClosingAVersion3LogSyncsTheCutOfItsPadding) {
  const auto inner = CrashDirectory::make();
  const auto faulty = FaultyDirectory::make(inner);
  WalOptions options = test::test_options();
  options.format = WalFormat::kV3;
  options.segment_bytes = 256;
  options.preallocate_bytes = 24 + 16 + 8 + 2;
  auto writer = open_writer(faulty, options).value();
  ASSERT_TRUE(writer->append(Bytes(8)));
  ASSERT_TRUE(writer->flush_and_sync());
  faulty->clear_log();
  ASSERT_TRUE(writer->close());
  EXPECT_THAT(faulty->changes(), ::testing::ElementsAre(::testing::StartsWith("truncate wal/wal_1.log"),
                                                        ::testing::StartsWith("sync_data wal/wal_1.log")));
}

// Its cut had failed, so nothing was synced; "the log is closed" says nothing of what became of the entry.
TEST(WriterShortages, WhatAFailedCloseDidNotSyncIsSaidToBeThereOrNot) {
  const auto faulty = FaultyDirectory::make(CrashDirectory::make());
  WalOptions options = test::test_options();
  options.format = WalFormat::kV3;
  options.preallocate_bytes = 24 + 16 + 8 + 2;
  const auto writer = SyncWalWriter<std::string>::open(faulty, options).value();
  const EntryId id = writer->append("1234567").value();
  faulty->fail({.operation = Operation::kTruncate});
  EXPECT_TRUE(fails_with(writer->close(), ErrorCode::kIo));
  const auto durable = writer->wait_until_durable(id);
  ASSERT_TRUE(fails_with(durable, ErrorCode::kClosed));
  EXPECT_THAT(durable.error().to_string(), ::testing::HasSubstr("the entry may be there or not"));
}

}  // namespace
}  // namespace durability::walog
