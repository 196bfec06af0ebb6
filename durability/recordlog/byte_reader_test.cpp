#include "durability/recordlog/byte_reader.hpp"

#include <gmock/gmock.h>

#include "durability/recordlog/reader.hpp"
#include "durability/recordlog/test_support.hpp"

namespace durability::recordlog {
namespace {

using test::CrashDirectory;
using test::directory_with;
using test::FileImage;
using test::kFormats;
using test::kPath;
using test::Read;

constexpr RecordLogFormat kV1 = RecordLogFormat::kV1;
constexpr RecordLogFormat kV2 = RecordLogFormat::kV2;

void expect_reads(const FileImage& image, const Read& strict, const Read& best_effort) {
  const auto directory = directory_with(image);
  const auto before = directory->fingerprint();
  EXPECT_EQ(test::read(directory, ReadMode::kStrict), strict);
  EXPECT_EQ(test::read(directory, ReadMode::kBestEffort), best_effort);
  EXPECT_EQ(directory->fingerprint(), before);  // readers never write
}
void expect_reads(const FileImage& image, const Read& both) { expect_reads(image, both, both); }

TEST(RecordLogReader, OfAFileThatIsNotThereHasNoRecords) {
  const auto directory = CrashDirectory::make();
  for (const auto mode : {ReadMode::kStrict, ReadMode::kBestEffort}) {
    EXPECT_EQ(test::read(directory, mode), (Read{"ok", {}}));
  }
  EXPECT_EQ(directory->operations(), 0U);
}

TEST(RecordLogReader, DeliversWholeRecordsOfBothVersions) {
  for (const auto format : kFormats) {
    expect_reads(FileImage(format), {"ok", {}});
    expect_reads(FileImage(format).record("a").record("").record("ccc"), {"ok", {"a", "", "ccc"}});
  }
}

// Torn at each length.
TEST(RecordLogReader, TakesATornHeaderForNoRecordsInBestEffort) {
  for (const auto format : kFormats) {
    for (std::size_t size = 0; size < kHeaderBytes; ++size) {
      expect_reads(FileImage(format).cut(size), {"truncated", {}}, {"ok", {}});
    }
  }
  expect_reads(FileImage(kV2).flip(3).cut(4), {"format", {}});
  expect_reads(FileImage(kV2).flip(3).cut(3), {"truncated", {}}, {"ok", {}});
  expect_reads(FileImage(kV2).flip(0), {"format", {}});
  expect_reads(FileImage(kV2).flip(4), {"format", {}});
  expect_reads(FileImage(kV2).flip(7), {"format", {}});
}

TEST(RecordLogReader, LeavesOutARecordThatIsCutAnywhereInBestEffort) {
  for (const auto format : kFormats) {
    FileImage image(format);
    image.record("first").record("second");
    for (std::size_t size = image.bytes.size() - 1; size > image.at(1); --size) {
      expect_reads(image.cut(size), {"truncated", {"first"}}, {"ok", {"first"}});
    }
  }
}

TEST(RecordLogReader, RefusesALengthOverTheCapAsSoonAsItIsThere) {
  for (const auto format : kFormats) {
    FileImage image(format);
    image.record("first").claim(kMaxPayloadBytes + 1);
    for (std::size_t size = image.at(1) + 8; size >= image.at(1) + 4; --size) {
      expect_reads(image.cut(size), {"format", {"first"}});
    }
    expect_reads(image.cut(image.at(1) + 3), {"truncated", {"first"}}, {"ok", {"first"}});
  }
}

TEST(RecordLogReader, RefusesAWrongChecksumAnywhereTheLastRecordToo) {
  for (const auto format : kFormats) {
    const FileImage image = FileImage(format).record("first").record("second");
    for (const std::size_t index : {0U, 1U}) {
      FileImage damaged = image;
      damaged.flip(image.at(index) + kRecordHeadBytes, 5);
      const std::vector<std::string> before(index, "first");
      expect_reads(damaged, {"crc_mismatch", before});
    }
  }
}

// F5: a file system left 24 zeros after the records when the power was cut, and they were read as three
// records that nobody had appended. Version 1 cannot tell them apart, and reads them as the crate does.
TEST(RecordLogReader, TakesZerosForRecordsInVersion1Only) {
  expect_reads(FileImage(kV1).record("a").zeros(24), {"ok", {"a", "", "", ""}});
  expect_reads(FileImage(kV2).record("a").zeros(24), {"truncated", {"a"}}, {"ok", {"a"}});
}

// What a power cut leaves of space that was never written.
TEST(RecordLogReader, LeavesOutZerosToTheEndInBestEffort) {
  for (std::size_t zeros = 1; zeros < 40; ++zeros) {
    expect_reads(FileImage(kV2).record("a").zeros(zeros), {"truncated", {"a"}}, {"ok", {"a"}});
    std::vector<std::string> with_empty_ones{"a"};
    with_empty_ones.resize(1 + zeros / 8);
    if (zeros % 8 == 0) {
      expect_reads(FileImage(kV1).record("a").zeros(zeros), {"ok", with_empty_ones});
    } else {
      expect_reads(FileImage(kV1).record("a").zeros(zeros), {"truncated", with_empty_ones},
                   {"ok", with_empty_ones});
    }
  }
  expect_reads(FileImage(kV2).record("a").zeros(1'000'000), {"truncated", {"a"}}, {"ok", {"a"}});
  expect_reads(FileImage(kV2).record("a").zeros(24).record("b"), {"crc_mismatch", {"a"}});
}

TEST(RecordLogReader, NamesFileOffsetAndWhatWasExpected) {
  FileImage image(kV2);
  image.record("first").record("second").flip(image.at(1) + 12);
  const auto failed = RecordLogReader<std::string>(directory_with(image), kPath).count(ReadMode::kStrict);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().offset(), image.at(1));
  EXPECT_TRUE(failed.error().expected());
  EXPECT_THAT(failed.error().to_string(),
              ::testing::HasSubstr("d/records.log: offset 21: a record's checksum"));
}

// C11: what a length claims decides no allocation before its bytes are there. A reader needs one buffer,
// or the largest record.
TEST(RecordLogReader, ReadsThroughABufferOfAnySize) {
  FileImage image(kV2);
  std::vector<std::string> records;
  for (std::size_t size = 0; size < 60; ++size) {
    records.emplace_back(size * 7, 'r');
    image.record(records.back());
  }
  const auto directory = directory_with(image);
  for (const std::size_t buffer : {1U, 8U, 9U, 100U, 5000U}) {
    std::vector<std::string> seen;
    const auto report =
        ByteReader(directory, kPath, buffer).for_each(ReadMode::kStrict, [&](const RecordLogView& view) {
          EXPECT_EQ(view.offset, image.at(seen.size()));
          seen.emplace_back(as_text(view.payload));
          return Result<Flow>(Flow::kContinue);
        });
    ASSERT_TRUE(report) << report.error();
    EXPECT_EQ(seen, records);
    EXPECT_EQ(report->file_bytes, image.bytes.size());
  }
}

TEST(RecordLogReader, StopsWhereTheCallbackSaysSoAndHandsItsErrorOn) {
  const auto directory = directory_with(FileImage(kV2).record("a").record("b").record("c"));
  const RecordLogReader<Bytes> reader(directory, kPath);
  int calls = 0;
  const auto stopped = reader.for_each_bytes(
      ReadMode::kStrict, [&](const RecordLogView&) { return ++calls == 2 ? Flow::kStop : Flow::kContinue; });
  ASSERT_TRUE(stopped);
  EXPECT_EQ(stopped->records, 2U);
  const auto failed = reader.for_each_bytes(ReadMode::kStrict, [](const RecordLogView&) -> Status {
    return Error(ErrorCode::kInvalidState, "mine");
  });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message(), "mine");
}

TEST(RecordLogReader, SaysWhichRecordIsNotOfTheType) {
  const FileImage image = FileImage(kV2).record(std::string("\x02hi", 3)).record("\x05hi");
  const RecordLogReader<std::string> reader(directory_with(image), kPath);
  std::vector<std::string> seen;
  const auto failed =
      reader.for_each(ReadMode::kStrict, [&](EntryId, const std::string& text) { seen.push_back(text); });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), ErrorCode::kDecode);
  EXPECT_EQ(failed.error().path(), kPath);
  EXPECT_EQ(failed.error().offset(), image.at(1));
  EXPECT_EQ(seen, std::vector<std::string>{"hi"});
  EXPECT_EQ(test::outcome(reader.read_all(ReadMode::kStrict)), "decode");
  EXPECT_EQ(reader.count(ReadMode::kStrict).value(), 2U);
}

// Beside a writer that cuts its torn tail while the file is read: an end, no damage.
TEST(RecordLogReader, TakesAFileThatIsCutWhileItReadsForOneThatEndsThere) {
  const FileImage image = FileImage(kV2).record("a").record(std::string(400'000, 'b'));
  const auto directory = directory_with(image);
  const auto file = directory->open(kPath, OpenMode::kReadWrite).value();
  const auto report = ByteReader(directory, kPath, 16)
                          .for_each(ReadMode::kBestEffort, [&](const RecordLogView&) -> Result<Flow> {
                            DURABILITY_TRY(file->truncate(image.at(1) + 10));
                            return Flow::kContinue;
                          });
  ASSERT_TRUE(report) << report.error();
  EXPECT_EQ(report->records, 1U);
}

}  // namespace
}  // namespace durability::recordlog
