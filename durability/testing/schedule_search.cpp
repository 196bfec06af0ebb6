#include "durability/testing/schedule_search.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "durability/testing/random.hpp"

namespace durability::testing {
namespace {

constexpr std::uint64_t kLeftBits = 7;
constexpr std::size_t kFirstSeen = std::size_t{1} << 12U;

}  // namespace

Result<ScheduleSearch> ScheduleSearch::repeating(std::string_view schedule) {
  ScheduleSearch search(0);
  search.repeating_ = true;
  if (schedule == "-") return search;
  const char* at = schedule.data();
  const char* const end = at + schedule.size();
  const auto number = [&](char after) {
    std::uint64_t value = 0;
    const auto [stopped, error] = std::from_chars(at, end, value);
    const bool fine = error == std::errc{} && (stopped == end ? after == ' ' : *stopped == after);
    at = stopped == end ? end : stopped + 1;
    return std::pair(value, fine);
  };
  while (at != end) {
    const auto [position, is_position] = number(':');
    const auto [option, is_option] = number(' ');
    if (!is_position || !is_option) {
      return Error(ErrorCode::kInvalidConfig,
                   fmt::format("\"{}\" is no schedule", escape_for_display(schedule)))
          .advise("give what a failure printed, such as 17:2 41:1");
    }
    search.path_.push_back(
        {.position = position, .option = option, .options = option + 1, .preempts = false, .left = 0});
  }
  return search;
}

ScheduleSearch ScheduleSearch::sampling(unsigned preemptions, std::uint64_t seed) {
  ScheduleSearch search(preemptions);
  search.sampling_ = true;
  search.random_ = seed;
  return search;
}

void ScheduleSearch::draw() {
  path_.clear();
  most_may_preempt_ = std::max(most_may_preempt_, may_preempt_);
  may_preempt_ = 0;
  preempt_at_.clear();
  for (unsigned i = 0; i < preemptions_ && most_may_preempt_ > 0; ++i) {
    preempt_at_.push_back(next_random(random_) % most_may_preempt_);
  }
}

// Whoever waits gives the turn to anybody; whoever could go on, only where it was drawn.
std::size_t ScheduleSearch::draw_option(const Decision& decision) {
  std::size_t option = 0;
  if (!decision.preempts) {
    option = next_random(random_) % decision.options;
  } else if (std::ranges::find(preempt_at_, may_preempt_++) != preempt_at_.end()) {
    option = 1 + next_random(random_) % (decision.options - 1);
  }
  path_.push_back({.position = decision.position,
                   .option = option,
                   .options = decision.options,
                   .preempts = decision.preempts,
                   .left = 0});
  return option;
}

bool ScheduleSearch::next() {
  if (sampling_) {
    draw();
    ++runs_;
    return true;
  }
  if (repeating_ && runs_ > 0) return false;
  if (runs_ > 0) {
    while (!path_.empty() && path_.back().option + 1 == path_.back().options) path_.pop_back();
    if (path_.empty()) return false;
    ++path_.back().option;
  }
  followed_ = 0;
  left_ = preemptions_;
  nothing_new_ = repeating_;
  ++runs_;
  return true;
}

std::size_t ScheduleSearch::decide(const Decision& decision) {
  if (sampling_) return draw_option(decision);
  if (followed_ < path_.size()) {
    const Node& node = path_[followed_];
    if (node.position != decision.position) return 0;
    ++followed_;
    if (decision.preempts && node.option > 0 && left_ > 0) --left_;
    return std::min(node.option, decision.options - 1);
  }
  if (nothing_new_ || (decision.preempts && left_ == 0)) return 0;
  if (!is_new(decision.state)) {
    nothing_new_ = true;
    return 0;
  }
  path_.push_back({.position = decision.position,
                   .option = 0,
                   .options = decision.options,
                   .preempts = decision.preempts,
                   .left = left_});
  followed_ = path_.size();
  return 0;
}

std::string ScheduleSearch::schedule() const {
  std::string schedule;
  for (const Node& node : path_) {
    if (node.option == 0) continue;
    if (!schedule.empty()) schedule += ' ';
    schedule += fmt::format("{}:{}", node.position, node.option);
  }
  return schedule.empty() ? "-" : schedule;
}

// Notes that it has been met with so many preemptions left.
bool ScheduleSearch::is_new(std::uint64_t state) {
  if (2 * (seen_count_ + 1) > seen_.size()) grow_seen();
  const std::uint64_t key = state & ~kLeftBits;
  const std::uint64_t entry = key | (std::min<std::uint64_t>(left_, kLeftBits - 1) + 1);
  std::size_t at = (state >> 3U) % seen_.size();
  while (seen_[at] != 0 && (seen_[at] & ~kLeftBits) != key) at = (at + 1) % seen_.size();
  if (seen_[at] >= entry) return false;
  if (seen_[at] == 0) ++seen_count_;
  seen_[at] = entry;
  return true;
}

void ScheduleSearch::grow_seen() {
  std::vector<std::uint64_t> larger(std::max(2 * seen_.size(), kFirstSeen));
  for (const std::uint64_t entry : seen_) {
    if (entry == 0) continue;
    std::size_t at = (entry >> 3U) % larger.size();
    while (larger[at] != 0) at = (at + 1) % larger.size();
    larger[at] = entry;
  }
  seen_ = std::move(larger);
}

}  // namespace durability::testing
