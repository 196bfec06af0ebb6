#include "history_subject.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <utility>

#include "durability/testing/random.hpp"

namespace durability::crash {
namespace {

using testing::Crash;
using testing::CrashProfile;
using testing::Machine;
using testing::SeededRandom;

constexpr std::string_view kContinuations[] = {"as",  "bf",   "aRpAs", "rparps", "cas",  "afkbs", "bsrpf",
                                               "agh", "asRT", "",      "rpRpRp", "Abfr", "arTc",  "gaRphs"};

// "ab!cd" is "ab", and after its crash "cd".
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

bool same(const Reading& left, const Reading& right) {
  return left.first == right.first && left.payloads == right.payloads;
}

std::string print(const Settings& settings) {
  return fmt::format("{},{},{},{},{},{},{},{},{},{}", settings.sector_bytes, settings.segment_bytes,
                     settings.buffer_bytes, settings.preallocate_bytes, settings.recycle_segments,
                     static_cast<int>(settings.sync_failure), static_cast<int>(settings.blocks_remember),
                     static_cast<int>(settings.older_versions), static_cast<int>(settings.ordered_only),
                     settings.format ? static_cast<int>(*settings.format) : 0);
}

Settings parse_settings(std::string text) {
  std::ranges::replace(text, ',', ' ');
  std::istringstream sizes(text);
  Settings settings;
  int failure = 0;
  int format = 0;
  sizes >> settings.sector_bytes >> settings.segment_bytes >> settings.buffer_bytes >>
      settings.preallocate_bytes >> settings.recycle_segments >> failure >> settings.blocks_remember >>
      settings.older_versions >> settings.ordered_only >> format;
  settings.sync_failure = static_cast<testing::SyncFailure>(failure);
  if (format != 0) settings.format = static_cast<WalFormat>(format);
  return settings;
}

}  // namespace

HistorySubject::HistorySubject(std::string_view history, const Settings& settings, bool goes_on)
    : history_(history), phases_(phases_of(history)), settings_(settings), goes_on_(goes_on) {}

HistorySubject HistorySubject::parse(std::string_view line) {
  std::istringstream words{std::string(line)};
  std::string history;
  std::string settings;
  std::string goes_on;
  words >> history >> settings >> goes_on;
  return {history == "-" ? "" : history, parse_settings(settings), goes_on != "opens"};
}

std::string HistorySubject::name() const {
  return fmt::format("{} {} {}", history_.empty() ? "-" : history_, print(settings_),
                     goes_on_ ? "goes-on" : "opens");
}

std::unique_ptr<testing::CrashSubject> HistorySubject::clone() const {
  return std::make_unique<HistorySubject>(*this);
}

std::optional<std::uint64_t> HistorySubject::knowledge() const {
  // Of several phases, those that are still to come differ from history to history.
  return model_.hash() ^ (phases_.size() > 1 ? std::hash<std::string>()(history_) : 0);
}

std::vector<std::unique_ptr<testing::CrashSubject>> HistorySubject::smaller() const {
  std::vector<std::unique_ptr<CrashSubject>> less;
  for (std::size_t i = 0; i < history_.size(); ++i) {
    std::string shorter = history_;
    shorter.erase(i, 1);
    less.push_back(std::make_unique<HistorySubject>(shorter, settings_, goes_on_));
  }
  return less;
}

std::string HistorySubject::work(Machine& machine) {
  Run run(machine, settings_, model_);
  run.play(phases_.front());
  model_ = run.model();
  return run.violation();
}

std::string HistorySubject::judge_reading(Machine& machine, bool killed) const {
  Model model = model_;
  if (!killed) model.power_was_cut();
  const auto& directory = machine.directory();
  const std::uint64_t before = directory->fingerprint();
  const Reading strict = read_log(directory, ReadMode::kStrict);
  const Reading best = read_log(directory, ReadMode::kBestEffort);
  if (machine.dead()) return {};
  if (directory->fingerprint() != before) return "a reader wrote";
  if (settings_.older_versions) {
    if (best.error && may_refuse(settings_, model)) return {};
  } else if (strict.error && strict.error->code() != ErrorCode::kTornTail) {
    return "strict reading: " + strict.error->to_string();
  }
  if (auto wrong = model.objection_to(best, killed); !wrong.empty()) return "best effort: " + wrong;
  if (!same(strict, best) && !best.payloads.empty()) return "strict and best-effort reading differ";
  return {};
}

// What a power cut left is on the disk: it must stay. (What is not there may still come back until the log
// has been opened: a repair that is cut off itself can complete a torn frame, byte for byte.)
void HistorySubject::settle(Machine& machine, bool killed) {
  if (killed) return;
  const Reading left = read_log(machine.directory(), ReadMode::kBestEffort);
  model_.acknowledge(left.next() - 1);
  model_.power_was_cut();
}

// What is played on the log after a crash.
std::string HistorySubject::letters_after(const Crash& crash) const {
  const auto number = static_cast<std::size_t>(crash.number);
  if (number < phases_.size()) return phases_[number];
  if (!goes_on_) return "";
  SeededRandom random(crash.seed);
  return std::string(kContinuations[random.below(std::size(kContinuations))]);
}

std::string HistorySubject::recover(Machine& machine, const Crash& crash) {
  const bool killed = crash.killed();
  if (auto wrong = judge_reading(machine, killed); !wrong.empty()) return wrong;
  settle(machine, killed);
  Run run(machine, settings_, model_, killed);
  run.play("");
  if (run.violation().empty() && !run.cut() && !run.refused() && crash.seed % 2 == 0) {
    const Reading once = read_log(run.directory(), ReadMode::kStrict);
    run.play("k");
    const Reading twice = read_log(run.directory(), ReadMode::kStrict);
    if (run.violation().empty() && !run.cut() && !same(once, twice)) return "opening twice gives another log";
  }
  const std::string letters = letters_after(crash);
  if (run.violation().empty() && !run.refused()) run.play(letters);
  model_ = run.model();
  return run.violation().empty()
             ? ""
             : fmt::format("with '{}' after crash {}: {}", letters, crash.number, run.violation());
}

std::uint64_t scaled(std::uint64_t count) {
  const char* text = std::getenv("DURABILITY_CRASH_SAMPLES");
  const double factor = text == nullptr ? 1 : std::strtod(text, nullptr);
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(static_cast<double>(count) * factor));
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

testing::ExplorerOptions explorer_options(const Plan& plan, const Settings& settings) {
  testing::ExplorerOptions options;
  options.disk = {.sector_bytes = settings.sector_bytes, .blocks_remember = settings.blocks_remember};
  if (settings.ordered_only) options.profiles = {CrashProfile::ordered()};
  options.kills = plan.kills;
  options.exhaustive_states = scaled(plan.exhaustive);
  options.samples = scaled(plan.samples);
  options.depth = plan.depth;
  options.recovery_cuts = plan.recovery_only ? 0 : 1;
  return options;
}

void expect_no_violation(const Plan& plan, const std::vector<Settings>& settings) {
  std::uint64_t cuts = 0;
  std::uint64_t states = 0;
  for (const Settings& sizes : settings) {
    testing::Explorer explorer(explorer_options(plan, sizes));
    explorer.explore(HistorySubject(plan.history, sizes, !plan.recovery_only), plan.cuts);
    cuts += explorer.cuts();
    states += explorer.states();
    EXPECT_EQ(explorer.failure(), "");
    if (!explorer.failure().empty()) break;
  }
  std::cout << fmt::format("[  states  ] {}: {} operations, {} crash states\n", plan.history, cuts, states);
}

}  // namespace durability::crash
