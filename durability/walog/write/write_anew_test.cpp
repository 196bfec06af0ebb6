// What no frame vouches for is written anew when a log is opened: a sync that failed may have left it in a
// cache that nobody can drop, and no later sync writes it.

#include <gtest/gtest.h>

#include <algorithm>

#include "durability/walog/test_support.hpp"

namespace durability::walog {
namespace {

using test::CrashDirectory;
using test::FaultyDirectory;
using test::open_writer;
using test::put;
using test::Repeat;
using test::SegmentImage;
using testing::CrashProfile;
using testing::SyncFailure;

// A disk behind a file server that has a cache of its own.
std::shared_ptr<CrashDirectory> disk_behind_a_cache() {
  return CrashDirectory::make({.drops_cached_pages = false}).value();
}

class LosesAll final : public testing::Chooser {
  std::uint64_t pick(std::uint64_t options) override { return options - 1; }
};

// Everything that is not on the disk is lost.
std::shared_ptr<CrashDirectory> lose_all(CrashDirectory& directory) {
  LosesAll chooser;
  return directory.after_power_cut(CrashProfile::ordered(), chooser);
}

std::string after_the_cut(const std::shared_ptr<CrashDirectory>& directory) {
  return test::read(lose_all(*directory), ReadMode::kBestEffort);
}

// The sync of entry "b" fails, the process dies, and the cache of a file server that nobody can drop still
// shows "b". The next process read it back, synced it with success, and acknowledged "c" after it; after a
// power cut both were gone, for that sync had nothing to write.
TEST(WriteAnew, AnEntryWhoseSyncFailedIsOnTheDiskBeforeItCounts) {
  for (const WalFormat format : {WalFormat::kV2, WalFormat::kV3, WalFormat::kV4}) {
    const auto directory = disk_behind_a_cache();
    WalOptions options = test::one_segment();
    options.format = format;
    auto writer = open_writer(directory, options).value();
    ASSERT_TRUE(writer->append(as_bytes("a")));
    ASSERT_TRUE(writer->flush_and_sync());
    ASSERT_TRUE(writer->append(as_bytes("b")));
    directory->fail_next_sync(SyncFailure::kForget);
    ASSERT_FALSE(writer->flush_and_sync());
    writer.reset();

    writer = open_writer(directory).value();
    EXPECT_EQ(writer->durable_id()->entry(), EntryId(2));
    ASSERT_TRUE(writer->append(as_bytes("c")));
    ASSERT_TRUE(writer->flush_and_sync());
    EXPECT_EQ(after_the_cut(directory), "a b c: ok") << static_cast<unsigned>(format);
  }
}

// The same with a tear after "b", which is cut off.
TEST(WriteAnew, AnEntryBeforeATearIsOnTheDiskBeforeTheSealSaysSo) {
  for (const WalFormat format : {WalFormat::kV3, WalFormat::kV4}) {
    const auto directory = disk_behind_a_cache();
    WalOptions options = test::one_segment();
    options.format = format;
    auto writer = open_writer(directory, options).value();
    ASSERT_TRUE(writer->append(as_bytes("a")));
    ASSERT_TRUE(writer->flush_and_sync());
    ASSERT_TRUE(writer->append(as_bytes("b")));
    ASSERT_TRUE(writer->flush());
    const auto file = directory->open("wal/wal_1.log", OpenMode::kReadWrite).value();
    ASSERT_TRUE(file->append(as_bytes("torn")));
    directory->fail_next_sync(SyncFailure::kForget);
    ASSERT_FALSE(writer->flush_and_sync());
    writer.reset();

    writer = open_writer(directory).value();
    EXPECT_TRUE(writer->recovery_report().repaired);
    ASSERT_TRUE(writer->append(as_bytes("c")));
    ASSERT_TRUE(writer->flush_and_sync());
    EXPECT_EQ(after_the_cut(directory), "a b c: ok") << static_cast<unsigned>(format);
  }
}

// The seal of a segment is synced after its last group. Where that failed, the next segment was written
// after a seal that is on no disk, and the log was damaged.
TEST(WriteAnew, ASealWhoseSyncFailedIsOnTheDiskBeforeTheNextSegmentIsBegun) {
  const auto directory = disk_behind_a_cache();
  SegmentImage one(1);
  put(*directory, 1, one.entry("a"));
  put(*directory, 2, Bytes(64));
  ASSERT_TRUE(directory->sync_directory(""));
  const auto file = directory->open("wal/wal_1.log", OpenMode::kReadWrite).value();
  ASSERT_TRUE(file->write_at(0, one.durable(1).seal().bytes));
  directory->fail_next_sync(SyncFailure::kForget);
  ASSERT_FALSE(file->sync_data());

  const auto writer = open_writer(directory).value();
  ASSERT_TRUE(writer->append(as_bytes("c")));
  ASSERT_TRUE(writer->flush_and_sync());
  EXPECT_EQ(after_the_cut(directory), "a c: ok");
}

// A mark after the last entry vouches for it, and so does a second spare for a seal: nothing is written when
// such a log is opened.
TEST(WriteAnew, WhatIsVouchedForIsLeftAsItIs) {
  const auto writes = [](const auto& directory) {
    const auto faulty = FaultyDirectory::make(directory);
    EXPECT_TRUE(open_writer(faulty));
    return std::ranges::count_if(faulty->changes(), [](const std::string& change) {
      return change.starts_with("write ") || change.starts_with("rename ");
    });
  };
  const auto closed = CrashDirectory::make();
  put(*closed, 1, SegmentImage(1).entry("a").durable(1).mark());
  EXPECT_EQ(writes(closed), 0);
  const auto fresh = CrashDirectory::make();
  put(*fresh, 1, SegmentImage(1));
  EXPECT_EQ(writes(fresh), 0);
  const auto sealed = CrashDirectory::make();
  put(*sealed, 1, SegmentImage(1).entry("a").seal());
  put(*sealed, 2, Bytes(64));
  EXPECT_EQ(writes(sealed), 2) << "a killed writer's seal";
  put(*sealed, 3, Bytes(64));
  EXPECT_EQ(writes(sealed), 0);
  const auto killed = CrashDirectory::make();
  put(*killed, 1, SegmentImage(1).entry("a"));
  EXPECT_EQ(writes(killed), 2);
}

// The space that a segment had is set aside for its copy: the file is not what makes a later append fail.
TEST(WriteAnew, TheCopyHasTheSpaceThatTheSegmentHad) {
  const auto directory = CrashDirectory::make();
  put(*directory, 1, SegmentImage(1).entry("a").zeros(1000));
  const auto before = test::segment_bytes(*directory, 1);
  EXPECT_TRUE(open_writer(directory));
  EXPECT_EQ(test::segment_bytes(*directory, 1), before);
  EXPECT_TRUE(directory->all_synced()) << directory->describe();
}

// A full disk has no space for the copy. The log opens all the same, as it did before.
TEST(WriteAnew, WithoutSpaceForACopyTheLogOpensAsItIs) {
  for (const bool torn : {false, true}) {
    const auto faulty = FaultyDirectory::make(CrashDirectory::make());
    SegmentImage one(1);
    one.entry("a").zeros(256);
    if (torn) one.raw(as_bytes("torn"));
    put(*faulty, 1, one);
    for (const auto operation : {test::Operation::kWrite, test::Operation::kPreallocate}) {
      faulty->fail({.operation = operation, .os_error = ENOSPC, .repeat = Repeat::kSticky, .path = ".tmp"});
    }
    auto writer = open_writer(faulty);
    ASSERT_TRUE(writer) << writer.error();
    EXPECT_EQ((*writer)->next_entry_id(), EntryId(2));
    const auto names = faulty->list("wal").value();
    for (const auto& name : names) EXPECT_FALSE(Directory::is_temporary_name(name));
  }
}

// The disk is full, and the log ends in a tear: opening wanted 16 MiB for the next segment, and so neither
// opening nor truncating was possible any more, though what repair needs is the name of a file.
TEST(Resume, AFullDisksTornLogOpensWithAnEmptySpare) {
  const auto faulty = FaultyDirectory::make(CrashDirectory::make());
  put(*faulty, 1, SegmentImage(1).entry("a").durable(1).entry("b").raw(as_bytes("torn")));
  faulty->fail({.operation = test::Operation::kPreallocate, .os_error = ENOSPC, .repeat = Repeat::kSticky});
  auto writer = open_writer(faulty);
  ASSERT_TRUE(writer) << writer.error();
  EXPECT_EQ(test::segment_bytes(*faulty, 2).size(), 0U);
  EXPECT_EQ(test::read_strict(faulty), "a b: ok");
  (*writer).reset();
  EXPECT_TRUE(open_writer(faulty)) << "an empty file is a segment of zeros as any other";
  faulty->mend();
  auto again = open_writer(faulty).value();
  ASSERT_TRUE(again->append(as_bytes("c")));
  ASSERT_TRUE(again->close());
  EXPECT_EQ(test::read_strict(faulty), "a b c: ok");
}

// Of versions 2 and 3: the next append is not longer than what was torn.
TEST(Resume, AFullDisksTailIsCutInPlaceWhereThereIsNoSpaceForACopy) {
  for (const WalFormat format : {WalFormat::kV2, WalFormat::kV3}) {
    const auto disk = CrashDirectory::make();
    WalOptions options = test::one_segment();
    options.format = format;
    auto writer = open_writer(disk, options).value();
    ASSERT_TRUE(writer->append(as_bytes("a")));
    ASSERT_TRUE(writer->close());
    const Bytes whole = test::segment_bytes(*disk, 1);
    Bytes torn = whole;
    const auto head = ByteView(whole).subspan(v3::kHeaderBytes).first(10);
    torn.insert(torn.end(), head.begin(), head.end());
    put(*disk, 1, torn);
    const auto faulty = FaultyDirectory::make(disk);
    faulty->fail({.operation = test::Operation::kWrite,
                  .os_error = ENOSPC,
                  .repeat = Repeat::kSticky,
                  .path = ".tmp"});
    ASSERT_TRUE(test::succeeded(open_writer(faulty, options)));
    EXPECT_EQ(test::segment_bytes(*disk, 1), whole);
    const auto changes = faulty->changes();
    const auto cut = std::ranges::find_if(
        changes, [](const std::string& change) { return change.starts_with("truncate wal/wal_1.log"); });
    EXPECT_TRUE(std::any_of(cut, changes.end(), [](const std::string& change) {
      return change.starts_with("sync_data wal/wal_1.log");
    }));
  }
}

// Lack of space for an empty segment passes; a device that fails to give it does not.
TEST(Resume, AnEmptySpareThatGetsNoSpaceRefusesTheAppendAndOneThatFailsEndsTheWriter) {
  for (const int os_error : {ENOSPC, EIO}) {
    SCOPED_TRACE(os_error);
    const auto faulty = FaultyDirectory::make(CrashDirectory::make());
    put(*faulty, 1, SegmentImage(1).entry("a").durable(1).entry("b").raw(as_bytes("torn")));
    put(*faulty, 2, Bytes());
    auto writer = open_writer(faulty).value();
    faulty->fail({.operation = test::Operation::kPreallocate, .os_error = os_error});
    EXPECT_EQ(writer->append(as_bytes("c")).error().os_error(), os_error);
    EXPECT_EQ(test::outcome(writer->append(as_bytes("c"))), os_error == ENOSPC ? "ok" : "poisoned");
  }
}

// A full disk's log did not open though a spare with space of its own stood there, or had just been given the
// last of it: the seal of the torn tail found no block.
TEST(Resume, AFullDisksSealGetsTheSpaceOfTheSpare) {
  for (const bool has_spare : {false, true}) {
    const auto disk = CrashDirectory::make();
    put(*disk, 1, SegmentImage(1).entry("a").durable(1).raw(as_bytes("torn")));
    if (has_spare) put(*disk, 2, Bytes(4096));
    const auto faulty = FaultyDirectory::make(disk);
    const auto spare_bytes = [&] { return disk->open("wal/wal_2.log").value()->size().value(); };
    bool refused = false;
    faulty->set_hook(
        [&](const test::OperationRecord& record) -> std::optional<durability::testing::Injection> {
          if (record.operation != test::Operation::kWrite ||
              record.path.find("wal_1.log") == std::string::npos)
            return std::nullopt;
          if (spare_bytes() == 0) return std::nullopt;
          refused = true;
          return durability::testing::Injection{.os_error = ENOSPC};
        });
    auto writer = open_writer(faulty);
    ASSERT_TRUE(writer) << writer.error();
    EXPECT_TRUE(refused);
    EXPECT_EQ(spare_bytes(), 0U);
    faulty->mend();
    ASSERT_TRUE((*writer)->append(as_bytes("b")));
    ASSERT_TRUE((*writer)->close());
    EXPECT_EQ(test::read_strict(disk), "a b: ok");
  }
}

TEST(Resume, WhereASealFindsNoSpaceTheErrorSaysHowMuchToFree) {
  const auto disk = CrashDirectory::make();
  put(*disk, 1, SegmentImage(1).entry("a").durable(1).raw(as_bytes("torn")));
  const auto faulty = FaultyDirectory::make(disk);
  faulty->fail({.operation = test::Operation::kWrite,
                .os_error = ENOSPC,
                .repeat = Repeat::kSticky,
                .path = "wal_1.log"});
  const auto writer = open_writer(faulty);
  ASSERT_TRUE(test::fails_with(writer, ErrorCode::kIo));
  EXPECT_NE(writer.error().advice().find("64 KiB"), std::string::npos) << writer.error();
  faulty->mend();
  EXPECT_TRUE(open_writer(faulty));
  EXPECT_EQ(test::read_strict(disk), "a: ok");
}

// Its seal is written in place: a mark vouches for what stands before the tear.
std::shared_ptr<CrashDirectory> torn_and_vouched_for() {
  auto disk = CrashDirectory::make();
  put(*disk, 1, SegmentImage(1).entry("a").durable(1).mark().raw(as_bytes("torn")));
  put(*disk, 2, Bytes(64));
  return disk;
}

// A file system without space may say so at the sync. What a failed sync left out is not written by the next
// one, so the seal counts as lost, and the next opening looks again.
TEST(Resume, ASealWhoseSyncFindsNoSpaceIsNotSyncedAgain) {
  const auto disk = torn_and_vouched_for();
  const auto faulty = FaultyDirectory::make(disk);
  bool written = false;
  int failed_syncs = 0;
  faulty->set_hook([&](const testing::OperationRecord& operation) -> std::optional<testing::Injection> {
    if (operation.path != "wal/wal_1.log") return std::nullopt;
    if (operation.operation == test::Operation::kWrite) written = true;
    // The first sync of it is of what is there when the log is opened.
    if (!written || operation.operation != test::Operation::kSyncData) return std::nullopt;
    ++failed_syncs;
    return testing::Injection{.os_error = ENOSPC};
  });
  EXPECT_TRUE(test::fails_with(open_writer(faulty), ErrorCode::kIo));
  EXPECT_EQ(failed_syncs, 1);
  faulty->mend();
  EXPECT_TRUE(open_writer(faulty));
  EXPECT_EQ(test::read_strict(disk), "a: ok");
}

// What a spare gives back is free for others when that is on the disk, not before.
TEST(Resume, ASealGetsTheSpaceThatASpareGaveBackOnTheDisk) {
  const auto disk = torn_and_vouched_for();
  const auto faulty = FaultyDirectory::make(disk);
  bool given_back = false;
  bool free = false;
  faulty->set_hook([&](const testing::OperationRecord& operation) -> std::optional<testing::Injection> {
    const std::string what = operation.to_string();
    if (what == "truncate wal/wal_2.log") given_back = true;
    if (what == "sync_data wal/wal_2.log") free = given_back;
    if (what != "write wal/wal_1.log" || free) return std::nullopt;
    return testing::Injection{.os_error = ENOSPC};
  });
  EXPECT_TRUE(open_writer(faulty));
  EXPECT_EQ(test::read_strict(disk), "a: ok");
}

// Only where not even a name can be made is opening refused, and nothing is changed.
TEST(Resume, ATornLogIsRefusedWhereNotEvenAnEmptySpareCanBeMade) {
  const auto faulty = FaultyDirectory::make(CrashDirectory::make());
  put(*faulty, 1, SegmentImage(1).entry("a").durable(1).entry("b").raw(as_bytes("torn")));
  const auto before = test::snapshot(*faulty);
  faulty->fail(
      {.operation = test::Operation::kCreate, .os_error = ENOSPC, .repeat = Repeat::kSticky, .path = ".tmp"});
  EXPECT_TRUE(test::fails_with(open_writer(faulty), ErrorCode::kIo));
  EXPECT_EQ(test::snapshot(*faulty), before);
}

// Somebody copies a backup to a disk, opens it, publishes what it got, and the power goes: of the copy only
// what opening had synced was there, the last two segments. Every DurableId vouched for the others too.
TEST(Resume, EverySegmentIsDurableWhenALogThatWasCopiedInIsOpened) {
  for (const OpenIntent intent : {OpenIntent::kOpenOrCreate, OpenIntent::kResume}) {
    const auto directory = CrashDirectory::make();
    const auto copy_in = [&](std::uint64_t id, ByteView bytes) {
      const auto file = directory->create(segment_path(SegmentId(id))).value();
      ASSERT_TRUE(file->write_at(0, bytes));
    };
    for (std::uint64_t id = 1; id <= 5; ++id) {
      copy_in(id, SegmentImage(id, id).entry("x").durable(id).seal().bytes);
    }
    copy_in(6, SegmentImage(6, 6).entry("y").durable(6).mark().bytes);
    copy_in(7, Bytes(64));
    const auto writer = open_writer(directory, test::test_options(), intent).value();
    EXPECT_EQ(writer->durable_id()->entry(), EntryId(6));
    EXPECT_TRUE(directory->all_synced()) << directory->describe();
  }
}

}  // namespace
}  // namespace durability::walog
