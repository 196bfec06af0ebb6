#include "durability/recordlog/byte_writer.hpp"

#include <gmock/gmock.h>

#include <optional>

#include "durability/recordlog/reader.hpp"
#include "durability/recordlog/test_support.hpp"
#include "durability/recordlog/writer.hpp"
#include "durability/storage/memory_directory.hpp"
#include "durability/testing/manual_clock.hpp"

namespace durability::recordlog {
namespace {

using test::contents;
using test::CrashDirectory;
using test::directory_with;
using test::FaultyDirectory;
using test::FileImage;
using test::kFormats;
using test::kPath;
using test::of_format;
using test::open_writer;
using test::Operation;
using test::outcome;
using test::Read;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr RecordLogFormat kV2 = RecordLogFormat::kV2;

void append(ByteWriter& writer, std::string_view text) {
  const auto appended = writer.append(as_bytes(text));
  ASSERT_TRUE(appended) << appended.error();
}

std::uint64_t records_on_disk(const std::shared_ptr<Directory>& directory) {
  return RecordLogReader<Bytes>(directory, kPath).count(ReadMode::kStrict).value();
}

TEST(RecordLogWriter, WritesTheFileOfItsFormat) {
  for (const auto format : kFormats) {
    const auto directory = CrashDirectory::make();
    auto writer = open_writer(directory, of_format(format)).value();
    EXPECT_TRUE(writer->recovery_report().created);
    EXPECT_EQ(writer->append(as_bytes("one")).value(), EntryId(1));
    EXPECT_EQ(writer->append(as_bytes("")).value(), EntryId(2));
    EXPECT_EQ(writer->flush_and_sync().value().value(), 2U);
    EXPECT_EQ(contents(*directory), FileImage(format).record("one").record("").bytes);
    EXPECT_EQ(writer->bytes(), contents(*directory).size());
    ASSERT_TRUE(writer->close());
  }
}

TEST(RecordLogWriter, WritesVersion2UnlessToldOtherwiseAndGoesOnInTheVersionThatIsThere) {
  EXPECT_EQ(open_writer(CrashDirectory::make()).value()->format(), kV2);
  for (const auto there : kFormats) {
    for (const auto asked : kFormats) {
      const auto directory = directory_with(FileImage(there).record("old"));
      auto writer = open_writer(directory, of_format(asked)).value();
      EXPECT_FALSE(writer->recovery_report().created);
      EXPECT_EQ(writer->append(as_bytes("new")).value(), EntryId(2));
      ASSERT_TRUE(writer->close());
      EXPECT_EQ(contents(*directory), FileImage(there).record("old").record("new").bytes);
    }
  }
}

TEST(RecordLogWriter, CreatesOnlyWhereThereIsNoFile) {
  const auto directory = CrashDirectory::make();
  ASSERT_TRUE(open_writer(directory, {}, OpenIntent::kCreate));
  EXPECT_EQ(outcome(open_writer(directory, {}, OpenIntent::kCreate)), "invalid_state");
}

TEST(RecordLogWriter, FlushesByItsPolicy) {
  const auto flushed_after = [](FlushPolicy policy, int appends) {
    const auto directory = CrashDirectory::make();
    RecordLogOptions options;
    options.flush = policy;
    options.on_dropped = [](std::uint64_t) {};
    auto writer = open_writer(directory, options).value();
    for (int i = 0; i < appends; ++i) append(*writer, "x");
    return records_on_disk(directory);
  };
  EXPECT_EQ(flushed_after(FlushPolicy::per_append(), 1), 1U);
  EXPECT_EQ(flushed_after(FlushPolicy::every(3), 5), 3U);
  EXPECT_EQ(flushed_after(FlushPolicy::manual(), 100), 0U);
  EXPECT_EQ(flushed_after(FlushPolicy::every(64), 64), 64U);
}

TEST(RecordLogWriter, FlushesABatchOnceAndByTheClockOnAppendOnly) {
  const auto directory = CrashDirectory::make();
  const auto clock = std::make_shared<testing::ManualClock>();
  RecordLogOptions options;
  options.flush = FlushPolicy::interval(std::chrono::seconds(1));
  options.clock = clock;
  auto writer = open_writer(directory, options).value();
  const std::vector<ByteView> batch{as_bytes("a"), as_bytes("b"), as_bytes("c")};
  EXPECT_EQ(writer->append_batch(batch).value(), EntryId(3));
  clock->advance(std::chrono::seconds(1));
  EXPECT_EQ(records_on_disk(directory), 0U);
  const std::uint64_t before = directory->operations();
  EXPECT_EQ(writer->append_batch(batch).value(), EntryId(6));
  EXPECT_EQ(directory->operations(), before + 1);
  EXPECT_EQ(records_on_disk(directory), 6U);
  EXPECT_EQ(outcome(writer->append_batch({})), "invalid_config");
}

TEST(RecordLogWriter, WritesAFullBufferAndRecordsThatAreLargerThanIt) {
  const auto directory = CrashDirectory::make();
  RecordLogOptions options;
  options.flush = FlushPolicy::manual();
  options.buffer_bytes = 40;
  auto writer = open_writer(directory, options).value();
  FileImage image(kV2);
  for (const std::size_t size : {10U, 14U, 1U, 32U, 33U, 500U, 3U}) {
    const std::string text(size, 'x');
    append(*writer, text);
    image.record(text);
  }
  ASSERT_TRUE(writer->flush());
  EXPECT_EQ(contents(*directory), image.bytes);
  ASSERT_TRUE(writer->close());
}

// The cap, one byte less and one more.
TEST(RecordLogWriter, TakesARecordOf64MebibytesAndRefusesALongerOneUntouched) {
  const auto directory = MemoryDirectory::make();
  auto writer = open_writer(directory).value();
  append(*writer, "before");
  const std::string large(kMaxPayloadBytes + 1, 'x');
  const std::vector<ByteView> batch{as_bytes("never"), as_bytes(large)};
  const auto refused = writer->append_batch(batch);
  ASSERT_EQ(outcome(refused), "encode");
  EXPECT_EQ(refused.error().path(), kPath);
  EXPECT_EQ(writer->last_number(), EntryId(1));
  for (const std::size_t size : {kMaxPayloadBytes - 1, kMaxPayloadBytes}) {
    append(*writer, std::string_view(large).substr(0, size));
  }
  ASSERT_TRUE(writer->close());
  std::vector<std::size_t> sizes;
  ASSERT_TRUE(RecordLogReader<Bytes>(directory, kPath)
                  .for_each_bytes(ReadMode::kStrict,
                                  [&](const RecordLogView& view) { sizes.push_back(view.payload.size()); }));
  EXPECT_THAT(sizes, ElementsAre(6U, kMaxPayloadBytes - 1, kMaxPayloadBytes));
}

// Two writers at a time would write over each other's records.
TEST(RecordLogWriter, ExcludesASecondOneUntilItIsClosedOrGone) {
  const auto directory = CrashDirectory::make();
  auto first = open_writer(directory).value();
  EXPECT_EQ(outcome(open_writer(directory)), "lock_failed");
  ASSERT_TRUE(first->close());
  auto second = open_writer(directory).value();
  EXPECT_EQ(outcome(open_writer(directory)), "lock_failed");
  second.reset();
  EXPECT_TRUE(open_writer(directory));
  EXPECT_TRUE(ByteWriter::open(directory, "d/other.log", {}, OpenIntent::kOpenOrCreate));
}

// C8: the directory was synced on every flush_and_sync, which doubled its cost; appending changes no name.
TEST(RecordLogWriter, SyncsItsDirectoryOnceAndTheFileOnlyWhereThereIsSomethingNew) {
  const auto directory = FaultyDirectory::make(CrashDirectory::make());
  ASSERT_TRUE(directory->create_directories("d"));
  for (const bool there : {false, true}) {
    directory->clear_log();
    auto writer = open_writer(directory).value();
    for (int i = 0; i < 5; ++i) {
      append(*writer, "x");
      ASSERT_TRUE(writer->flush_and_sync());
      ASSERT_TRUE(writer->flush_and_sync());
    }
    ASSERT_TRUE(writer->close());
    int of_parent = 0;
    int of_file = 0;
    for (const std::string& change : directory->changes()) {
      of_parent += change == "sync_directory d" ? 1 : 0;
      of_file += change == fmt::format("sync_data {}", kPath) ? 1 : 0;
    }
    EXPECT_EQ(of_parent, there ? 2 : 1) << "a log that is there is found, and then written anew";
    EXPECT_EQ(of_file, there ? 6 : 5);
  }
}

// F7: a name is durable before anything in the file is promised, those of its directories too.
TEST(RecordLogWriter, BuildsTheFileUnderATemporaryName) {
  const auto directory = FaultyDirectory::make(CrashDirectory::make());
  auto writer = open_writer(directory).value();
  std::vector<std::string> changes = directory->changes();
  for (std::string& change : changes) {
    if (const auto at = change.find("records.log."); at != std::string::npos && change.find(".tmp") != at) {
      const auto end = change.find(".tmp");
      if (end != std::string::npos) change.replace(at, end + 4 - at, "temporary");
    }
  }
  EXPECT_THAT(changes, ::testing::IsSupersetOf(
                           {"create d/temporary", "write d/temporary", "sync_data d/temporary",
                            "rename d/temporary -> d/records.log", "sync_directory d", "sync_directory ."}));
}

// F7: somebody made the directory, and was killed before its name was durable.
TEST(RecordLogWriter, MakesTheNamesOfItsDirectoriesDurableWhoeverMadeThem) {
  for (const bool there : {false, true}) {
    const auto directory = CrashDirectory::make();
    ASSERT_TRUE(directory->do_make_directory("d"));
    if (there) test::put(*directory, FileImage(kV2).bytes);
    auto writer = open_writer(directory).value();
    append(*writer, "acknowledged");
    ASSERT_TRUE(writer->flush_and_sync());
    testing::ExhaustiveChooser chooser;
    while (chooser.next()) {
      const auto left = directory->after_power_cut(testing::CrashProfile::weak(), chooser);
      EXPECT_EQ(test::read(left, ReadMode::kStrict), (Read{"ok", {"acknowledged"}})) << there;
    }
  }
}

// C15: a crash tore the last record; the next writer appended after the rest of it, and everything from
// there on was unreadable.
TEST(RecordLogWriter, CutsATornTailBeforeItAppends) {
  for (const auto format : kFormats) {
    const FileImage whole = FileImage(format).record("first").record("torn by a crash");
    for (std::size_t size = whole.at(1) + 1; size < whole.bytes.size(); ++size) {
      FileImage torn = whole;
      const auto directory = directory_with(torn.cut(size));
      auto writer = open_writer(directory).value();
      EXPECT_TRUE(writer->recovery_report().repaired);
      EXPECT_EQ(writer->recovery_report().offset, whole.at(1));
      EXPECT_EQ(writer->recovery_report().bytes_cut, size - whole.at(1));
      EXPECT_EQ(writer->append(as_bytes("next")).value(), EntryId(2));
      ASSERT_TRUE(writer->close());
      EXPECT_EQ(contents(*directory), FileImage(format).record("first").record("next").bytes);
    }
  }
}

TEST(RecordLogWriter, CutsWhateverACrashMayHaveLeftOfTheLastRecord) {
  for (const auto format : kFormats) {
    const FileImage first = FileImage(format).record("first");
    const auto expect_cut = [&](const FileImage& image) {
      const auto directory = directory_with(image);
      auto writer = open_writer(directory);
      ASSERT_TRUE(writer) << writer.error();
      EXPECT_EQ(contents(*directory), first.bytes);
    };
    expect_cut(FileImage(first).claim(kMaxPayloadBytes + 1, "garbage"));
    expect_cut(FileImage(first).claim(7, "garbage"));
    expect_cut(FileImage(first).claim(1000, "garbage"));
    expect_cut(FileImage(first).zeros(5));
    if (format == kV2) expect_cut(FileImage(first).zeros(50));
    FileImage flipped = FileImage(first).record("last");
    expect_cut(flipped.flip(flipped.bytes.size() - 1));
  }
}

// C14: a damaged length made everything after it look like one torn record.
TEST(RecordLogWriter, RefusesDamageWithAWholeRecordAfterItAndTouchesNothing) {
  for (const auto format : kFormats) {
    const FileImage whole = FileImage(format).record("first").record("second").record("third");
    for (std::size_t offset = whole.at(1); offset < whole.at(2); ++offset) {
      for (const unsigned bit : {0U, 7U}) {
        FileImage damaged = whole;
        const auto directory = directory_with(damaged.flip(offset, bit));
        const auto refused = open_writer(directory);
        ASSERT_EQ(outcome(refused), "format") << offset;
        EXPECT_EQ(refused.error().path(), kPath);
        EXPECT_EQ(refused.error().offset(), whole.at(1));
        EXPECT_THAT(refused.error().to_string(), HasSubstr("nothing was changed"));
        EXPECT_EQ(contents(*directory), damaged.bytes);
      }
    }
  }
}

TEST(RecordLogWriter, RefusesWhatIsNoRecordLogAndTouchesNothing) {
  for (const std::string_view text : {"x", "VX", "some text", "VRLG\x03", "VRLG\x03\0\0\0"}) {
    const auto directory = CrashDirectory::make();
    test::put(*directory, as_bytes(text));
    EXPECT_EQ(outcome(open_writer(directory)), "format") << text;
    EXPECT_EQ(as_text(contents(*directory)), text);
  }
}

// A crash tore the header, which nothing acknowledged follows.
TEST(RecordLogWriter, WritesATornHeaderAnewInTheVersionItBeganWith) {
  for (const auto format : kFormats) {
    for (std::size_t size = 0; size < kHeaderBytes; ++size) {
      const auto directory = directory_with(FileImage(format).cut(size));
      auto writer = open_writer(directory).value();
      EXPECT_TRUE(writer->recovery_report().created);
      EXPECT_EQ(writer->format(), size > 4 ? format : kV2);
      append(*writer, "x");
      ASSERT_TRUE(writer->close());
      EXPECT_EQ(test::read(directory, ReadMode::kStrict), (Read{"ok", {"x"}}));
    }
  }
}

// A crash may leave the file that it was building.
TEST(RecordLogWriter, RemovesItsOwnTemporariesAndNothingElse) {
  const auto directory = directory_with(FileImage(kV2));
  const std::vector<std::string> others{"records.log.tmp", "records.log.00112233445566zz.tmp",
                                        "other.0011223344556677.tmp", "records.log.x.0011223344556677.tmp"};
  for (const auto& name : others) test::put(*directory, as_bytes("x"), "d/" + name);
  test::put(*directory, as_bytes("x"), "d/records.log.0011223344556677.tmp");
  ASSERT_TRUE(open_writer(directory));
  EXPECT_FALSE(directory->exists("d/records.log.0011223344556677.tmp").value());
  for (const auto& name : others) EXPECT_TRUE(directory->exists("d/" + name).value()) << name;
}

TEST(RecordLogWriter, OnMemoryFlushesAndClosesAndPromisesNothing) {
  const auto directory = MemoryDirectory::make();
  auto writer = open_writer(directory).value();
  append(*writer, "a");
  EXPECT_EQ(outcome(writer->flush_and_sync()), "not_supported");
  EXPECT_EQ(writer->durable_number(), std::nullopt);
  append(*writer, "b");
  ASSERT_TRUE(writer->close());
  EXPECT_EQ(test::read(directory, ReadMode::kStrict), (Read{"ok", {"a", "b"}}));
  EXPECT_TRUE(open_writer(directory));
}

// Nothing acknowledged them, but the program may have forgotten to flush.
TEST(RecordLogWriter, NoticesWhenItIsDroppedWithUnflushedRecords) {
  const auto directory = CrashDirectory::make();
  std::vector<std::uint64_t> dropped;
  RecordLogOptions options;
  options.on_dropped = [&](std::uint64_t count) { dropped.push_back(count); };
  {
    auto writer = open_writer(directory, options).value();
    append(*writer, "kept");
    ASSERT_TRUE(writer->flush());
    append(*writer, "lost");
    append(*writer, "lost");
  }
  EXPECT_THAT(dropped, ElementsAre(2U));
  open_writer(directory, options).value().reset();
  auto closed = open_writer(directory, options).value();
  append(*closed, "x");
  ASSERT_TRUE(closed->close());
  closed.reset();
  EXPECT_THAT(dropped, ElementsAre(2U));
}

TEST(RecordLogWriter, RefusesOptionsAndPathsThatMakeNoSense) {
  const auto directory = CrashDirectory::make();
  RecordLogOptions no_buffer;
  no_buffer.buffer_bytes = 0;
  RecordLogOptions huge_buffer;
  huge_buffer.buffer_bytes = (std::size_t{1} << 30U) + 1;
  RecordLogOptions no_format;
  no_format.format = static_cast<RecordLogFormat>(3);
  RecordLogOptions never;
  never.flush = FlushPolicy::every(0);
  for (const auto& options : {no_buffer, huge_buffer, no_format, never}) {
    EXPECT_EQ(outcome(open_writer(directory, options)), "invalid_config");
  }
  for (const std::string path : {"", "/x", "../x", "a//b", "a/../b"}) {
    EXPECT_EQ(outcome(ByteWriter::open(directory, path, {}, OpenIntent::kOpenOrCreate)), "invalid_config");
  }
  EXPECT_EQ(directory->operations(), 0U);
}

TEST(RecordLogWriter, AfterCloseDoesNothingMore) {
  auto writer = open_writer(CrashDirectory::make()).value();
  ASSERT_TRUE(writer->close());
  EXPECT_TRUE(writer->close());
  EXPECT_EQ(outcome(writer->append(as_bytes("x"))), "closed");
  EXPECT_EQ(outcome(writer->flush()), "closed");
  EXPECT_EQ(outcome(writer->flush_and_sync()), "closed");
}

TEST(RecordLogWriter, WithoutADirectoryEveryCallIsInvalidConfig) {
  EXPECT_EQ(outcome(RecordLogWriter<std::string>::open(nullptr, kPath)), "invalid_config");
  EXPECT_EQ(outcome(RecordLogWriter<std::string>::create(nullptr, kPath)), "invalid_config");
  const RecordLogReader<std::string> reader(nullptr, kPath);
  EXPECT_EQ(outcome(reader.read_all(ReadMode::kStrict)), "invalid_config");
  EXPECT_EQ(outcome(reader.format()), "invalid_config");
  EXPECT_EQ(outcome(reader.count(ReadMode::kBestEffort)), "invalid_config");
}

// A record log that was opened at a segment's path, or at that of the log's lock, was the end of the log.
// What the refusal said was not changed had a new lock beside it by then.
TEST(RecordLogWriter, APathAmongTheFilesOfALogIsRefusedBeforeAnythingIsMade) {
  const auto directory = CrashDirectory::make();
  for (const char* path : {"wal", "wal/x", "wal/wal_1.log", "wal/.lock", "wal/d/x"}) {
    EXPECT_EQ(outcome(RecordLogWriter<std::string>::open(directory, path)), "invalid_config") << path;
    EXPECT_EQ(outcome(RecordLogWriter<std::string>::create(directory, path)), "invalid_config") << path;
  }
  EXPECT_EQ(directory->operations(), 0U);
  EXPECT_TRUE(RecordLogWriter<std::string>::open(directory, "wal.records"));
  EXPECT_TRUE(RecordLogWriter<std::string>::open(directory, "walnut/wal"));
}

TEST(RecordLogWriter, TypedGivesBackWhatWasAppended) {
  const auto directory = CrashDirectory::make();
  using Word = std::pair<std::string, std::uint32_t>;
  auto writer = RecordLogWriter<Word>::create(directory, kPath).value();
  EXPECT_EQ(writer.append({"a", 1}).value(), EntryId(1));
  EXPECT_EQ(writer.append_batch(std::vector<Word>{{"b", 2}, {"c", 3}}).value(), EntryId(3));
  EXPECT_EQ(writer.flush_and_sync().value().value(), 3U);
  ASSERT_TRUE(writer.close());
  const RecordLogReader<Word> reader(directory, kPath);
  EXPECT_THAT(reader.read_all(ReadMode::kStrict).value(),
              ElementsAre(Word("a", 1), Word("b", 2), Word("c", 3)));
  std::vector<std::uint64_t> numbers;
  ASSERT_TRUE(reader.for_each_after(EntryId(1), ReadMode::kStrict,
                                    [&](EntryId number, const Word&) { numbers.push_back(number.value()); }));
  EXPECT_THAT(numbers, ElementsAre(2U, 3U));
}

}  // namespace
}  // namespace durability::recordlog
