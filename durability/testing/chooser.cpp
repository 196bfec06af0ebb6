#include "durability/testing/chooser.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "durability/testing/random.hpp"

namespace durability::testing {

std::uint64_t Chooser::choose(std::uint64_t options) {
  if (options < 2) return 0;
  const std::uint64_t picked = pick(options);
  taken_.push_back(picked);
  return picked;
}

std::string Chooser::choices() const {
  const auto last =
      std::find_if(taken_.rbegin(), taken_.rend(), [](std::uint64_t value) { return value != 0; });
  if (last == taken_.rend()) return "-";
  return fmt::format("{}", fmt::join(taken_.begin(), last.base(), "."));
}

std::uint64_t RandomChooser::pick(std::uint64_t options) { return next_random(state_) % options; }

bool ExhaustiveChooser::next() {
  if (runs_ > 0) {
    // Digits after the last choice of the run are left over from a longer one: their turn is over.
    digits_.resize(std::min(digits_.size(), position()));
    while (!digits_.empty() && digits_.back().value + 1 == digits_.back().options) digits_.pop_back();
    if (digits_.empty()) return false;
    ++digits_.back().value;
  }
  begin_run();
  ++runs_;
  return true;
}

std::uint64_t ExhaustiveChooser::pick(std::uint64_t options) {
  if (position() == digits_.size()) digits_.push_back({0, options});
  const Digit& digit = digits_[position()];
  if (digit.options != options) diverged_ = true;
  return std::min(digit.value, options - 1);
}

Result<std::vector<std::uint64_t>> ReplayChooser::parse(std::string_view choices) {
  std::vector<std::uint64_t> parsed;
  if (choices == "-") return parsed;
  const char* at = choices.data();
  const char* const end = at + choices.size();
  while (true) {
    std::uint64_t value = 0;
    const auto [rest, error] = std::from_chars(at, end, value);
    if (error != std::errc{}) break;
    parsed.push_back(value);
    if (rest == end) return parsed;
    if (*rest != '.') break;
    at = rest + 1;
  }
  return Error(ErrorCode::kInvalidConfig,
               fmt::format("\"{}\" is not a list of choices", escape_for_display(choices)))
      .advise("give what choices() printed, such as 0.2.1");
}

std::uint64_t ReplayChooser::pick(std::uint64_t options) {
  if (position() >= choices_.size()) return 0;
  return std::min(choices_[position()], options - 1);
}

}  // namespace durability::testing
