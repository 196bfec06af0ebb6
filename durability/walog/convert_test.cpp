#include "durability/walog/convert.hpp"

#include <gtest/gtest.h>

#include "durability/walog/maintenance.hpp"
#include "durability/walog/test_support.hpp"

namespace durability::walog {
namespace {

using test::CrashDirectory;
using test::fails_with;
using test::read_strict;

struct Versions {
  WalFormat from;
  WalFormat to;
};

class Conversion : public ::testing::TestWithParam<Versions> {};

WalOptions in_version(WalFormat format) {
  WalOptions options = test::test_options();
  options.format = format;
  return options;
}

std::shared_ptr<CrashDirectory> log_from(std::uint64_t first, WalFormat format) {
  auto directory = CrashDirectory::make();
  WalOptions options = in_version(format);
  options.first_entry_id = EntryId(first);
  const auto writer = test::open_writer(directory, options).value();
  for (const char* text : {"one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"}) {
    EXPECT_TRUE(writer->append(as_bytes(text)));
  }
  EXPECT_TRUE(writer->close());
  return directory;
}

TEST_P(Conversion, KeepsEveryEntryUnderItsId) {
  for (const std::uint64_t first : {1U, 1000U}) {
    const auto from = log_from(first, GetParam().from);
    const auto before = test::snapshot(*from);
    const auto to = CrashDirectory::make();
    const auto done = convert_log(from, to, in_version(GetParam().to)).value();
    EXPECT_EQ(done.first, EntryId(first));
    EXPECT_EQ(done.entries, 10U);
    EXPECT_EQ(done.next, EntryId(first + 10));
    EXPECT_EQ(read_strict(to), read_strict(from));
    EXPECT_EQ(test::snapshot(*from), before);
    const auto segments = WalMaintenance(to).inspect().value().segments;
    EXPECT_EQ(segments.front().first, EntryId(first));
    for (const SegmentStatus& segment : segments) EXPECT_EQ(segment.format, GetParam().to);
    EXPECT_EQ(test::open_writer(to).value()->next_entry_id(), EntryId(first + 10));
  }
}

TEST_P(Conversion, IsDurableWhenItReturns) {
  const auto to = CrashDirectory::make();
  ASSERT_TRUE(convert_log(log_from(1, GetParam().from), to, in_version(GetParam().to)));
  durability::testing::RandomChooser chooser(1);
  const auto left = to->after_power_cut(durability::testing::CrashProfile::hostile(), chooser);
  EXPECT_EQ(read_strict(left), "one two three four five six seven eight nine ten: ok");
}

INSTANTIATE_TEST_SUITE_P(Versions, Conversion,
                         ::testing::Values(Versions{WalFormat::kV4, WalFormat::kV3},
                                           Versions{WalFormat::kV4, WalFormat::kV2},
                                           Versions{WalFormat::kV2, WalFormat::kV4},
                                           Versions{WalFormat::kV3, WalFormat::kV3}));

TEST(Conversion, OfALogWithoutEntriesBeginsWhereItWouldGoOn) {
  const auto from = CrashDirectory::make();
  test::put(*from, 2, test::SegmentImage(2, 77));
  const auto to = CrashDirectory::make();
  const auto done = convert_log(from, to, in_version(WalFormat::kV3)).value();
  EXPECT_EQ(done.entries, 0U);
  EXPECT_EQ(test::open_writer(to).value()->next_entry_id(), EntryId(77));
}

TEST(Conversion, RefusesADamagedLogAndMakesNothing) {
  const auto from = log_from(1, WalFormat::kV4);
  const auto file = from->open("wal/wal_1.log", OpenMode::kReadWrite).value();
  ASSERT_TRUE(file->write_at(80, as_bytes("X")));
  const auto to = CrashDirectory::make();
  EXPECT_TRUE(fails_with(convert_log(from, to, in_version(WalFormat::kV3)), ErrorCode::kCorrupt));
  EXPECT_TRUE(to->list("").value().empty());
}

TEST(Conversion, LeavesATornTailOutWhereItMay) {
  const auto from = CrashDirectory::make();
  test::put(*from, 1, test::SegmentImage(1).entry("a").raw(as_bytes("torn")));
  const auto to = CrashDirectory::make();
  EXPECT_TRUE(fails_with(convert_log(from, to, in_version(WalFormat::kV3)), ErrorCode::kTornTail));
  const auto done = convert_log(from, to, in_version(WalFormat::kV3), ReadMode::kBestEffort).value();
  EXPECT_TRUE(done.torn_tail);
  EXPECT_EQ(read_strict(to), "a: ok");
}

TEST(Conversion, DoesNotTouchALogThatIsThere) {
  const auto from = log_from(1, WalFormat::kV4);
  const auto to = log_from(5, WalFormat::kV3);
  const auto before = test::snapshot(*to);
  EXPECT_TRUE(fails_with(convert_log(from, to, in_version(WalFormat::kV3)), ErrorCode::kInvalidState));
  EXPECT_EQ(test::snapshot(*to), before);
}

}  // namespace
}  // namespace durability::walog
