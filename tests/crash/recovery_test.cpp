// Crashes inside recovery, and histories that nobody thought of.

#include <gtest/gtest.h>

#include <iostream>

#include "durability/testing/random.hpp"
#include "history_subject.hpp"

namespace durability::crash {
namespace {

using testing::SeededRandom;

// A crash at each step of repair, twice over: torn groups, a torn batch, a lost header, a seal whose frames
// are lost, bytes after a seal.
TEST(CrashInRecovery, IsRecoveredFromAtEachStepTwiceOver) {
  for (const char* history : {"asbf", "asRpaf", "asRPaRp", "bfR", "aARk"}) {
    const Plan plan{.history = history,
                    .exhaustive = 0,
                    .samples = 1,
                    .depth = 2,
                    .recovery_only = true,
                    .cuts = {.first = testing::Machine::kNever}};
    expect_no_violation(plan, {{}, {.sector_bytes = 16, .segment_bytes = 256, .preallocate_bytes = 0}});
  }
}

enum class Kind { kPlain, kFailingSyncs, kSeveralVersions };

std::string random_history(SeededRandom& random, Kind kind) {
  std::string_view letters = "aaaaaAbbffsRRrpppPPghghTTckvv";
  if (kind != Kind::kSeveralVersions) letters.remove_suffix(2);
  std::string history;
  const std::uint64_t length = 4 + random.below(30);
  while (history.size() < length) history += letters[random.below(letters.size())];
  return history;
}

// `count` random histories, each crashed at a random operation.
void expect_no_violation_in_random_histories(std::uint64_t count, std::uint64_t seed, Kind kind) {
  const std::vector<Settings> all = all_settings();
  std::uint64_t states = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    SeededRandom random(seed + i);
    Plan plan{.history = random_history(random, kind), .exhaustive = 0, .samples = 1, .depth = 2};
    Settings settings = all[random.below(all.size())];
    settings.recycle_segments = random.below(3);
    settings.sync_failure = static_cast<testing::SyncFailure>(random.below(3));
    settings.older_versions = kind == Kind::kSeveralVersions;
    if (kind == Kind::kFailingSyncs) plan.history.insert(random.below(plan.history.size()), 1, 'e');
    const std::uint64_t cut = 7 + random.below(20 + 4 * plan.history.size());
    testing::Explorer explorer(explorer_options(plan, settings));
    explorer.explore(HistorySubject(plan.history, settings), {.first = cut, .last = cut});
    states += explorer.states();
    ASSERT_EQ(explorer.failure(), "");
  }
  std::cout << fmt::format("[  states  ] {} random histories, {} crash states\n", count, states);
}

TEST(RandomHistories, LoseNothingAcknowledged) {
  expect_no_violation_in_random_histories(scaled(400), 1, Kind::kPlain);
}

TEST(RandomHistories, LoseNothingAcknowledgedWhenASyncFails) {
  expect_no_violation_in_random_histories(scaled(200), 1'000'000, Kind::kFailingSyncs);
}

TEST(RandomHistories, LoseNothingAcknowledgedInSeveralVersions) {
  expect_no_violation_in_random_histories(scaled(300), 2'000'000, Kind::kSeveralVersions);
}

}  // namespace
}  // namespace durability::crash
