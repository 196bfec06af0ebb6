// Every history of up to a few letters, crashed at every operation. DURABILITY_CRASH_LENGTH says how many
// letters; `make crash` takes more than the default.

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "history_subject.hpp"

namespace durability::crash {
namespace {

void expect_no_violation_in_words(std::string_view letters, const std::vector<Settings>& all,
                                  std::size_t length = 2) {
  if (const char* text = std::getenv("DURABILITY_CRASH_LENGTH")) length = std::strtoul(text, nullptr, 10);
  for (const Settings& settings : all) {
    testing::Explorer explorer(explorer_options({.exhaustive = 4, .samples = 2}, settings));
    explorer.explore_words(letters, length, [&](const std::string& word) {
      return std::make_unique<HistorySubject>(word, settings);
    });
    EXPECT_EQ(explorer.failure(), "");
    std::cout << explorer.report();
    if (!explorer.failure().empty()) return;
  }
}

TEST(CrashWords, OfVersion4) { expect_no_violation_in_words("aAbfsRpPTck", all_settings()); }

TEST(CrashWords, OfVersion4WithGroupsAndFailingSyncs) {
  expect_no_violation_in_words("agheRpTk", {{}, {.sector_bytes = 16, .preallocate_bytes = 0}});
}

TEST(CrashWords, OfVersion3) {
  expect_no_violation_in_words(
      "aAbfsRTck",
      {{.older_versions = true, .format = WalFormat::kV3},
       {.preallocate_bytes = 0, .older_versions = true, .ordered_only = true, .format = WalFormat::kV3}});
}

TEST(CrashWords, OfVersion2) {
  expect_no_violation_in_words("aAbfsRTck", {{.older_versions = true, .format = WalFormat::kV2}});
}

TEST(CrashWords, OfSeveralVersions) {
  expect_no_violation_in_words("asRPTvck",
                               {{.older_versions = true}, {.recycle_segments = 2, .older_versions = true}});
}

}  // namespace
}  // namespace durability::crash
