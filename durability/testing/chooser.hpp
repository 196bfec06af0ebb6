#pragma once

// Decisions of a simulation, taken from outside. Whatever a simulated crash may do in more than one way
// it asks a Chooser for, so that the same code serves three ends: to walk through all outcomes, to
// sample them, and to repeat exactly one, from a line that a failing test printed:
//
//   ExhaustiveChooser chooser;
//   while (chooser.next()) {
//     auto disk = crashed->after_power_cut(CrashProfile::writeback(), chooser);
//     ASSERT_TRUE(recovers(disk)) << "repeat with ReplayChooser(\"" << chooser.choices() << "\")";
//   }
//
// Option 0 is always the mildest: nothing lost.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "durability/base/result.hpp"

namespace durability::testing {

/// Not thread-safe: one simulation, one chooser.
class Chooser {
 public:
  virtual ~Chooser() = default;
  Chooser() = default;
  Chooser(const Chooser&) = delete;
  Chooser& operator=(const Chooser&) = delete;

  /// A number below `options`. Where there is no choice (0 or 1 options) the answer is 0, and nothing
  /// is recorded.
  [[nodiscard]] std::uint64_t choose(std::uint64_t options);

  /// What was chosen since the run began, for ReplayChooser: `0.2.1`, or `-` where it was always 0.
  /// Zeros at the end are left out.
  [[nodiscard]] std::string choices() const;

 protected:
  void begin_run() noexcept { taken_.clear(); }
  /// How many choices the run has made so far.
  [[nodiscard]] std::size_t position() const noexcept { return taken_.size(); }

 private:
  [[nodiscard]] virtual std::uint64_t pick(std::uint64_t options) = 0;

  std::vector<std::uint64_t> taken_;
};

/// The same choices for the same seed, on every machine.
class RandomChooser final : public Chooser {
 public:
  explicit RandomChooser(std::uint64_t seed) noexcept : state_(seed) {}

 private:
  [[nodiscard]] std::uint64_t pick(std::uint64_t options) override;

  std::uint64_t state_;
};

/// Goes through every sequence of choices, each once, like an odometer; the first run chooses 0
/// throughout. What is run must choose by its earlier choices alone (no clock, no other randomness).
class ExhaustiveChooser final : public Chooser {
 public:
  /// Begins the next run; false where every sequence has been run.
  [[nodiscard]] bool next();
  /// How many runs have begun.
  [[nodiscard]] std::uint64_t runs() const noexcept { return runs_; }
  /// True where a run offered another number of options than an earlier one after the same choices:
  /// then what is run is not deterministic, and "every sequence" means nothing.
  [[nodiscard]] bool diverged() const noexcept { return diverged_; }

 private:
  struct Digit {
    std::uint64_t value;
    std::uint64_t options;
  };
  [[nodiscard]] std::uint64_t pick(std::uint64_t options) override;

  std::vector<Digit> digits_;
  std::uint64_t runs_ = 0;
  bool diverged_ = false;
};

/// Repeats what choices() printed; past its end it chooses 0. A choice that is not among the options
/// becomes the last of them.
class ReplayChooser final : public Chooser {
 public:
  explicit ReplayChooser(std::vector<std::uint64_t> choices) noexcept : choices_(std::move(choices)) {}
  /// Reads the printed form; `invalid_config` where it is none.
  [[nodiscard]] static Result<std::vector<std::uint64_t>> parse(std::string_view choices);

 private:
  [[nodiscard]] std::uint64_t pick(std::uint64_t options) override;

  std::vector<std::uint64_t> choices_;
};

}  // namespace durability::testing
