// The writer where things fail: each call in turn, and then opened again.

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <new>
#include <vector>

#include "durability/recordlog/test_support.hpp"
#include "durability/storage/fs_directory.hpp"

namespace durability::recordlog {
namespace {

using durability::testing::CrashProfile;
using durability::testing::ExhaustiveChooser;
using durability::testing::SyncFailure;
using test::contents;
using test::CrashDirectory;
using test::FaultyDirectory;
using test::kPath;
using test::open_writer;
using test::Operation;
using test::outcome;

/// A real file, below a directory of its own.
class OnDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(::mkdtemp(root_.data()), nullptr);
    directory_ = FsDirectory::open(root_).value();
  }
  ~OnDisk() override { std::filesystem::remove_all(root_); }

  std::string root_ = ::testing::TempDir() + "durability_recordlog_XXXXXX";
  std::shared_ptr<Directory> directory_;
};

/// What a run of the workload was promised.
struct Promise {
  std::vector<std::string> appended;  // those for which append returned a number
  std::uint64_t durable = 0;
  bool opened = false;
  bool closed = false;
  std::vector<std::string> failures;
};

/// Appends and syncs; goes on after every failure, as a caller might.
Promise run(const std::shared_ptr<Directory>& directory) {
  Promise promise;
  RecordLogOptions options;
  options.buffer_bytes = 64;
  options.on_dropped = [](std::uint64_t) {};
  auto writer = open_writer(directory, options);
  promise.opened = writer.has_value();
  if (!writer) return promise;
  const auto note = [&](const auto& result) {
    if (!result) promise.failures.push_back(outcome(result));
    return result.has_value();
  };
  for (int i = 0; i < 8; ++i) {
    const std::string text = fmt::format("record{}{}", i, std::string(i == 5 ? 80 : 0, 'x'));
    if (note((*writer)->append(as_bytes(text)))) promise.appended.push_back(text);
    if (i % 3 == 1) note((*writer)->flush());
    const auto durable =
        i % 2 == 0 ? (*writer)->flush_and_sync() : Result<DurableId>(Error(ErrorCode::kIo, ""));
    if (i % 2 == 0 && note(durable)) promise.durable = durable->value();
  }
  promise.closed = (*writer)->close().has_value();
  return promise;
}

/// What was acknowledged is there, in order, and nothing that was not appended.
void expect_holds(const std::vector<std::string>& found, const Promise& promise) {
  const std::size_t common = std::min(found.size(), promise.appended.size());
  ASSERT_GE(common, promise.durable);
  ASSERT_LE(found.size(), promise.appended.size() + 1);  // a refused one may have been written
  for (std::size_t i = 0; i < common; ++i) EXPECT_EQ(found[i], promise.appended[i]);
}

/// The log opens, goes on, and holds what was promised.
void expect_kept(const std::shared_ptr<Directory>& directory, const Promise& promise) {
  auto writer = open_writer(directory);
  ASSERT_TRUE(writer) << writer.error();
  ASSERT_TRUE((*writer)->append(as_bytes("z")));
  ASSERT_TRUE((*writer)->close());
  test::Read found = test::read(directory, ReadMode::kStrict);
  ASSERT_EQ(found.outcome, "ok");
  ASSERT_EQ(found.records.back(), "z");
  found.records.pop_back();
  expect_holds(found.records, promise);
}

// C9: every call fails once, with no space and with a failing device; a write leaves a part. What comes
// later is refused, and nothing that was acknowledged is lost, in this process's view or on the disk.
TEST(RecordLogWriterFaults, EachCallThatFailsLosesNothingAcknowledged) {
  const auto whole = FaultyDirectory::make(CrashDirectory::make());
  const Promise sound = run(whole);
  ASSERT_TRUE(sound.closed);
  ASSERT_EQ(sound.appended.size(), 8U);
  const auto log = whole->log();
  ASSERT_GT(log.size(), 25U);
  for (const int os_error : {ENOSPC, EIO}) {
    for (std::uint64_t n = 0; n < log.size(); ++n) {
      SCOPED_TRACE(fmt::format("errno {} at {}: {}", os_error, n, log.at(n).to_string()));
      const auto inner = CrashDirectory::make();
      const auto faulty = FaultyDirectory::make(inner);
      faulty->fail({.os_error = os_error, .after = n, .short_write = n % 20});
      const Promise promise = run(faulty);
      faulty->mend();
      if (log.at(n).operation == Operation::kLinks) {
        EXPECT_FALSE(promise.failures.empty() && promise.closed)
            << "it was acknowledged without having been looked at";
      } else if (log.at(n).operation != Operation::kClose || log.at(n).path == kPath) {
        EXPECT_FALSE(promise.opened && promise.closed) << "the failure was lost";
      }
      expect_kept(inner, promise);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

// C9: the crate's writer went on after a failed write, and appended after what it had half written.
TEST(RecordLogWriterFaults, AFailedWriteOrSyncPoisonsAndIsNotRetried) {
  for (const Operation operation : {Operation::kWrite, Operation::kSyncData}) {
    const auto inner = CrashDirectory::make();
    const auto faulty = FaultyDirectory::make(inner);
    auto writer = open_writer(faulty).value();
    ASSERT_TRUE(writer->append(as_bytes("kept")));
    ASSERT_TRUE(writer->flush_and_sync());
    ASSERT_TRUE(writer->append(as_bytes("uncertain")));
    faulty->fail({.operation = operation, .short_write = 5});
    EXPECT_EQ(outcome(writer->flush_and_sync()), "io");
    const auto before = inner->fingerprint();
    const std::uint64_t operations = inner->operations();
    const auto refused = writer->append(as_bytes("no"));
    ASSERT_EQ(outcome(refused), "poisoned");
    EXPECT_NE(refused.error().message().find("injected:"), std::string::npos);
    EXPECT_EQ(outcome(writer->flush()), "poisoned");
    EXPECT_EQ(outcome(writer->flush_and_sync()), "poisoned");
    EXPECT_EQ(writer->durable_number()->value(), 1U);
    EXPECT_EQ(outcome(writer->close()), "io");
    EXPECT_EQ(inner->fingerprint(), before);
    EXPECT_EQ(inner->operations(), operations);
    EXPECT_TRUE(open_writer(inner));
  }
}

// An exception passes through in the middle of a write: how much of it arrived is not known.
TEST(RecordLogWriterFaults, NoMemoryInMidWritePoisons) {
  const auto faulty = FaultyDirectory::make(CrashDirectory::make());
  RecordLogOptions options;
  options.buffer_bytes = 64;
  auto writer = open_writer(faulty, options).value();
  ASSERT_TRUE(writer->append(as_bytes("kept")));
  ASSERT_TRUE(writer->flush_and_sync());
  faulty->set_hook(
      [](const testing::OperationRecord&) -> std::optional<testing::Injection> { throw std::bad_alloc(); });
  const std::string large(100, 'x');
  EXPECT_THROW(static_cast<void>(writer->append(as_bytes(large))), std::bad_alloc);
  faulty->mend();
  EXPECT_EQ(outcome(writer->append(as_bytes("no"))), "poisoned");
  EXPECT_EQ(outcome(writer->close()), "poisoned");
}

// The records of a file that somebody deleted, moved away, or put another in place of, were acknowledged, and
// were nowhere.
TEST(RecordLogWriterFaults, AFileThatIsDeletedUnderTheWriterEndsItBeforeTheNextAcknowledgement) {
  const std::vector<std::function<Status(Directory&)>> ways{
      [](Directory& directory) { return directory.remove(kPath); },
      [](Directory& directory) { return directory.atomic_write(kPath, as_bytes("another")); },
      [](Directory& directory) { return directory.rename(kPath, "elsewhere"); },
  };
  for (const auto& take_away : ways) {
    const std::shared_ptr<Directory> directory = CrashDirectory::make();
    auto writer = open_writer(directory).value();
    ASSERT_TRUE(writer->append(as_bytes("kept")));
    ASSERT_TRUE(writer->flush_and_sync());
    ASSERT_TRUE(take_away(*directory));
    EXPECT_TRUE(writer->flush_and_sync()) << "nothing new is acknowledged";
    ASSERT_TRUE(writer->append(as_bytes("lost")));
    EXPECT_EQ(outcome(writer->flush_and_sync()), "not_found");
    EXPECT_EQ(writer->durable_number()->value(), 1U);
    const auto refused = writer->append(as_bytes("no"));
    EXPECT_EQ(outcome(refused), "poisoned");
    EXPECT_NE(refused.error().message().find("was deleted, replaced or moved away"), std::string::npos)
        << refused.error();
    EXPECT_EQ(refused.error().message().find("find out who"), std::string::npos) << "one advice is enough";
    EXPECT_NE(refused.error().advice().find("may be gone"), std::string::npos) << refused.error();
    EXPECT_EQ(outcome(writer->close()), "not_found");
  }
}

TEST_F(OnDisk, ALockThatIsTakenAwayEndsTheWriterBeforeTheNextAcknowledgement) {
  auto writer = open_writer(directory_).value();
  ASSERT_TRUE(writer->append(as_bytes("kept")));
  ASSERT_TRUE(writer->flush_and_sync());
  ASSERT_TRUE(directory_->remove(std::string(kPath) + ".lock"));
  ASSERT_TRUE(writer->append(as_bytes("beside another writer's")));
  EXPECT_EQ(outcome(writer->flush_and_sync()), "lock_failed");
  EXPECT_EQ(outcome(writer->append(as_bytes("no"))), "poisoned");
  EXPECT_EQ(outcome(writer->close()), "lock_failed");
}

// A lack of descriptors where the lock is looked at has changed nothing: no acknowledgement, and no end
// either.
TEST(RecordLogWriterFaults, ALookAtTheFileThatFailsAcknowledgesNothingAndPoisonsNothing) {
  const auto faulty = FaultyDirectory::make(CrashDirectory::make());
  auto writer = open_writer(faulty).value();
  ASSERT_TRUE(writer->append(as_bytes("a")));
  faulty->fail({.operation = Operation::kLinks, .os_error = EMFILE, .path = kPath});
  EXPECT_EQ(outcome(writer->flush_and_sync()), "io");
  EXPECT_EQ(writer->durable_number()->value(), 0U);
  ASSERT_TRUE(writer->append(as_bytes("b")));
  EXPECT_EQ(writer->flush_and_sync()->value(), 2U);
  EXPECT_TRUE(writer->close());
}

// A child of fork had a copy of the writer: what it appended was acknowledged, and gone; or it wrote what the
// parent had in its buffer, a second time.
TEST_F(OnDisk, InAChildOfForkTheWriterDoesNothing) {
  auto writer = open_writer(directory_).value();
  ASSERT_TRUE(writer->append(as_bytes("buffered")));
  const pid_t child = ::fork();
  if (child == 0) {
    bool right = outcome(writer->append(as_bytes("x"))) == "invalid_state";
    right = right && outcome(writer->flush()) == "invalid_state";
    right = right && outcome(writer->flush_and_sync()) == "invalid_state";
    right = right && outcome(writer->close()) == "invalid_state";
    writer.reset();
    ::_exit(right ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(contents(*directory_).size(), kHeaderBytes) << "the child wrote nothing";
  EXPECT_EQ(outcome(open_writer(directory_)), "lock_failed") << "the lock is still the parent's";
  ASSERT_TRUE(writer->append(as_bytes("parent's")));
  ASSERT_TRUE(writer->close());
  EXPECT_EQ(test::read(directory_, ReadMode::kStrict), (test::Read{"ok", {"buffered", "parent's"}}));
}

// V16: the sync failed and the kernel dropped the pages, or kept them clean. The next process must not
// take what the cache shows for what the disk holds.
TEST(RecordLogWriterFaults, WhatAFailedSyncLostIsNotTakenForDurableAfterwards) {
  for (const SyncFailure failure : {SyncFailure::kKeep, SyncFailure::kRevert, SyncFailure::kForget}) {
    const auto directory = CrashDirectory::make();
    auto writer = open_writer(directory).value();
    ASSERT_TRUE(writer->append(as_bytes("kept")));
    ASSERT_TRUE(writer->flush_and_sync());
    ASSERT_TRUE(writer->append(as_bytes("uncertain")));
    directory->fail_next_sync(failure);
    EXPECT_EQ(outcome(writer->flush_and_sync()), "io");
    writer.reset();
    auto again = open_writer(directory).value();
    const std::uint64_t durable = again->durable_number()->value();
    ASSERT_GE(durable, 1U);
    again.reset();
    ExhaustiveChooser chooser;
    while (chooser.next()) {
      const auto left = directory->after_power_cut(CrashProfile::writeback(), chooser);
      const auto found = test::read(left, ReadMode::kBestEffort);
      EXPECT_EQ(found.outcome, "ok");
      EXPECT_GE(found.records.size(), durable);
    }
  }
}

class LosesAll final : public testing::Chooser {
  std::uint64_t pick(std::uint64_t options) override { return options - 1; }
};

// The sync of "b" fails, the process dies, and the cache of a file server, which nobody can drop, still shows
// "b". Opening synced the file with success and appended after it; that sync had nothing to write, and a
// power cut took "b" and all that was acknowledged after it.
TEST(RecordLogWriter, ARecordWhoseSyncFailedIsOnTheDiskBeforeItCounts) {
  const std::string b(1200, 'b');  // of more than a sector, or the next record's write would bring it back
  for (const bool torn : {false, true}) {
    const auto directory = CrashDirectory::make({.drops_cached_pages = false}).value();
    auto writer = open_writer(directory).value();
    ASSERT_TRUE(writer->append(as_bytes("a")));
    ASSERT_TRUE(writer->flush_and_sync());
    ASSERT_TRUE(writer->append(as_bytes(b)));
    ASSERT_TRUE(writer->flush());
    if (torn) {
      ASSERT_TRUE(directory->open(kPath, OpenMode::kReadWrite).value()->append(as_bytes("torn")));
    }
    directory->fail_next_sync(SyncFailure::kForget);
    ASSERT_FALSE(writer->flush_and_sync());
    writer.reset();
    writer = open_writer(directory).value();
    ASSERT_TRUE(writer->append(as_bytes("c")));
    ASSERT_TRUE(writer->flush_and_sync());
    LosesAll loses_all;
    const auto left = directory->after_power_cut(CrashProfile::ordered(), loses_all);
    EXPECT_EQ(test::read(left, ReadMode::kStrict).records, (std::vector<std::string>{"a", b, "c"}));
  }
}

// A full disk has no space for the copy: the log opens as it is.
TEST(RecordLogWriter, WithoutSpaceForACopyTheLogOpensAsItIs) {
  const auto faulty = FaultyDirectory::make(CrashDirectory::make());
  auto writer = open_writer(faulty).value();
  ASSERT_TRUE(writer->append(as_bytes("a")));
  ASSERT_TRUE(writer->close());
  faulty->fail({.operation = Operation::kWrite,
                .os_error = ENOSPC,
                .repeat = durability::testing::Repeat::kSticky,
                .path = ".tmp"});
  const auto opened = open_writer(faulty);
  ASSERT_TRUE(opened) << opened.error();
  EXPECT_EQ(test::read(faulty, ReadMode::kStrict).records, (std::vector<std::string>{"a"}));
}

// A close in whose sync memory ran out is a close all the same: nobody waits for a lock that is not let go
// of.
TEST(RecordLogWriter, ACloseThatThrowsLetsGoOfTheLock) {
  const auto faulty = FaultyDirectory::make(CrashDirectory::make());
  auto writer = open_writer(faulty).value();
  ASSERT_TRUE(writer->append(as_bytes("a")));
  faulty->set_hook([](const durability::testing::OperationRecord& record)
                       -> std::optional<durability::testing::Injection> {
    if (record.operation == Operation::kSyncData) throw std::bad_alloc();
    return std::nullopt;
  });
  EXPECT_THROW(static_cast<void>(writer->close()), std::bad_alloc);
  faulty->mend();
  EXPECT_EQ(outcome(writer->append(as_bytes("b"))), "closed");
  EXPECT_TRUE(open_writer(faulty));
}

// Where the copy cannot be made the torn tail is cut in place, durably, before anything is appended.
TEST(RecordLogWriter, WithoutSpaceForACopyATornTailIsCutInPlaceAndTheCutIsDurable) {
  const auto inner = CrashDirectory::make();
  auto writer = open_writer(inner).value();
  ASSERT_TRUE(writer->append(as_bytes("a")));
  ASSERT_TRUE(writer->close());
  ASSERT_TRUE(inner->open(kPath, OpenMode::kReadWrite).value()->append(as_bytes("torn")));
  const auto faulty = FaultyDirectory::make(inner);
  faulty->fail({.operation = Operation::kWrite,
                .os_error = ENOSPC,
                .repeat = durability::testing::Repeat::kSticky,
                .path = ".tmp"});
  const auto opened = open_writer(faulty);
  ASSERT_TRUE(opened) << opened.error();
  LosesAll loses_all;
  const auto left = inner->after_power_cut(CrashProfile::ordered(), loses_all);
  EXPECT_EQ(test::read(left, ReadMode::kStrict).records, (std::vector<std::string>{"a"}));
  EXPECT_TRUE(test::read(left, ReadMode::kStrict).outcome == "ok");
}

}  // namespace
}  // namespace durability::recordlog
