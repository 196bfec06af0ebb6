#pragma once

// Crashes a history at every operation, in every way the profiles know, and judges what is left.
//
// Judging a crash state means: strict and best-effort reading agree, write nothing, and show a gap-free
// prefix with everything that was acknowledged; the log opens, twice, to the same; and it goes on: further
// letters are run on it, cut off somewhere, crashed again and judged again, as deep as asked.
//
// `!` in a history is a crash too: what stands before it is crashed at every operation, what follows is run
// on what is left, with crashes drawn from a seed.
//
// A failure prints one line. With that line in the environment variable DURABILITY_CRASH_REPEAT the test
// CrashHistories.RepeatsTheLineInTheEnvironment runs just that state. DURABILITY_CRASH_SAMPLES multiplies
// the number of samples.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "history.hpp"

namespace durability::crash {

/// One crash state, repeatable.
struct Case {
  std::string history;
  Settings settings;
  std::uint64_t cut = 0;
  std::string crash = "-";    ///< `kill`, or a profile's name
  std::string choices = "-";  ///< as Chooser::choices() prints them
  std::uint64_t seed = 0;

  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] static Case parse(std::string_view line);
};

inline constexpr std::uint64_t kNoCut = 1'000'000;

struct Plan {
  std::string history;
  Settings settings = {};
  std::uint64_t exhaustive = 5;  ///< as many states of one cut and profile are all visited
  std::uint64_t samples = 3;     ///< drawn where there are more
  int depth = 1;                 ///< further crashes behind the first
  bool kills = true;             ///< a killed process too, not only power cuts
  int recovery_levels = 0;       ///< instead: crash opening at each of its operations, so many times over
  std::uint64_t first_cut = 0;
  std::uint64_t last_cut = kNoCut;
};

struct Figures {
  std::uint64_t states = 0;  ///< crash states that were judged, deeper ones included
  std::uint64_t cuts = 0;
  std::string failure;  ///< empty, or the line that repeats it and what was wrong

  Figures& operator+=(const Figures& other);
};

/// `count` times DURABILITY_CRASH_SAMPLES (which may be a fraction: the sanitizers run one), at least 1.
[[nodiscard]] std::uint64_t scaled(std::uint64_t count);

/// The crash profiles that `settings` asks for, the mildest first.
[[nodiscard]] std::span<const testing::CrashProfile> profiles_of(const Settings& settings);

/// All settings that a history is worth running under.
[[nodiscard]] std::vector<Settings> all_settings();

[[nodiscard]] Figures explore(const Plan& plan);
/// Runs one printed case again.
[[nodiscard]] std::string repeat(const Case& one, int depth = 2);

/// explore() under each of `settings`; fails the test at the first violation, and prints the figures.
void expect_no_violation(Plan plan, const std::vector<Settings>& settings = all_settings());

/// A way to get a crash state again and again: judging one uses it up.
using MakeState = std::function<std::shared_ptr<testing::CrashDirectory>()>;

[[nodiscard]] MakeState kill_of(const std::shared_ptr<testing::CrashDirectory>& directory);
/// What a power cut leaves, on blocks that hold nothing of what it took away. With their memory
/// (Settings::blocks_remember) the hostile profile brings an entry back that one power cut lost, in the place
/// of the one that was appended under the same id since, where the next power cut loses that; no sum over
/// log, segment and frame can tell the two apart.
[[nodiscard]] MakeState power_cut_of(testing::CrashDirectory& directory, const Settings& settings,
                                     const testing::CrashProfile& profile, testing::Chooser& chooser);

class Judge {
 public:
  Judge(const Settings& settings, bool kills) : settings_(settings), kills_(kills) {}

  /// What is wrong with a state, or nothing. `more` is played on it before it crashes again; empty: letters
  /// drawn from the seed.
  std::string judge(const MakeState& make, const Model& model, bool killed, std::uint64_t seed, int depth,
                    const std::vector<std::string>& more = {});
  /// The second half of that: crashing further, on a state that was looked at before.
  std::string judge_going_on(const MakeState& make, Model model, bool killed, std::uint64_t seed, int depth,
                             std::vector<std::string> more);
  /// Crashes opening at each of its operations, in every way; and, `levels` deep, the openings behind that.
  std::string judge_recovery(const MakeState& make, const Model& model, bool killed, std::uint64_t seed,
                             int levels);

  [[nodiscard]] std::uint64_t states() const noexcept { return states_; }

 private:
  [[nodiscard]] std::string judge_reading(const MakeState& make, Model model, bool killed) const;
  /// What a power cut left is on the disk: it must stay. (What is not there may still come back until the log
  /// has been opened: a repair that is cut off itself can complete a torn frame, byte for byte.)
  static Model settled(const MakeState& make, Model model, bool killed);
  std::string judge_opening(const MakeState& make, const Model& model, bool killed);

  [[nodiscard]] MakeState crash(const Run& run, std::optional<testing::CrashProfile> profile,
                                std::uint64_t seed) const;

  Settings settings_;
  bool kills_;
  std::uint64_t states_ = 0;
};

}  // namespace durability::crash
