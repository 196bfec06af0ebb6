// Histories of logs that hold versions 2 and 3, alone or beside version 4. Those versions cannot tell a torn
// group from damage, so a power cut that loses single sectors may leave a log that is refused, unchanged; a
// killed process may not, and neither may an ordered file system where no zeros were written ahead.

#include <gtest/gtest.h>

#include "history_subject.hpp"

namespace durability::crash {
namespace {

void expect_no_violation_in_versions(const Plan& plan, const std::vector<Settings>& settings) {
  std::vector<Settings> all;
  for (Settings one : settings) {
    one.older_versions = true;
    all.push_back(one);
    one.preallocate_bytes = 0;
    one.ordered_only = true;
    all.push_back(one);
  }
  expect_no_violation(plan, all);
}

std::vector<Settings> sizes() {
  return {{}, {.sector_bytes = 16, .segment_bytes = 4096, .buffer_bytes = 32, .preallocate_bytes = 0}};
}

// V22: a spare of version 4 and the next segment of version 3: two segments of zeros under version 3.
TEST(VersionHistories, NoSegmentOfZerosFollowsOneOfVersion3) {
  for (const char* history : {"Pvc", "aPvc", "afPva", "aPRvas"}) {
    expect_no_violation_in_versions({.history = history}, sizes());
  }
}

// V23: which log_id goes on where version 4 comes back.
TEST(VersionHistories, AVersionMayBeChangedAndChangedBack) {
  for (const char* history : {"aPvv", "afvv", "asvavaf"}) {
    expect_no_violation_in_versions({.history = history}, sizes());
  }
}

// V24: 1 to 3 zeros after the last frame read as a torn length field.
TEST(VersionHistories, PaddingShorterThanALengthFieldIsNoTornFrame) {
  std::vector<Settings> settings;
  for (std::uint64_t bytes = 146; bytes < 154; ++bytes) {
    settings.push_back({.segment_bytes = bytes, .preallocate_bytes = bytes, .format = WalFormat::kV3});
  }
  for (const char* history : {"aaaaac", "aaaarac"}) {
    expect_no_violation_in_versions({.history = history, .exhaustive = 1, .samples = 1}, settings);
  }
}

// V27: a segment that an earlier run of version 4 left is used again under another run's log_id.
TEST(VersionHistories, ARecycledSegmentOfAnEarlierRunBringsNothingBack) {
  expect_no_violation_in_versions({.history = "aPRrTvafvaPRr!RhaPv!"},
                                  {{.recycle_segments = 2}, {.sector_bytes = 16, .recycle_segments = 1}});
}

TEST(VersionHistories, Version3LosesNothingAcknowledged) {
  std::vector<Settings> settings = sizes();
  for (Settings& one : settings) one.format = WalFormat::kV3;
  for (const char* history : {"as", "abf", "asRaf", "arTas", "afkasRk", "agRhas"}) {
    expect_no_violation_in_versions({.history = history}, settings);
  }
}

}  // namespace
}  // namespace durability::crash
