// Every history of up to a few letters, crashed at every operation. DURABILITY_CRASH_LENGTH says how many
// letters; `make crash` takes more than the default.

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <ostream>

#include "history_subject.hpp"

namespace durability::crash {
namespace {

struct Words {
  std::string_view name;
  std::string_view letters;
  Settings settings;
};

void PrintTo(const Words& words, std::ostream* out) { *out << words.name << " of " << words.letters; }

std::size_t length() {
  const char* const text = std::getenv("DURABILITY_CRASH_LENGTH");
  return text == nullptr ? 2 : std::strtoul(text, nullptr, 10);
}

class CrashWords : public ::testing::TestWithParam<Words> {};

TEST_P(CrashWords, LoseNothingAcknowledged) {
  const auto& [name, letters, settings] = GetParam();
  testing::Explorer explorer(explorer_options({.exhaustive = 4, .samples = 2}, settings));
  explorer.explore_words(letters, length(), [&](const std::string& word) {
    return std::make_unique<HistorySubject>(word, settings);
  });
  EXPECT_EQ(explorer.failure(), "");
  std::cout << explorer.report();
}

constexpr std::string_view kAll = "aAbfsRpPTck";
constexpr std::string_view kGroups = "agheRpTk";  // groups of a SyncWalWriter, and syncs that fail
constexpr std::string_view kOlder = "aAbfsRTck";
constexpr std::string_view kSwitching = "asRPTvck";

INSTANTIATE_TEST_SUITE_P(
    Of, CrashWords,
    ::testing::Values(
        Words{"Version4WhereEachEntryIsWrittenByItself", kAll, all_settings()[1]},
        Words{"Version4InSmallSegments", kAll, all_settings()[2]}, Words{"Version4", kAll, all_settings()[0]},
        Words{"Version4InRecycledSegments", kAll, all_settings()[3]},
        Words{"Version4WithGroups", kGroups, {}},
        Words{"Version4WithGroupsInGrowingSegments", kGroups, {.sector_bytes = 16, .preallocate_bytes = 0}},
        Words{"Version3", kOlder, {.older_versions = true, .format = WalFormat::kV3}},
        Words{
            "Version3InGrowingSegments",
            kOlder,
            {.preallocate_bytes = 0, .older_versions = true, .ordered_only = true, .format = WalFormat::kV3}},
        Words{"Version2", kOlder, {.older_versions = true, .format = WalFormat::kV2}},
        Words{"SeveralVersions", kSwitching, {.older_versions = true}},
        Words{"SeveralVersionsInRecycledSegments",
              kSwitching,
              {.recycle_segments = 2, .older_versions = true}}),
    [](const ::testing::TestParamInfo<Words>& words) { return std::string(words.param.name); });

}  // namespace
}  // namespace durability::crash
