#include "durability/testing/schedule_search.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

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
  const auto number = [&](char behind) {
    std::uint64_t value = 0;
    const auto [stopped, error] = std::from_chars(at, end, value);
    const bool fine = error == std::errc{} && (stopped == end ? behind == ' ' : *stopped == behind);
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

bool ScheduleSearch::next() {
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
