#include "durability/recordlog/tail_search.hpp"

#include "durability/recordlog/test_support.hpp"
#include "durability/testing/random.hpp"

namespace durability::recordlog {
namespace {

using test::FileImage;
using test::kFormats;

TailSearch search(const Bytes& bytes, std::uint64_t damage, RecordLogFormat format,
                  std::size_t buffer_bytes = FileWindow::kDefaultBytes) {
  const auto directory = test::CrashDirectory::make();
  test::put(*directory, bytes);
  FileWindow window(directory->open(test::kPath).value(), bytes.size(), buffer_bytes);
  return search_past(window, damage, format).value();
}

/// What the search is to find out, tried at each place.
bool record_after(ByteView bytes, std::uint64_t damage, RecordLogFormat format) {
  for (std::uint64_t offset = damage + 1; offset < bytes.size(); ++offset) {
    const ByteView rest = bytes.subspan(offset);
    const RecordHead head = read_head(rest, rest.size());
    if (head.state != RecordState::kWhole) continue;
    if (format == RecordLogFormat::kV1 && head.payload_bytes == 0) continue;
    Record record;
    if (read_record(rest.first(kRecordHeadBytes + head.payload_bytes), format, record) ==
        RecordState::kWhole) {
      return true;
    }
  }
  return false;
}

Bytes random_bytes(std::uint64_t seed, std::size_t count) {
  durability::testing::SeededRandom random(seed);
  Bytes bytes(count);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.next_u64() >> 33U);
  return bytes;
}

TEST(RecordTailSearch, FindsARecordAtEveryDistanceAndAtTheEndOfTheFile) {
  for (const auto format : kFormats) {
    for (std::size_t distance = 1; distance < 40; ++distance) {
      FileImage image(format);
      image.raw(random_bytes(distance, distance)).record("a record");
      EXPECT_TRUE(search(image.bytes, kHeaderBytes, format).found) << distance;
      image.zeros(distance);
      EXPECT_TRUE(search(image.bytes, kHeaderBytes, format).found) << distance;
      image.flip(image.at(0) + kRecordHeadBytes);
      EXPECT_FALSE(search(image.bytes, kHeaderBytes, format).found) << distance;
    }
  }
}

TEST(RecordTailSearch, FindsRecordsAcrossTheBordersOfItsBuffer) {
  for (const std::size_t front : {65520U, 65530U, 65536U, 65541U, 200'000U}) {
    for (const std::size_t payload : {1U, 100U, 300'000U}) {
      FileImage image(RecordLogFormat::kV2);
      image.raw(Bytes(front, std::byte{0xee})).record(std::string(payload, 'p'));
      EXPECT_TRUE(search(image.bytes, kHeaderBytes, RecordLogFormat::kV2, 70'000).found)
          << front << " " << payload;
    }
  }
}

TEST(RecordTailSearch, AgreesWithTryingEachPlaceOnContentsFullOfHeads) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const auto format = kFormats[seed % 2];
    durability::testing::SeededRandom random(seed);
    FileImage image(format);
    while (image.bytes.size() < 400) {
      switch (random.next_u64() % 4) {
        case 0: image.claim(static_cast<std::uint32_t>(random.next_u64() % 300), "abc"); break;
        case 1: image.zeros(random.next_u64() % 20); break;
        case 2: image.raw(random_bytes(seed, random.next_u64() % 30)); break;
        default: image.record(std::string(random.next_u64() % 30, 'x')); image.flip(image.bytes.size() - 1);
      }
    }
    if (seed % 3 == 0) image.record("whole").raw(random_bytes(seed, seed % 11));
    const std::uint64_t damage = kHeaderBytes + seed % 50;
    EXPECT_EQ(search(image.bytes, damage, format).found, record_after(image.bytes, damage, format))
        << "seed " << seed;
  }
}

// A record without payload: eight zeros in version 1, which no crash can be told from; a checksum of its own
// in version 2.
TEST(RecordTailSearch, CountsEmptyRecordsInVersion2Only) {
  EXPECT_FALSE(
      search(FileImage(RecordLogFormat::kV1).zeros(3).record("").bytes, 8, RecordLogFormat::kV1).found);
  EXPECT_TRUE(
      search(FileImage(RecordLogFormat::kV2).zeros(3).record("").bytes, 8, RecordLogFormat::kV2).found);
}

// A torn record of megabytes is full of places that look like heads. Trying the checksum of each took time
// that grew with the cube of its size, and with a limit on it such a log would not open.
TEST(RecordTailSearch, IsLinearInRandomBytesAndNeverGivesUpOnThem) {
  for (const auto format : kFormats) {
    FileImage image(format);
    image.raw(random_bytes(7, std::size_t{8} << 20U));
    const TailSearch none = search(image.bytes, kHeaderBytes, format);
    EXPECT_FALSE(none.found);
    EXPECT_FALSE(none.given_up);
    EXPECT_LE(none.checksummed, 2 * image.bytes.size());
    image.record("x");
    EXPECT_TRUE(search(image.bytes, kHeaderBytes, format).found);
  }
}

// V17: every place claims a record that ends at the end of the file.
TEST(RecordTailSearch, GivesUpOnContentsMadeForItWithoutTakingMuchMemory) {
  FileImage image(RecordLogFormat::kV2);
  const std::size_t bytes = std::size_t{1} << 20U;
  image.raw(Bytes(bytes, std::byte{0})).raw(Bytes(bytes, std::byte{3}));
  for (std::size_t i = 8; i + 4 < bytes; i += 4) store_le(image.bytes, i, static_cast<std::uint32_t>(bytes));
  const TailSearch result = search(image.bytes, kHeaderBytes, RecordLogFormat::kV2);
  EXPECT_FALSE(result.found);
  EXPECT_TRUE(result.given_up);
  EXPECT_LE(result.checksummed, 9 * image.bytes.size());
}

}  // namespace
}  // namespace durability::recordlog
