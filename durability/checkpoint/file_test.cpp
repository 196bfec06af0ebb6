#include "durability/checkpoint/file.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <map>
#include <new>
#include <string>

#include "durability/storage/memory_directory.hpp"
#include "durability/testing/crash_directory.hpp"
#include "durability/testing/faulty_directory.hpp"

namespace {
thread_local std::size_t largest_allocation = 0;
}

void* operator new(std::size_t size) {
  largest_allocation = std::max(largest_allocation, size);
  if (void* memory = std::malloc(size)) return memory;  // NOLINT(cppcoreguidelines-no-malloc)
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }               // NOLINT
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }  // NOLINT

namespace durability {
namespace {

using testing::CrashDirectory;
using testing::CrashProfile;
using testing::ExhaustiveChooser;
using testing::FaultyDirectory;
using testing::Operation;
using testing::SyncFailure;
using Table = std::map<std::string, std::string>;

const Table kTable = {{"city", "Kyoto"}, {"river", "Kamo"}};

DurableId durable(std::uint64_t id, const Directory& of) {
  return internal::DurableIdIssuer::issue(EntryId(id), of.identity());
}

Bytes contents(Directory& directory, std::string_view path) {
  return directory.read_file(path, 1U << 20U).value();
}

TEST(CheckpointFile, ReadsBackWhatItWrote) {
  const CheckpointFile checkpoints(CrashDirectory::make());
  ASSERT_TRUE(checkpoints.write("a/table.ckpt", EntryId(7), kTable));
  const auto read = checkpoints.read<Table>("a/table.ckpt");
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->state, kTable);
  EXPECT_EQ(read->last_applied, EntryId(7));
  EXPECT_EQ(read->version, 2U);

  ASSERT_TRUE(checkpoints.write_bytes("bytes.ckpt", EntryId(8), as_bytes("as they are")));
  const auto bytes = checkpoints.read_bytes("bytes.ckpt");
  ASSERT_TRUE(bytes) << bytes.error();
  EXPECT_EQ(as_text(bytes->payload), "as they are");
  EXPECT_EQ(bytes->last_applied, EntryId(8));
}

TEST(CheckpointFile, HasTheSameBytesForTheSameStateHoweverItIsWritten) {
  const auto directory = CrashDirectory::make();
  const CheckpointFile checkpoints(directory);
  Bytes payload;
  ASSERT_TRUE(Postcard::encode(kTable, payload));
  ASSERT_TRUE(checkpoints.write("a", EntryId(7), kTable));
  ASSERT_TRUE(checkpoints.write_durable("b", durable(7, *directory), kTable));
  ASSERT_TRUE(checkpoints.write_bytes("c", EntryId(7), payload));
  ASSERT_TRUE(checkpoints.write_bytes_durable("d", durable(7, *directory), payload));
  for (const std::string_view other : {"b", "c", "d"}) {
    EXPECT_EQ(contents(*directory, "a"), contents(*directory, other));
  }
}

// Runs `write` on a directory with an old checkpoint, cut off at each of its operations, and shows `check`
// the id that every directory holds which a power cut or a kill may leave.
void for_each_crash(const std::function<Status(const CheckpointFile&, DurableId two)>& write,
                    const std::function<void(EntryId found, bool done)>& check) {
  for (std::uint64_t cut = 0;; ++cut) {
    const auto directory = CrashDirectory::make({.sector_bytes = 16}).value();
    const CheckpointFile checkpoints(directory);
    ASSERT_TRUE(checkpoints.write_bytes_durable("d/x", durable(1, *directory), as_bytes("the old state")));
    directory->cut_after(directory->operations() + cut);
    const bool done = write(checkpoints, durable(2, *directory)).has_value();
    for (const CrashProfile& profile : testing::kAllCrashProfiles) {
      ExhaustiveChooser chooser;
      while (chooser.next()) {
        const auto read = CheckpointFile(directory->after_power_cut(profile, chooser)).read_bytes("d/x");
        SCOPED_TRACE(fmt::format("cut at operation {}, {}, repeat with ReplayChooser(\"{}\")", cut,
                                 profile.name, chooser.choices()));
        ASSERT_TRUE(read) << read.error();
        check(read->last_applied, done);
        if (::testing::Test::HasFailure()) return;
      }
    }
    const auto killed = CheckpointFile(directory->after_kill()).read_bytes("d/x");
    ASSERT_TRUE(killed) << killed.error();
    if (done) {
      ASSERT_EQ(killed->last_applied, EntryId(2));
      return;
    }
  }
}

TEST(CheckpointFile, IsTheOldOneOrTheNewOneWhereverADurableWriteIsCutOffAndTheNewOneOnceItReturned) {
  for_each_crash(
      [](const CheckpointFile& checkpoints, DurableId two) {
        return checkpoints.write_bytes_durable("d/x", two, as_bytes("the new state, longer"));
      },
      [](EntryId found, bool done) {
        EXPECT_TRUE(found == EntryId(2) || (found == EntryId(1) && !done)) << found;
      });
  for_each_crash([](const CheckpointFile& checkpoints,
                    DurableId two) { return checkpoints.write_durable("d/x", two, kTable); },
                 [](EntryId found, bool done) {
                   EXPECT_TRUE(found == EntryId(2) || (found == EntryId(1) && !done)) << found;
                 });
}

TEST(CheckpointFile, MayBeTheOldOneAgainAfterAPlainWriteButNeverAMixture) {
  bool old_one_back = false;
  for_each_crash([](const CheckpointFile& checkpoints,
                    DurableId /*two*/) { return checkpoints.write("d/x", EntryId(2), kTable); },
                 [&](EntryId found, bool done) { old_one_back |= done && found == EntryId(1); });
  EXPECT_TRUE(old_one_back);
}

// A checkpoint written without syncs, by a process that was killed: a log must not be truncated for it
// before it is durable. Seen with the syncs taken out of make_durable: its directory, or its name, is lost.
TEST(CheckpointFile, SurvivesAPowerCutOnceItWasMadeDurable) {
  for (const CrashProfile& profile : testing::kAllCrashProfiles) {
    ExhaustiveChooser chooser;
    while (chooser.next()) {
      const auto directory = CrashDirectory::make({.sector_bytes = 64}).value();
      ASSERT_TRUE(directory->do_make_directory("d"));
      auto file = directory->create_new("d/x").value();
      Bytes bytes(checkpoint::kHeaderBytes);
      ASSERT_TRUE(checkpoint::put_header(bytes, EntryId(5)));
      ASSERT_TRUE(file->write_at(0, bytes));
      file.reset();
      const auto killed = directory->after_kill();
      const auto made = CheckpointFile(killed).make_durable("d/x");
      ASSERT_TRUE(made) << made.error();
      EXPECT_EQ(made->entry(), EntryId(5));
      EXPECT_TRUE(killed->all_synced()) << killed->describe();
      const auto read = CheckpointFile(killed->after_power_cut(profile, chooser)).read_bytes("d/x");
      ASSERT_TRUE(read) << read.error() << " " << profile.name << " " << chooser.choices();
    }
  }
}

// As V16: a sync failed and left pages in the cache that no later sync writes.
TEST(CheckpointFile, IsNotTakenForDurableBecauseTheCacheRemembersIt) {
  const auto directory = CrashDirectory::make();
  Bytes bytes(checkpoint::kHeaderBytes);
  ASSERT_TRUE(checkpoint::put_header(bytes, EntryId(5)));
  auto file = directory->create_new("x").value();
  ASSERT_TRUE(file->write_at(0, bytes));
  directory->fail_next_sync(SyncFailure::kForget);
  ASSERT_FALSE(file->sync_data());
  file.reset();
  const CheckpointFile checkpoints(directory);
  ASSERT_TRUE(checkpoints.read_bytes("x")) << "the cache has it";
  EXPECT_FALSE(checkpoints.make_durable("x"));
}

TEST(CheckpointFile, IsNotTakenForDurableWhereASyncFails) {
  for (const Operation sync : {Operation::kSyncData, Operation::kSyncDirectory}) {
    const auto faulty = FaultyDirectory::make(CrashDirectory::make());
    const CheckpointFile checkpoints(faulty);
    ASSERT_TRUE(checkpoints.write("d/x", EntryId(5), kTable));
    faulty->fail({.operation = sync});
    EXPECT_EQ(checkpoints.make_durable("d/x").error().code(), ErrorCode::kIo) << sync;
    EXPECT_EQ(checkpoints.make_durable("d/x")->entry(), EntryId(5));
  }
}

TEST(CheckpointFile, WorksWithoutStableStorageAndRefusesToCallItDurable) {
  const std::shared_ptr<Directory> directory = MemoryDirectory::make();
  const CheckpointFile checkpoints(directory);
  EXPECT_EQ(checkpoints.write_durable("x", durable(5, *directory), kTable).error().code(),
            ErrorCode::kNotSupported);
  EXPECT_FALSE(directory->exists("x").value());
  ASSERT_TRUE(checkpoints.write("x", EntryId(5), kTable));
  EXPECT_EQ(checkpoints.read<Table>("x").value().state, kTable);
  EXPECT_EQ(checkpoints.make_durable("x").error().code(), ErrorCode::kNotSupported);
}

template <class Id>
concept WritesDurably = requires(const CheckpointFile& file, Id id) {
  file.write_bytes_durable("x", id, ByteView());
  file.write_durable("x", id, 1U);
};
static_assert(WritesDurably<DurableId>);
static_assert(!WritesDurably<EntryId>, "what is not durable must not become a durable checkpoint");

// A path that was read from a log can be anything.
TEST(CheckpointFile, RefusesPathsThatLeaveTheDirectory) {
  const auto directory = CrashDirectory::make();
  const CheckpointFile checkpoints(directory);
  using namespace std::string_view_literals;
  for (const std::string_view path : {"../x"sv, "/etc/passwd"sv, "a\0b"sv, ""sv, "a/../../x"sv, "a//b"sv}) {
    EXPECT_EQ(checkpoints.read_bytes(path).error().code(), ErrorCode::kInvalidConfig);
    EXPECT_EQ(checkpoints.make_durable(path).error().code(), ErrorCode::kInvalidConfig);
    EXPECT_EQ(checkpoints.write("../x", EntryId(1), kTable).error().code(), ErrorCode::kInvalidConfig);
    EXPECT_EQ(checkpoints.write_durable("../x", durable(1, *directory), kTable).error().code(),
              ErrorCode::kInvalidConfig);
  }
  EXPECT_EQ(directory->operations(), 0U);
}

// A checkpoint that was written to a segment's path, or over the lock, was the end of the log: `corrupt`.
// Only the publisher refused such paths.
TEST(CheckpointFile, RefusesPathsAmongTheFilesOfALogBeforeAnythingIsMade) {
  const auto directory = CrashDirectory::make();
  const CheckpointFile checkpoints(directory);
  const auto refused = [](const Status& written) {
    return !written && written.error().code() == ErrorCode::kInvalidConfig;
  };
  for (const std::string_view path : {"wal", "wal/x", "wal/wal_1.log", "wal/.lock", "wal/d/x"}) {
    EXPECT_TRUE(refused(checkpoints.write(path, EntryId(1), kTable))) << path;
    EXPECT_TRUE(refused(checkpoints.write_bytes(path, EntryId(1), {}))) << path;
    EXPECT_TRUE(refused(checkpoints.write_durable(path, durable(1, *directory), kTable))) << path;
    EXPECT_TRUE(refused(checkpoints.write_bytes_durable(path, durable(1, *directory), {}))) << path;
  }
  EXPECT_EQ(directory->operations(), 0U);
  EXPECT_TRUE(checkpoints.write("wal.ckpt", EntryId(1), kTable));
  EXPECT_TRUE(checkpoints.write("walnut/wal", EntryId(1), kTable));
}

// An id of log b in a checkpoint beside log a became, by make_durable(), a proof for log a, which was then
// truncated by what b had made durable.
TEST(CheckpointFile, RefusesAnIdThatIsDurableInALogOfAnotherDirectory) {
  const auto directory = CrashDirectory::make();
  const DurableId foreign = durable(5, *CrashDirectory::make());
  const CheckpointFile checkpoints(directory);
  EXPECT_EQ(checkpoints.write_durable("x", foreign, kTable).error().code(), ErrorCode::kInvalidConfig);
  EXPECT_EQ(checkpoints.write_bytes_durable("x", foreign, {}).error().code(), ErrorCode::kInvalidConfig);
  EXPECT_EQ(directory->operations(), 0U);
  EXPECT_TRUE(checkpoints.write_durable("x", durable(5, *directory), kTable));
}

TEST(CheckpointFile, SaysThatThereIsNone) {
  const auto directory = CrashDirectory::make();
  EXPECT_EQ(CheckpointFile(directory).read<Table>("d/x").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(CheckpointFile(directory).make_durable("d/x").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(directory->operations(), 0U);
}

// Every changed bit, and every byte too many, is an error that names the file, never another state.
TEST(CheckpointFile, RefusesEveryFlippedBitAndBytesPastThePayload) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  const CheckpointFile checkpoints(directory);
  ASSERT_TRUE(checkpoints.write("x", EntryId(5), kTable));
  const Bytes sound = contents(*directory, "x");
  for (std::size_t bit = 0; bit < sound.size() * 8; ++bit) {
    Bytes damaged = sound;
    damaged[bit / 8] ^= std::byte{1} << (bit % 8);
    ASSERT_TRUE(directory->atomic_write("x", damaged));
    const auto read = checkpoints.read<Table>("x");
    ASSERT_FALSE(read) << "bit " << bit;
    EXPECT_EQ(read.error().path(), "x");
    EXPECT_FALSE(checkpoints.make_durable("x"));
  }
  Bytes longer = sound;
  longer.push_back(std::byte{0});
  ASSERT_TRUE(directory->atomic_write("x", longer));
  EXPECT_EQ(checkpoints.read<Table>("x").error().code(), ErrorCode::kFormat);
}

// C11: a damaged length made the crate allocate what it claimed.
TEST(CheckpointFile, AllocatesNothingForALengthThatTheFileDoesNotHold) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  Bytes hostile(checkpoint::kHeaderBytes);
  ASSERT_TRUE(checkpoint::put_header(hostile, EntryId(1)));
  for (const std::uint64_t length : {checkpoint::kMaxPayloadBytes, checkpoint::kMaxPayloadBytes + 1,
                                     std::uint64_t{1} << 31U, ~std::uint64_t{0}}) {
    store_le(hostile, checkpoint::kPayloadBytesOffset, length);
    ASSERT_TRUE(directory->atomic_write("x", hostile));
    largest_allocation = 0;
    EXPECT_FALSE(CheckpointFile(directory).read_bytes("x"));
    EXPECT_LT(largest_allocation, 1024U);
  }
}

TEST(CheckpointFile, SaysSoWhereItBecomesShorterWhileItIsRead) {
  const std::shared_ptr<Directory> inner = CrashDirectory::make();
  const auto faulty = FaultyDirectory::make(inner);
  const CheckpointFile checkpoints(faulty);
  ASSERT_TRUE(checkpoints.write("x", EntryId(5), kTable));
  int reads = 0;
  faulty->set_hook([&](const testing::OperationRecord& record) -> std::optional<testing::Injection> {
    if (record.operation == Operation::kRead && ++reads == 2) {
      EXPECT_TRUE(inner->open("x", OpenMode::kReadWrite).value()->truncate(30));
    }
    return std::nullopt;
  });
  EXPECT_EQ(checkpoints.read_bytes("x").error().code(), ErrorCode::kTruncated);
}

TEST(CheckpointFile, NamesTheFileAndThePlaceWhereItIsNotWhatWasAskedFor) {
  const CheckpointFile checkpoints(CrashDirectory::make());
  ASSERT_TRUE(checkpoints.write_bytes("x", EntryId(5), as_bytes("\x05zzz")));
  const auto read = checkpoints.read<std::string>("x");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), ErrorCode::kDecode);
  EXPECT_EQ(read.error().path(), "x");
  EXPECT_GE(read.error().offset(), checkpoint::kHeaderBytes);
}

TEST(CheckpointFile, WithoutADirectoryEveryCallIsInvalidConfig) {
  const CheckpointFile checkpoints(nullptr);
  const auto refused = [](const auto& result) { return result.error().code() == ErrorCode::kInvalidConfig; };
  EXPECT_TRUE(refused(checkpoints.write("x", EntryId(1), kTable)));
  EXPECT_TRUE(refused(checkpoints.write_durable("x", durable(1, *MemoryDirectory::make()), kTable)));
  EXPECT_TRUE(refused(checkpoints.write_bytes("x", EntryId(1), {})));
  EXPECT_TRUE(refused(checkpoints.write_bytes_durable("x", durable(1, *MemoryDirectory::make()), {})));
  EXPECT_TRUE(refused(checkpoints.read<Table>("x")));
  EXPECT_TRUE(refused(checkpoints.read_bytes("x")));
  EXPECT_TRUE(refused(checkpoints.read_header("x")));
  EXPECT_TRUE(refused(checkpoints.make_durable("x")));
}

TEST(CheckpointFile, ReadsAHeaderWithoutWhatFollowsIt) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  const CheckpointFile checkpoints(directory);
  ASSERT_TRUE(checkpoints.write_bytes("c", EntryId(7), Bytes(1000, std::byte{1})));
  const std::byte damage{2};
  ASSERT_TRUE(directory->open("c", OpenMode::kReadWrite).value()->write_at(500, ByteView(&damage, 1)));
  const auto faulty = FaultyDirectory::make(directory);
  const auto header = CheckpointFile(faulty).read_header("c");
  ASSERT_TRUE(header) << header.error();
  EXPECT_EQ(header->last_applied, EntryId(7));
  EXPECT_EQ(header->payload_bytes, 1000U);
  EXPECT_EQ(faulty->count(Operation::kRead), 1U);
  EXPECT_EQ(checkpoints.read_bytes("c").error().code(), ErrorCode::kCrcMismatch);
  EXPECT_EQ(checkpoints.read_header("none").error().code(), ErrorCode::kNotFound);
}

TEST(CheckpointFile, KeepsTheOldOneWhereTheStateCannotBeEncoded) {
  const auto directory = CrashDirectory::make();
  const CheckpointFile checkpoints(directory);
  ASSERT_TRUE(checkpoints.write("x", EntryId(5), std::string("sound")));
  const std::string no_text = "\xff";
  EXPECT_EQ(checkpoints.write("x", EntryId(6), no_text).error().code(), ErrorCode::kEncode);
  EXPECT_EQ(checkpoints.write_durable("x", durable(6, *directory), no_text).error().path(), "x");
  EXPECT_EQ(checkpoints.read<std::string>("x").value().state, "sound");
}

}  // namespace
}  // namespace durability
