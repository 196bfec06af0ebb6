#include "durability/testing/explorer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "durability/testing/random.hpp"

namespace durability::testing {
namespace {

// Most of what goes wrong in a recovery goes wrong in its first operations.
constexpr std::uint64_t kFirstOperations = 8;

std::uint64_t mix(std::uint64_t state, std::uint64_t more) noexcept {
  state ^= more;
  return next_random(state);
}

}  // namespace

struct Explorer::Place {
  std::unique_ptr<CrashSubject> subject;
  std::unique_ptr<Machine> machine;
};

Explorer::Explorer(ExplorerOptions options) : options_(std::move(options)) {
  for (const CrashProfile& profile : options_.profiles) ways_.push_back({.name = std::string(profile.name)});
  if (options_.kills) ways_.push_back({.name = std::string(CrashStep::kKill)});
}

void Explorer::explore(const CrashSubject& subject, CutRange cuts) {
  if (!failure_.empty()) return;
  ++subjects_;
  subject_ = &subject;
  for (std::uint64_t cut = cuts.first;; ++cut) {
    Place place{.subject = subject.clone(),
                .machine = std::make_unique<Machine>(CrashDirectory::make(options_.disk).value(), cut)};
    if (auto wrong = place.subject->work(*place.machine); !wrong.empty()) {
      return fail(subject, {{cut, std::string(CrashStep::kNone), "-"}}, std::move(wrong));
    }
    ++cuts_;
    const bool last = !place.machine->dead() || cut >= cuts.last;
    crash(place, {}, cut);
    if (last || !failure_.empty()) return;
  }
}

void Explorer::explore_words(std::string_view letters, std::size_t length,
                             const std::function<std::unique_ptr<CrashSubject>(const std::string&)>& make) {
  struct Prefix {
    std::string word;
    std::uint64_t operations;
  };
  std::vector<Prefix> prefixes{{"", 0}};
  for (std::size_t size = 1; size <= length; ++size) {
    std::vector<Prefix> longer;
    for (const Prefix& prefix : prefixes) {
      for (const char letter : letters) {
        if (!failure_.empty()) return;
        std::string word = prefix.word + letter;
        const auto subject = make(word);
        explore(*subject, {.first = prefix.operations});
        Machine machine(CrashDirectory::make(options_.disk).value());
        static_cast<void>(subject->work(machine));  // what is wrong in it explore() has found
        longer.push_back({std::move(word), machine.operations()});
      }
    }
    prefixes = std::move(longer);
  }
}

void Explorer::crash(const Place& place, const CrashPath& before, std::uint64_t cut) {
  for (ExploredWay& way : ways_) {
    const CrashStep step{.cut = cut, .way = way.name, .choices = "-"};
    if (way.name == CrashStep::kKill) {
      ++way.exhaustive_cuts;
      CrashPath path = before;
      path.push_back(step);
      visit(place, path, place.machine->directory()->after_kill(), way);
    } else {
      crash_in_profile(place, before, step, way);
    }
    if (!failure_.empty()) return;
  }
}

void Explorer::crash_in_profile(const Place& place, const CrashPath& before, CrashStep step,
                                ExploredWay& way) {
  const CrashProfile profile = options_.profiles[static_cast<std::size_t>(&way - ways_.data())];
  CrashPath path = before;
  path.emplace_back();
  const auto visit_choice = [&](Chooser& chooser) {
    auto left = place.machine->directory()->after_power_cut(profile, chooser);
    step.choices = chooser.choices();
    path.back() = step;
    visit(place, path, std::move(left), way);
  };
  ExhaustiveChooser chooser;
  while (chooser.next()) {
    if (chooser.runs() > options_.exhaustive_states) {
      ++way.sampled_cuts;
      for (std::uint64_t i = 0; i < options_.samples && failure_.empty(); ++i) {
        RandomChooser random(mix(mix(step.cut, before.size()), i));
        visit_choice(random);
      }
      return;
    }
    visit_choice(chooser);
    if (!failure_.empty()) return;
  }
  ++way.exhaustive_cuts;
}

bool Explorer::seen_before(const Place& place, const CrashPath& path, const CrashDirectory& left) {
  std::uint64_t key = mix(left.fingerprint(), path.size());
  key = mix(key, path.back().way == CrashStep::kKill ? 1 : 2);
  const auto knowledge = place.subject->knowledge();
  if (knowledge) {
    key = mix(key, *knowledge);
  } else {
    key = mix(mix(key, subjects_), path.back().cut);
  }
  return !seen_.insert(key).second;
}

void Explorer::visit(const Place& place, const CrashPath& path, std::shared_ptr<CrashDirectory> left,
                     ExploredWay& way) {
  ++way.states;
  if (seen_before(place, path, *left)) return;
  ++way.unique;
  const Place recovered{.subject = place.subject->clone(),
                        .machine = std::make_unique<Machine>(std::move(left))};
  auto wrong = recovered.subject->recover(*recovered.machine, crash_of(path, options_.profiles));
  if (!wrong.empty()) return fail(*subject_, path, std::move(wrong));
  if (path.size() <= static_cast<std::size_t>(options_.depth)) crash_recovery(place, path, recovered);
}

void Explorer::crash_recovery(const Place& place, const CrashPath& path, const Place& recovered) {
  const std::uint64_t end = recovered.machine->operations();
  if (options_.recovery_cuts == 0) {
    for (std::uint64_t cut = 0; cut <= end && failure_.empty(); ++cut) {
      crash_recovery_at(place, path, recovered, cut);
    }
    return;
  }
  SeededRandom random(crash_of(path, options_.profiles).seed);
  for (std::uint64_t i = 0; i < options_.recovery_cuts && failure_.empty(); ++i) {
    // One in three runs to its end.
    std::uint64_t cut = end;
    if (!random.one_in(3)) cut = random.below(random.one_in(2) ? std::min(end, kFirstOperations) : end);
    crash_recovery_at(place, path, recovered, cut);
  }
}

void Explorer::crash_recovery_at(const Place& place, const CrashPath& path, const Place& recovered,
                                 std::uint64_t cut) {
  std::optional<Place> again;
  if (cut < recovered.machine->operations()) {
    const auto left = leave(*place.machine, path.back(), options_.profiles);
    again = Place{.subject = place.subject->clone(), .machine = std::make_unique<Machine>(left, cut)};
    auto wrong = again->subject->recover(*again->machine, crash_of(path, options_.profiles));
    if (!wrong.empty()) {
      CrashPath failed = path;
      failed.push_back({cut, std::string(CrashStep::kNone), "-"});
      return fail(*subject_, failed, std::move(wrong));
    }
  }
  const Place& dead = again ? *again : recovered;
  const bool every_way = options_.recovery_cuts == 0 && path.size() == 1;
  SeededRandom random(mix(crash_of(path, options_.profiles).seed, cut));
  const std::uint64_t only = random.below(ways_.size());
  for (std::size_t way = 0; way < ways_.size() && failure_.empty(); ++way) {
    if (!every_way && way != only) continue;
    CrashPath next = path;
    next.push_back({cut, ways_[way].name, "-"});
    std::shared_ptr<CrashDirectory> left;
    if (ways_[way].name == CrashStep::kKill) {
      left = dead.machine->directory()->after_kill();
    } else {
      RandomChooser chooser(random.next_u64());
      left = dead.machine->directory()->after_power_cut(options_.profiles[way], chooser);
      next.back().choices = chooser.choices();
    }
    visit(dead, next, std::move(left), ways_[way]);
  }
}

void Explorer::fail(const CrashSubject& subject, const CrashPath& path, std::string wrong) {
  failed_path_ = path;
  failed_why_ = std::move(wrong);
  failure_ = fmt::format("{} | {}\n  {}", subject.name(), to_string(path), failed_why_);
  if (options_.shrink_runs == 0) return;
  shrink_losses(subject);
  shrink_subject(subject);
}

// Takes the first smaller subject that fails too, and goes on from there.
void Explorer::shrink_subject(const CrashSubject& subject) {
  for (const auto& smaller : subject.smaller()) {
    if (options_.shrink_runs == 0) return;
    ExplorerOptions options = options_;
    options.shrink_runs = 0;
    --options_.shrink_runs;
    Explorer explorer(options);
    explorer.explore(*smaller);
    if (!explorer.failure().empty()) return fail(*smaller, explorer.failed_path_, explorer.failed_why_);
  }
}

// Option 0 of every choice is the mildest.
void Explorer::shrink_losses(const CrashSubject& subject) {
  for (std::size_t i = 0; i < failed_path_.size(); ++i) {
    const auto choices = ReplayChooser::parse(failed_path_[i].choices).value();
    for (std::size_t at = 0; at < choices.size(); ++at) {
      CrashPath milder = failed_path_;
      auto fewer = ReplayChooser::parse(milder[i].choices).value();
      if (at >= fewer.size() || fewer[at] == 0) continue;
      fewer[at] = 0;
      milder[i].choices = fmt::format("{}", fmt::join(fewer, "."));
      auto wrong = follow(subject, options_.disk, options_.profiles, milder);
      if (wrong.empty()) continue;
      failed_path_ = milder;
      failed_why_ = std::move(wrong);
      failure_ = fmt::format("{} | {}\n  {}", subject.name(), to_string(failed_path_), failed_why_);
    }
  }
}

std::uint64_t Explorer::states() const noexcept {
  std::uint64_t states = 0;
  for (const ExploredWay& way : ways_) states += way.unique;
  return states;
}

std::string Explorer::report() const {
  std::string text = fmt::format("{} subjects, {} operations, {} states\n", subjects_, cuts_, states());
  text += fmt::format("{:<12}{:>12}{:>12}{:>18}{:>14}\n", "", "states", "unique", "exhaustive cuts",
                      "sampled cuts");
  for (const ExploredWay& way : ways_) {
    text += fmt::format("{:<12}{:>12}{:>12}{:>18}{:>14}\n", way.name, way.states, way.unique,
                        way.exhaustive_cuts, way.sampled_cuts);
  }
  return text;
}

}  // namespace durability::testing
