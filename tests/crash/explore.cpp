#include "explore.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <set>
#include <sstream>
#include <utility>

#include "durability/testing/random.hpp"

namespace durability::crash {
namespace {

using testing::Chooser;
using testing::CrashDirectory;
using testing::CrashProfile;
using testing::ExhaustiveChooser;
using testing::kAllCrashProfiles;
using testing::RandomChooser;
using testing::ReplayChooser;

constexpr std::string_view kKill = "kill";

// "ab!cd" is "ab", and behind its crash "cd".
std::vector<std::string> phases_of(std::string_view history) {
  std::vector<std::string> phases(1);
  for (const char letter : history) {
    if (letter == '!') {
      phases.emplace_back();
    } else {
      phases.back() += letter;
    }
  }
  return phases;
}

std::shared_ptr<CrashDirectory> fresh(const Settings& settings) {
  return CrashDirectory::make({.sector_bytes = settings.sector_bytes}).value();
}

MakeState state_of(const std::shared_ptr<CrashDirectory>& directory, const Case& one) {
  const auto* const profile = std::ranges::find_if(
      kAllCrashProfiles, [&](const CrashProfile& candidate) { return candidate.name == one.crash; });
  if (profile == std::end(kAllCrashProfiles)) return kill_of(directory);
  ReplayChooser chooser(ReplayChooser::parse(one.choices).value());
  return power_cut_of(*directory, one.settings, *profile, chooser);
}

// Other histories go on in other ways.
std::uint64_t first_seed(std::string_view history) {
  std::uint64_t seed = 0;
  for (const char letter : history) seed = seed * 31 + static_cast<unsigned char>(letter);
  return seed % 1'000'000'000;
}

class Explorer {
 public:
  explicit Explorer(const Plan& plan)
      : plan_(plan),
        more_(phases_of(plan.history)),
        judge_(plan.settings, plan.kills),
        samples_(scaled(plan.samples)) {
    first_ = more_.front();
    more_.erase(more_.begin());
  }

  Figures run() {
    for (std::uint64_t cut = plan_.first_cut;; ++cut) {
      Run run(fresh(plan_.settings), plan_.settings, Model());
      run.cut_after(cut);
      run.play(first_);
      ++figures_.cuts;
      Case one;
      one.history = plan_.history;
      one.settings = plan_.settings;
      one.cut = cut;
      if (!run.violation().empty()) fail(one, run.violation());
      if (figures_.failure.empty()) crash(run, one);
      figures_.states = judge_.states();
      if (!run.cut() || cut >= plan_.last_cut || !figures_.failure.empty()) return figures_;
    }
  }

 private:
  void crash(Run& run, Case one) {
    if (plan_.kills) {
      one.crash = kKill;
      one.choices = "-";
      one.seed = ++seed_;
      judge(run, one);
    }
    for (const CrashProfile& profile : profiles_of(plan_.settings)) {
      one.crash = profile.name;
      if (!exhaust(run, one, profile)) sample(run, one, profile);
      if (!figures_.failure.empty()) return;
    }
  }

  // False where there are too many states for that.
  bool exhaust(Run& run, Case& one, const CrashProfile& profile) {
    ExhaustiveChooser chooser;
    while (chooser.next()) {
      if (chooser.runs() > scaled(plan_.exhaustive)) return false;
      visit(run, one, profile, chooser);
      if (!figures_.failure.empty()) return true;
    }
    return true;
  }

  void sample(Run& run, Case& one, const CrashProfile& profile) {
    for (std::uint64_t seed = 0; seed < samples_ && figures_.failure.empty(); ++seed) {
      RandomChooser chooser(one.cut * 1000003 + seed);
      visit(run, one, profile, chooser);
    }
  }

  void visit(Run& run, Case& one, const CrashProfile& profile, Chooser& chooser) {
    // Only the chooser's way through the choices and the state's fingerprint are wanted here.
    const auto state = run.directory()->after_power_cut(profile, chooser);
    one.choices = chooser.choices();
    one.seed = ++seed_;
    judge(run, one, !seen_.insert({one.cut, state->fingerprint()}).second);
  }

  // The same bytes, seen before, go on differently with another seed.
  void judge(Run& run, const Case& one, bool seen = false) {
    const auto make = state_of(run.directory(), one);
    const bool killed = one.crash == kKill;
    if (plan_.recovery_levels > 0) {
      auto wrong = judge_.judge_recovery(make, run.model(), killed, one.seed, plan_.recovery_levels);
      if (!wrong.empty()) fail(one, wrong);
      return;
    }
    auto wrong = seen ? judge_.judge_going_on(make, run.model(), killed, one.seed, plan_.depth, more_)
                      : judge_.judge(make, run.model(), killed, one.seed, plan_.depth, more_);
    if (!wrong.empty()) fail(one, wrong);
  }

  void fail(const Case& one, std::string_view wrong) {
    figures_.failure = fmt::format("{}\n  {}", one.to_string(), wrong);
  }

  const Plan& plan_;
  std::string first_;
  std::vector<std::string> more_;
  Judge judge_;
  std::uint64_t samples_;
  std::uint64_t seed_ = first_seed(plan_.history);
  std::set<std::pair<std::uint64_t, std::uint64_t>> seen_;
  Figures figures_;
};

}  // namespace

std::uint64_t scaled(std::uint64_t count) {
  const char* text = std::getenv("DURABILITY_CRASH_SAMPLES");
  const double factor = text == nullptr ? 1 : std::strtod(text, nullptr);
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(static_cast<double>(count) * factor));
}

std::string Case::to_string() const {
  return fmt::format("history={} sizes={},{},{},{},{},{},{},{},{},{} cut={} crash={} choices={} seed={}",
                     history, settings.sector_bytes, settings.segment_bytes, settings.buffer_bytes,
                     settings.preallocate_bytes, settings.recycle_segments,
                     static_cast<int>(settings.sync_failure), static_cast<int>(settings.blocks_remember),
                     static_cast<int>(settings.older_versions), static_cast<int>(settings.ordered_only),
                     settings.format ? static_cast<int>(*settings.format) : 0, cut, crash, choices, seed);
}

Case Case::parse(std::string_view line) {
  Case one;
  std::istringstream words{std::string(line)};
  for (std::string word; words >> word;) {
    const auto equals = word.find('=');
    const std::string key = word.substr(0, equals);
    std::string value = word.substr(equals + 1);
    if (key == "history") one.history = value;
    if (key == "cut") one.cut = std::stoull(value);
    if (key == "crash") one.crash = value;
    if (key == "choices") one.choices = value;
    if (key == "seed") one.seed = std::stoull(value);
    if (key != "sizes") continue;
    std::ranges::replace(value, ',', ' ');
    std::istringstream sizes(value);
    int failure = 0;
    int format = 0;
    sizes >> one.settings.sector_bytes >> one.settings.segment_bytes >> one.settings.buffer_bytes >>
        one.settings.preallocate_bytes >> one.settings.recycle_segments >> failure >>
        one.settings.blocks_remember >> one.settings.older_versions >> one.settings.ordered_only >> format;
    one.settings.sync_failure = static_cast<testing::SyncFailure>(failure);
    if (format != 0) one.settings.format = static_cast<WalFormat>(format);
  }
  return one;
}

Figures& Figures::operator+=(const Figures& other) {
  states += other.states;
  cuts += other.cuts;
  if (failure.empty()) failure = other.failure;
  return *this;
}

std::vector<Settings> all_settings() {
  return {
      {},
      // The spare is made only when it is needed, and is empty; each entry is written by itself.
      {.sector_bytes = 16, .segment_bytes = 4096, .buffer_bytes = 32, .preallocate_bytes = 0},
      // Segments of a few entries rotate by size; a sector holds parts of several frames.
      {.sector_bytes = 48, .segment_bytes = 256, .buffer_bytes = 100, .preallocate_bytes = 256},
      {.sector_bytes = 512,
       .segment_bytes = 512,
       .buffer_bytes = 4096,
       .preallocate_bytes = 100,
       .recycle_segments = 2},
  };
}

std::span<const CrashProfile> profiles_of(const Settings& settings) {
  const std::span<const CrashProfile> all(kAllCrashProfiles);
  return settings.ordered_only ? all.first(1) : all;
}

Figures explore(const Plan& plan) { return Explorer(plan).run(); }

std::string repeat(const Case& one, int depth) {
  auto more = phases_of(one.history);
  Run run(fresh(one.settings), one.settings, Model());
  run.cut_after(one.cut);
  run.play(more.front());
  more.erase(more.begin());
  if (!run.violation().empty()) return run.violation();
  std::cout << run.directory()->describe();
  const auto make = state_of(run.directory(), one);
  std::cout << make()->describe();
  return Judge(one.settings, true).judge(make, run.model(), one.crash == kKill, one.seed, depth, more);
}

void expect_no_violation(Plan plan, const std::vector<Settings>& settings) {
  Figures total;
  for (const Settings& sizes : settings) {
    plan.settings = sizes;
    total += explore(plan);
    if (!total.failure.empty()) break;
  }
  EXPECT_TRUE(total.failure.empty()) << total.failure;
  std::cout << fmt::format("[  states  ] {}: {} cuts, {} crash states\n", plan.history, total.cuts,
                           total.states);
}

}  // namespace durability::crash
