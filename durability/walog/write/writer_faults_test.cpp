// The writer where things fail: a full disk, a failing sync, no memory.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <future>
#include <thread>

#include "durability/storage/fs_directory.hpp"
#include "durability/walog/test_support.hpp"

namespace durability::walog {
namespace {

using durability::testing::SyncFailure;
using test::AllocationWatch;
using test::CrashDirectory;
using test::fails_with;
using test::FaultyDirectory;
using test::one_segment;
using test::open_writer;
using test::Operation;
using test::OperationRecord;
using test::Repeat;
using ::testing::ElementsAre;

/// What a run of the workload was promised.
struct Promise {
  std::vector<std::string> appended;  // those for which append returned an id
  std::uint64_t durable = 0;
  std::string open = "ok";
  bool closed = false;
  std::vector<std::string> failures;
};

/// Appends, syncs and rotates; goes on after every failure, as a caller might. One entry, one segment.
Promise run(const std::shared_ptr<FaultyDirectory>& directory, int entries = 6) {
  Promise promise;
  WalOptions options = test::test_options();
  options.segment_bytes = 136;
  auto writer = open_writer(directory, options);
  promise.open = test::outcome(writer);
  if (!writer) return promise;
  const auto note = [&](const auto& result) {
    if (!result) promise.failures.push_back(result.error().to_string());
    return result.has_value();
  };
  for (int i = 0; i < entries; ++i) {
    const std::string text = fmt::format("entry{}", i);
    const auto id = (*writer)->append(as_bytes(text));
    if (note(id)) {
      promise.appended.push_back(text);
      EXPECT_EQ(id->value(), promise.appended.size()) << "a refused entry has taken an id";
    }
    const auto durable = (*writer)->flush_and_sync();
    if (note(durable)) promise.durable = durable->value();
  }
  promise.closed = (*writer)->close().has_value();
  if (!promise.failures.empty() && (*writer)->durable_id()->value() < promise.appended.size()) {
    EXPECT_FALSE(promise.closed) << "close said ok, and " << promise.failures.front();
  }
  return promise;
}

/// The log holds what was acknowledged, in order, and nothing that was not appended before it.
void expect_kept(const std::shared_ptr<Directory>& directory, const Promise& promise) {
  auto writer = open_writer(directory);
  ASSERT_TRUE(writer) << writer.error();
  ASSERT_GE((*writer)->last_entry_id().value(), promise.durable);
  ASSERT_TRUE((*writer)->append(as_bytes("z")));
  ASSERT_TRUE((*writer)->close());
  std::vector<std::string> found;
  ASSERT_TRUE(ByteReader(directory).for_each(ReadMode::kStrict, {}, [&](const WalEntryView& view) {
    found.emplace_back(as_text(view.payload));
    return Result<Flow>(Flow::kContinue);
  }));
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found.back(), "z");
  found.pop_back();
  ASSERT_GE(found.size(), promise.durable);
  for (std::size_t i = 0; i < promise.durable; ++i) EXPECT_EQ(found[i], promise.appended[i]);
}

// No space at each operation in turn, then space again. Nothing acknowledged is lost, in this process's
// view or after a power cut, and where only a spare could not be made, appending goes on.
TEST(WriterFaults, NoSpaceAtEachCallLosesNothingAcknowledged) {
  const auto whole = FaultyDirectory::make(CrashDirectory::make());
  run(whole);
  const std::uint64_t operations = whole->log().size();
  ASSERT_GT(operations, 60U);
  for (const int os_error : {ENOSPC, EDQUOT}) {
    for (std::uint64_t n = 0; n < operations; ++n) {
      const OperationRecord record = whole->log().at(n);
      SCOPED_TRACE(fmt::format("errno {} at {}: {}", os_error, n, record.to_string()));
      const auto inner = CrashDirectory::make();
      const auto faulty = FaultyDirectory::make(inner);
      faulty->fail({.os_error = os_error, .after = n, .short_write = n % 40});
      const Promise promise = run(faulty);
      faulty->mend();
      const bool building_a_spare =
          (record.operation == Operation::kCreate || record.operation == Operation::kPreallocate) &&
          record.path.find(".tmp") != std::string::npos && record.path.find("wal_1.") == std::string::npos;
      if (building_a_spare) {
        EXPECT_LE(promise.failures.size(), 1U) << promise.failures.back();
        EXPECT_GE(promise.durable, 5U) << "a spare that could not be made has poisoned the writer";
      }
      expect_kept(inner, promise);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

// Space that cannot be set aside is reported, not passed over.
TEST(WriterFaults, AnAppendThatNeedsASpareIsRefusedWhileThereIsNoSpaceAndThenGoesOn) {
  const auto directory = FaultyDirectory::make(CrashDirectory::make());
  WalOptions options = test::test_options();
  options.segment_bytes = 136;
  const auto writer = open_writer(directory, options).value();
  ASSERT_TRUE(writer->append(as_bytes("a")));
  directory->fail({.operation = Operation::kPreallocate, .os_error = ENOSPC, .repeat = Repeat::kSticky});
  for (int i = 0; i < 3; ++i) {
    const auto refused = writer->append(as_bytes("b"));
    ASSERT_TRUE(fails_with(refused, ErrorCode::kIo));
    EXPECT_EQ(refused.error().os_error(), ENOSPC);
    EXPECT_EQ(writer->last_entry_id(), EntryId(1));
    EXPECT_TRUE(writer->flush_and_sync()) << "what is there can still be made durable";
  }
  EXPECT_EQ(directory->list("wal").value(), (std::vector<std::string>{".lock", "wal_1.log"}))
      << "a temporary is left behind";
  directory->mend();
  EXPECT_EQ(writer->append(as_bytes("c")).value(), EntryId(2));
  ASSERT_TRUE(writer->close());
  EXPECT_EQ(test::read_strict(directory), "a c: ok");
}

// The batch's first entries fit, the next needs a segment that cannot be made. It once said that nothing was
// written.
TEST(WriterFaults, ABatchThatRunsOutOfSpaceSaysHowManyOfItsEntriesAreAppended) {
  const auto directory = FaultyDirectory::make(CrashDirectory::make());
  const auto writer = open_writer(directory).value();
  directory->fail({.operation = Operation::kPreallocate, .os_error = ENOSPC, .repeat = Repeat::kSticky});
  const std::vector<ByteView> batch(20, as_bytes("b"));
  const auto refused = writer->append_batch(batch);
  ASSERT_TRUE(fails_with(refused, ErrorCode::kIo));
  const std::uint64_t appended = writer->last_entry_id().value();
  ASSERT_GT(appended, 0U);
  ASSERT_LT(appended, batch.size());
  EXPECT_THAT(refused.error().advice(),
              ::testing::HasSubstr(
                  fmt::format("the first {0} of the batch are appended, up to entry {0};", appended)));
  directory->mend();
  const auto rest = std::span(batch).subspan(appended);
  EXPECT_EQ(writer->append_batch(rest).value(), EntryId(batch.size()));
  ASSERT_TRUE(writer->close());
}

// Every sync of the workload fails once, and the pages stay dirty, are forgotten, or go back. It is not
// tried again, nothing after it is acknowledged, and what was acknowledged before is there.
TEST(WriterFaults, AFailedSyncIsNeverAcknowledgedAndNeverRetried) {
  const auto whole = FaultyDirectory::make(CrashDirectory::make());
  run(whole);
  for (const auto failure : {SyncFailure::kKeep, SyncFailure::kForget, SyncFailure::kRevert}) {
    for (const Operation operation : {Operation::kSyncData, Operation::kSyncDirectory}) {
      const std::uint64_t syncs = whole->count(operation);
      ASSERT_GE(syncs, 6U);
      for (std::uint64_t n = 0; n < syncs; ++n) {
        SCOPED_TRACE(fmt::format("{} {} of {}, pages {}", operation_name(operation), n, syncs,
                                 static_cast<int>(failure)));
        const auto inner = CrashDirectory::make();
        const auto faulty = FaultyDirectory::make(inner);
        std::uint64_t seen = 0;
        faulty->set_hook([&](const OperationRecord& record) -> std::optional<durability::testing::Injection> {
          if (record.operation != operation || seen++ != n) return std::nullopt;
          if (operation == Operation::kSyncData) inner->fail_next_sync(failure);
          if (operation == Operation::kSyncDirectory) inner->fail_next_directory_sync(failure);
          return std::nullopt;
        });
        const Promise promise = run(faulty);
        if (promise.open == "ok") {
          EXPECT_FALSE(promise.closed) << "the sync that failed was taken for done";
          EXPECT_TRUE(promise.durable < 6 || promise.failures.empty());
          for (std::size_t i = 1; i < promise.failures.size(); ++i) {
            EXPECT_THAT(promise.failures[i], ::testing::HasSubstr("an earlier failure stopped this writer"));
          }
          // The failure itself, and nothing that reached for the disk after it but the background's end.
          EXPECT_LE(seen, n + 2);
        }
        faulty->mend();
        durability::testing::ExhaustiveChooser chooser;
        ASSERT_TRUE(chooser.next());
        expect_kept(inner->after_power_cut(durability::testing::CrashProfile::ordered(), chooser), promise);
        if (::testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

// V16: a failed sync may leave pages that are clean and were never written. The next process would read
// them, sync 'successfully', and build on what the disk does not hold.
TEST(WriterFaults, AfterAFailedSyncTheNextProcessReadsTheDiskAndNotTheCache) {
  const auto inner = CrashDirectory::make();
  const auto writer = open_writer(inner, one_segment()).value();
  ASSERT_TRUE(writer->append(as_bytes("a")));
  ASSERT_TRUE(writer->flush_and_sync());
  ASSERT_TRUE(writer->append(as_bytes("b")));
  inner->fail_next_sync(SyncFailure::kForget);
  ASSERT_FALSE(writer->flush_and_sync());

  const auto next = inner->after_kill();
  const auto resumed = open_writer(next, one_segment()).value();
  ASSERT_TRUE(resumed->append(as_bytes("z")));
  const auto durable = resumed->flush_and_sync().value();
  durability::testing::ExhaustiveChooser chooser;
  ASSERT_TRUE(chooser.next());
  const auto cut = next->after_power_cut(durability::testing::CrashProfile::ordered(), chooser);
  EXPECT_EQ(test::read(cut, ReadMode::kBestEffort), "a z: ok");
  EXPECT_EQ(durable.entry(), EntryId(2));
}

// The writer was killed; a backup program syncs the segment, and a page that could not be written is
// reported to it, once. The next writer's descriptor is younger than that failure: it gets no report.
TEST(WriterFaults, AFailureThatAnotherDescriptorWasToldOfIsNotTakenForASync) {
  const auto inner = CrashDirectory::make();
  auto writer = open_writer(inner, one_segment()).value();
  ASSERT_TRUE(writer->append(as_bytes("a")));
  ASSERT_TRUE(writer->flush_and_sync());
  ASSERT_TRUE(writer->append(as_bytes("b")));
  ASSERT_TRUE(writer->flush());
  const auto next = inner->after_kill();
  next->fail_next_sync(SyncFailure::kForget);
  ASSERT_FALSE(next->open("wal/wal_1.log", OpenMode::kReadWrite).value()->sync_data());

  const auto resumed = open_writer(next, one_segment()).value();
  ASSERT_TRUE(resumed->append(as_bytes("z")));
  const auto durable = resumed->flush_and_sync().value();
  durability::testing::ExhaustiveChooser chooser;
  ASSERT_TRUE(chooser.next());
  const auto cut = next->after_power_cut(durability::testing::CrashProfile::ordered(), chooser);
  EXPECT_EQ(test::read(cut, ReadMode::kBestEffort), "a z: ok");
  EXPECT_EQ(durable.entry(), EntryId(2));
}

TEST(WriterFaults, ClosingGivesUpASpareThatIsNotReady) {
  const auto directory = CrashDirectory::make();
  WalOptions options = test::test_options();
  const auto writer = open_writer(directory, options).value();
  ASSERT_TRUE(writer->append(as_bytes("a")));
  ASSERT_EQ(static_cast<test::ManualWorker&>(*options.worker).pending(), 1U);
  ASSERT_TRUE(writer->close());
  EXPECT_EQ(directory->list("wal").value(), (std::vector<std::string>{".lock", "wal_1.log"}));
}

// Its sync had begun when the writer closed: its result is reported, and no mark vouches for the log.
TEST(WriterFaults, ClosingTellsOfASpareWhoseSyncFailsMeanwhile) {
  const auto directory = FaultyDirectory::make(CrashDirectory::make());
  std::promise<void> syncing;
  std::promise<void> closing;
  directory->set_hook([&, caller = std::this_thread::get_id()](
                          const OperationRecord& record) -> std::optional<testing::Injection> {
    if (record.operation != Operation::kSyncData || std::this_thread::get_id() == caller) return std::nullopt;
    syncing.set_value();
    closing.get_future().wait();
    return testing::Injection{.os_error = EIO};
  });
  WalOptions options = test::test_options();
  options.worker = Worker::thread().value();
  const auto writer = open_writer(directory, options).value();
  ASSERT_TRUE(writer->append(as_bytes("a")));
  syncing.get_future().wait();
  closing.set_value();
  EXPECT_TRUE(fails_with(writer->close(), ErrorCode::kIo));
}

// C23: after poison there is no flush and no sync that says ok, and no mark.
TEST(WriterFaults, EveryCallButCloseIsRefusedOnceAWriteHasFailed) {
  const auto inner = CrashDirectory::make();
  const auto directory = FaultyDirectory::make(inner);
  const auto writer = open_writer(directory, one_segment()).value();
  ASSERT_TRUE(writer->append(as_bytes("a")));
  const auto durable = writer->flush_and_sync().value();
  ASSERT_TRUE(writer->append(as_bytes("b")));
  directory->fail({.operation = Operation::kWrite, .short_write = 10});
  EXPECT_TRUE(fails_with(writer->flush(), ErrorCode::kIo));
  directory->clear_log();
  const std::vector<ByteView> batch = {as_bytes("c")};
  EXPECT_TRUE(fails_with(writer->append(as_bytes("c")), ErrorCode::kPoisoned));
  EXPECT_TRUE(fails_with(writer->append_batch(batch), ErrorCode::kPoisoned));
  EXPECT_TRUE(fails_with(writer->append_batch_atomic(batch), ErrorCode::kPoisoned));
  EXPECT_TRUE(fails_with(writer->flush(), ErrorCode::kPoisoned));
  EXPECT_TRUE(fails_with(writer->flush_and_sync(), ErrorCode::kPoisoned));
  EXPECT_TRUE(fails_with(writer->truncate_prefix(durable), ErrorCode::kPoisoned));
  EXPECT_EQ(writer->durable_id()->entry(), EntryId(1)) << "what was acknowledged stays so";
  EXPECT_TRUE(fails_with(writer->close(), ErrorCode::kIo)) << "close tells what happened";
  EXPECT_TRUE(fails_with(writer->flush_and_sync(), ErrorCode::kClosed));
  EXPECT_THAT(directory->changes(), ElementsAre()) << "a poisoned writer writes no mark";
  EXPECT_EQ(test::read(inner, ReadMode::kBestEffort), "a: ok");
}

// The process that replaced the lock's file may hold a lock of its own. Nothing is sealed or deleted
// then.
TEST(WriterFaults, AReplacedLockFileStopsRotationAndTruncation) {
  enum class Call { kRotate, kRotateIntoVersion3, kTruncate };
  for (const Call call : {Call::kRotate, Call::kRotateIntoVersion3, Call::kTruncate}) {
    std::string name = ::testing::TempDir() + "durability_walog_XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    const std::shared_ptr<Directory> directory = FsDirectory::open(name).value();
    WalOptions options = test::test_options();
    options.segment_bytes = 160;  // an entry, a mark and a seal
    auto writer = open_writer(directory, options).value();
    ASSERT_TRUE(writer->append(as_bytes("a")));
    if (call == Call::kRotateIntoVersion3) {
      ASSERT_TRUE(writer->close());
      options.format = WalFormat::kV3;
      writer = open_writer(directory, options).value();
    }
    if (call == Call::kTruncate) {
      ASSERT_TRUE(writer->append(as_bytes("b")));
    }
    const auto durable = writer->flush_and_sync().value();
    if (call == Call::kTruncate) {
      ASSERT_TRUE(writer->append(as_bytes("not flushed")));
    }
    ASSERT_TRUE(directory->remove("wal/.lock"));
    const auto before = test::snapshot(*directory);
    if (call == Call::kTruncate) {
      EXPECT_TRUE(fails_with(writer->truncate_prefix(durable), ErrorCode::kLockFailed));
    } else {
      EXPECT_TRUE(fails_with(writer->append(as_bytes("b")), ErrorCode::kLockFailed));
    }
    const auto after = test::snapshot(*directory);
    for (const auto& [file, bytes] : before) EXPECT_EQ(after.at(file), bytes) << file;
    EXPECT_TRUE(fails_with(writer->append(as_bytes("c")), ErrorCode::kPoisoned));
    std::filesystem::remove_all(name);
  }
}

// The seal of the last segment of version 4 is synced before version 3 is begun: if that fails, it ends
// there.
TEST(WriterFaults, AFailedSyncOfTheSealStopsAChangeOfVersion) {
  const auto directory = FaultyDirectory::make(CrashDirectory::make());
  WalOptions options = test::test_options();
  options.segment_bytes = 160;  // an entry, a mark and a seal
  auto writer = open_writer(directory, options).value();
  ASSERT_TRUE(writer->append(as_bytes("a")));
  ASSERT_TRUE(writer->close());
  options.format = WalFormat::kV3;
  writer = open_writer(directory, options).value();
  directory->fail({.operation = Operation::kSyncData, .path = "wal_1.log"});
  EXPECT_TRUE(fails_with(writer->append(as_bytes("b")), ErrorCode::kIo));
  EXPECT_TRUE(fails_with(writer->append(as_bytes("c")), ErrorCode::kPoisoned));
  writer.reset();
  EXPECT_EQ(test::read(directory, ReadMode::kStrict), "a: ok");
}

// The next writer takes the lock, and must find nobody at work on the log's files.
TEST(WriterFaults, ADestroyedWriterLeavesNoSyncAfterItsLockIsReleased) {
  const auto directory = CrashDirectory::make();
  WalOptions options = test::test_options();
  options.segment_bytes = 1024;
  auto writer = open_writer(directory, options).value();
  ASSERT_TRUE(writer->append(Bytes(900)));
  ASSERT_TRUE(writer->append(as_bytes("b")));
  auto& worker = static_cast<test::ManualWorker&>(*options.worker);
  ASSERT_EQ(worker.pending(), 1U) << "the seal's sync, and no spare after it yet";
  writer.reset();
  EXPECT_EQ(worker.pending(), 0U);
}

// What close reports may be the only word of a failed write.
TEST(WriterFaults, AnErrorOfClosingTheFileSurfaces) {
  const auto directory = FaultyDirectory::make(CrashDirectory::make());
  const auto writer = open_writer(directory, one_segment()).value();
  ASSERT_TRUE(writer->append(as_bytes("a")));
  directory->fail({.operation = Operation::kClose, .path = "wal_1.log"});
  EXPECT_TRUE(fails_with(writer->close(), ErrorCode::kIo));
  EXPECT_TRUE(open_writer(directory)) << "the lock is released all the same";
}

// Readers pass over what a crashed writer left; the next writer removes it, under the lock.
TEST(WriterFaults, LeftoversAreIgnoredByReadersAndRemovedUnderTheLock) {
  const auto directory = CrashDirectory::make();
  auto live = open_writer(directory, one_segment()).value();
  ASSERT_TRUE(live->append(as_bytes("a")));
  ASSERT_TRUE(live->flush());
  const std::string leftover = "wal/wal_2.log.0123456789abcdef.tmp";
  ASSERT_TRUE(directory->write_durable(leftover, as_bytes("half a segment")));
  EXPECT_EQ(test::read_strict(directory), "a: ok");
  EXPECT_TRUE(fails_with(open_writer(directory), ErrorCode::kLockFailed));
  EXPECT_TRUE(directory->exists(leftover).value()) << "removed without the lock";
  ASSERT_TRUE(live->close());
  ASSERT_TRUE(open_writer(directory));
  EXPECT_FALSE(directory->exists(leftover).value());
}

// Memory runs out at each allocation of an append in turn. The writer is as it was, or says that it is
// not to be gone on with; the log holds what was acknowledged.
TEST(WriterFaults, NoMemoryInMidAppendLeavesTheWriterUnchangedOrPoisoned) {
  bool ran_through = false;
  for (std::uint64_t n = 0; !ran_through; ++n) {
    ASSERT_LT(n, 500U);
    SCOPED_TRACE(n);
    const auto directory = CrashDirectory::make();
    WalOptions options = test::test_options();
    options.segment_bytes = 168;
    auto writer = open_writer(directory, options).value();
    ASSERT_TRUE(writer->append(as_bytes("a")));
    ASSERT_TRUE(writer->append(as_bytes("b")));
    const auto durable = writer->flush_and_sync().value();
    ASSERT_EQ(durable.entry(), EntryId(2));
    bool threw = false;
    {
      const AllocationWatch watch;
      AllocationWatch::fail_after(n);
      try {
        const auto appended = writer->append(as_bytes("c"));
        ran_through = appended.has_value();
      } catch (const std::bad_alloc&) {
        threw = true;
      }
      AllocationWatch::fail_none();
    }
    if (threw) ran_through = false;
    const auto again = writer->append(as_bytes("d"));
    if (!again) {
      EXPECT_TRUE(fails_with(again, ErrorCode::kPoisoned));
    } else if (threw) {
      EXPECT_EQ(again->value(), 3U) << "an entry that was not appended has an id";
    }
    const bool closed = writer->close().has_value();
    writer.reset();
    const std::string found = test::read(directory, ReadMode::kBestEffort);
    EXPECT_TRUE(found.starts_with("a b")) << found;
    EXPECT_TRUE(found.ends_with(": ok")) << found;
    if (threw && again && closed) {
      EXPECT_EQ(found, "a b d: ok");
    }
  }
}

}  // namespace
}  // namespace durability::walog
