#include <gtest/gtest.h>

#include <utility>

#include "durability/testing/random.hpp"
#include "durability/walog/segment_name.hpp"
#include "explore.hpp"

namespace durability::crash {
namespace {

using testing::CrashDirectory;
using testing::CrashProfile;
using testing::RandomChooser;
using testing::ReplayChooser;
using testing::SeededRandom;

constexpr std::string_view kContinuations[] = {"as",  "bf",   "aRpAs", "rparps", "cas",  "afkbs", "bsrpf",
                                               "agh", "asRT", "",      "rpRpRp", "Abfr", "arTc",  "gaRphs"};

bool same(const Reading& left, const Reading& right) {
  return left.first == right.first && left.payloads == right.payloads;
}

Status copy_into(Directory& to, Directory& from, const std::string& path) {
  DURABILITY_TRY_ASSIGN(const Bytes contents, from.read_file(path, 1U << 20U));
  return to.write_durable(path, contents);
}

// What a power cut left, on blocks that do not remember.
std::shared_ptr<CrashDirectory> without_memory(CrashDirectory& left_behind, const Settings& settings) {
  auto* const left = &left_behind;
  const auto copy = CrashDirectory::make({.sector_bytes = settings.sector_bytes}).value();
  const auto names = left->list(walog::kWalDirectory);
  EXPECT_TRUE(!left->exists("wal").value() || copy->create_directories(walog::kWalDirectory));
  for (const std::string& name : *names) {
    EXPECT_TRUE(copy_into(*copy, *left, fmt::format("{}/{}", walog::kWalDirectory, name)));
  }
  return copy;
}

}  // namespace

MakeState kill_of(const std::shared_ptr<CrashDirectory>& directory) {
  return [directory] { return directory->after_kill(); };
}

MakeState power_cut_of(CrashDirectory& directory, const Settings& settings, const CrashProfile& profile,
                       testing::Chooser& chooser) {
  auto left = directory.after_power_cut(profile, chooser);
  if (!settings.blocks_remember) left = without_memory(*left, settings);
  // All of it is durable: another power cut changes nothing, and hands out a copy.
  return [left] {
    ReplayChooser nothing_lost({});
    return left->after_power_cut(CrashProfile::ordered(), nothing_lost);
  };
}

std::string Judge::judge(const MakeState& make, const Model& model, bool killed, std::uint64_t seed,
                         int depth, const std::vector<std::string>& more) {
  if (auto wrong = judge_reading(make, model, killed); !wrong.empty()) return wrong;
  if (auto wrong = judge_opening(make, settled(make, model, killed), killed); !wrong.empty()) return wrong;
  return judge_going_on(make, model, killed, seed, depth, more);
}

std::string Judge::judge_reading(const MakeState& make, Model model, bool killed) const {
  if (!killed) model.power_was_cut();
  const auto directory = make();
  const std::uint64_t before = directory->fingerprint();
  const Reading strict = read_log(directory, ReadMode::kStrict);
  const Reading best = read_log(directory, ReadMode::kBestEffort);
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

MakeState Judge::crash(const Run& run, std::optional<CrashProfile> profile, std::uint64_t seed) const {
  if (!profile) return kill_of(run.directory());
  RandomChooser chooser(seed);
  return power_cut_of(*run.directory(), settings_, *profile, chooser);
}

Model Judge::settled(const MakeState& make, Model model, bool killed) {
  if (killed) return model;
  const Reading left = read_log(make(), ReadMode::kBestEffort);
  model.acknowledge(left.next() - 1);
  model.power_was_cut();
  return model;
}

std::string Judge::judge_opening(const MakeState& make, const Model& model, bool killed) {
  Run run(make(), settings_, model, killed);
  run.play("");
  if (!run.violation().empty() || run.refused()) return run.violation();
  const Reading once = read_log(run.directory(), ReadMode::kStrict);
  run.play("k");
  if (!run.violation().empty()) return "opened twice: " + run.violation();
  if (!same(once, read_log(run.directory(), ReadMode::kStrict))) return "opening twice gives another log";
  run.play("ask");
  if (!run.violation().empty()) return "going on with 'ask': " + run.violation();
  return {};
}

std::string Judge::judge_going_on(const MakeState& make, Model model, bool killed, std::uint64_t seed,
                                  int depth, std::vector<std::string> more) {
  ++states_;
  if (depth <= 0 && more.empty()) return {};
  model = settled(make, std::move(model), killed);
  SeededRandom random(seed);
  std::string letters(kContinuations[random.below(std::size(kContinuations))]);
  if (!more.empty()) {
    letters = more.front();
    more.erase(more.begin());
  }
  // One in three runs to its end; short cuts fall into recovery.
  const std::uint64_t cut = random.one_in(3) ? kNoCut : random.below(random.one_in(2) ? 8 : 40);
  Run run(make(), settings_, model, killed);
  run.cut_after(cut);
  run.play(letters);
  const auto profiles = profiles_of(settings_);
  const std::uint64_t ways = profiles.size();
  const std::uint64_t way = random.below(kills_ ? ways + 1 : ways);
  std::optional<CrashProfile> profile;
  if (way < ways) profile = profiles[way];
  const std::string where =
      fmt::format("then '{}' cut at {}, {}: ", letters, cut == kNoCut ? "its end" : std::to_string(cut),
                  profile ? profile->name : "kill");
  if (!run.violation().empty()) return where + run.violation();
  if (run.refused()) return {};
  const auto crashed = crash(run, profile, random.next_u64());
  auto wrong = judge(crashed, run.model(), !profile, random.next_u64(), depth - 1, more);
  return wrong.empty() ? wrong : where + wrong;
}

std::string Judge::judge_recovery(const MakeState& make, const Model& model, bool killed, std::uint64_t seed,
                                  int levels) {
  ++states_;
  if (auto wrong = judge_reading(make, model, killed); !wrong.empty()) return wrong;
  if (auto wrong = judge_opening(make, settled(make, model, killed), killed); !wrong.empty()) return wrong;
  if (levels == 0) return {};
  SeededRandom random(seed);
  for (std::uint64_t cut = 0;; ++cut) {
    Run run(make(), settings_, settled(make, model, killed), killed);
    run.cut_after(cut);
    run.play("");
    if (!run.violation().empty()) return fmt::format("opening cut at {}: {}", cut, run.violation());
    if (!run.cut() || run.refused()) return {};
    const auto profiles = profiles_of(settings_);
    const std::uint64_t ways = profiles.size() + (kills_ ? 1 : 0);
    // Further down one way is drawn: all of them are too many.
    const std::uint64_t only = random.below(ways);
    for (std::uint64_t way = 0; way < ways; ++way) {
      if (levels == 1 && way != only) continue;
      std::optional<CrashProfile> profile;
      if (way < profiles.size()) profile = profiles[way];
      auto wrong = judge_recovery(crash(run, profile, random.next_u64()), run.model(), !profile,
                                  random.next_u64(), levels - 1);
      if (!wrong.empty()) {
        return fmt::format("opening cut at {}, {}: {}", cut, profile ? profile->name : "kill", wrong);
      }
    }
  }
}

}  // namespace durability::crash
