#pragma once

// Crashes a piece of work at each of its operations, under every profile, and looks at what is left.

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>

#include "durability/testing/crash_directory.hpp"
#include "durability/testing/manual_clock.hpp"
#include "durability/testing/manual_worker.hpp"
#include "durability/testing/random.hpp"
#include "durability/walog/writer.hpp"

namespace durability {

/// What a run of the work does depends on nothing but these.
inline WalOptions repeatable(std::uint64_t segment_bytes) {
  WalOptions options;
  options.segment_bytes = segment_bytes;
  options.worker = std::make_shared<testing::ManualWorker>();
  options.clock = std::make_shared<testing::ManualClock>();
  options.random = std::make_shared<testing::SeededRandom>(7);
  options.observer = std::make_shared<WalObserver>();  // is told, quietly, what a killed writer dropped
  return options;
}

/// Begins anew with an empty directory each time; an error ends it.
using Work = std::function<Status(const std::shared_ptr<Directory>&)>;
/// Holds one directory that may be left to what must be so.
using Look = std::function<void(const std::shared_ptr<testing::CrashDirectory>&)>;

// Every outcome where there are few, else a sample; each says how to repeat it.
inline void for_each_outcome(testing::CrashDirectory& crashed, const testing::CrashProfile& profile,
                             std::uint64_t cut, const Look& look) {
  constexpr std::uint64_t kExhaustiveRuns = 24;
  constexpr std::uint64_t kRandomRuns = 8;
  testing::ExhaustiveChooser every;
  while (every.runs() < kExhaustiveRuns && every.next()) {
    SCOPED_TRACE(fmt::format("cut_after({}), {}, ReplayChooser(\"{}\")", cut, profile.name, every.choices()));
    look(crashed.after_power_cut(profile, every));
    if (::testing::Test::HasFailure()) return;
  }
  if (every.runs() < kExhaustiveRuns) return;
  for (std::uint64_t run = 0; run < kRandomRuns; ++run) {
    const std::uint64_t seed = cut * kRandomRuns + run;
    testing::RandomChooser random(seed);
    SCOPED_TRACE(fmt::format("cut_after({}), {}, RandomChooser({})", cut, profile.name, seed));
    look(crashed.after_power_cut(profile, random));
    if (::testing::Test::HasFailure()) return;
  }
}

inline void crash_everywhere(const Work& work, const Look& look) {
  for (std::uint64_t cut = 0;; ++cut) {
    const auto directory = testing::CrashDirectory::make({.sector_bytes = 64}).value();
    directory->cut_after(cut);
    const bool done = work(directory).has_value();
    for (const testing::CrashProfile& profile : testing::kAllCrashProfiles) {
      for_each_outcome(*directory, profile, cut, look);
      if (::testing::Test::HasFailure()) return;
    }
    SCOPED_TRACE(fmt::format("cut_after({}), killed", cut));
    look(directory->after_kill());
    if (done || ::testing::Test::HasFailure()) return;
  }
}

}  // namespace durability
