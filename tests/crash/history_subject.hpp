#pragma once

// A history of letters (history.hpp) under the crash explorer.
//
// Judging a crash state means: strict and best-effort reading agree, write nothing, and show a gap-free
// prefix with everything that was acknowledged; the log opens, twice, to the same; and it goes on: further
// letters are run on it, which the explorer cuts off somewhere and crashes again, as deep as asked.
//
// `!` in a history is a crash: what stands before it is work(), what follows is run on what is left.
//
// A failure prints one line. With that line in the environment variable DURABILITY_CRASH_REPEAT the test
// CrashHistories.RepeatsTheLineInTheEnvironment runs just that state. DURABILITY_CRASH_SAMPLES multiplies
// the number of samples.

#include <cstdint>
#include <string>
#include <vector>

#include "durability/testing/explorer.hpp"
#include "history.hpp"

namespace durability::crash {

class HistorySubject final : public testing::CrashSubject {
 public:
  HistorySubject(std::string_view history, const Settings& settings, bool goes_on = true);
  /// From the line that name() prints.
  static HistorySubject parse(std::string_view line);

  std::string work(testing::Machine& machine) override;
  std::string recover(testing::Machine& machine, const testing::Crash& crash) override;
  [[nodiscard]] std::unique_ptr<CrashSubject> clone() const override;
  [[nodiscard]] std::string name() const override;
  [[nodiscard]] std::optional<std::uint64_t> knowledge() const override;
  [[nodiscard]] std::vector<std::unique_ptr<CrashSubject>> smaller() const override;

  [[nodiscard]] const Settings& settings() const noexcept { return settings_; }

 private:
  [[nodiscard]] std::string judge_reading(testing::Machine& machine, bool killed) const;
  void settle(testing::Machine& machine, bool killed);
  [[nodiscard]] std::string letters_after(const testing::Crash& crash) const;

  std::string history_;
  std::vector<std::string> phases_;
  Settings settings_;
  bool goes_on_;
  Model model_;
};

struct Plan {
  std::string history = {};
  std::uint64_t exhaustive = 5;  ///< as many states of one cut and profile are all visited
  std::uint64_t samples = 3;     ///< drawn where there are more
  int depth = 1;                 ///< further crashes after the first
  bool kills = true;             ///< a killed process too, not only power cuts
  bool recovery_only = false;    ///< instead of going on: crash opening at each of its operations
  testing::CutRange cuts = {};
};

/// `count` times DURABILITY_CRASH_SAMPLES (which may be a fraction: the sanitizers run one), at least 1.
[[nodiscard]] std::uint64_t scaled(std::uint64_t count);

/// All settings that a history is worth running under.
[[nodiscard]] std::vector<Settings> all_settings();

[[nodiscard]] testing::ExplorerOptions explorer_options(const Plan& plan, const Settings& settings);

/// Explores a history under each of `settings`; fails the test at the first violation, and prints the
/// figures.
void expect_no_violation(const Plan& plan, const std::vector<Settings>& settings = all_settings());

}  // namespace durability::crash
