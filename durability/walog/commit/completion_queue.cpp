#include "durability/walog/commit/completion_queue.hpp"

#include <algorithm>
#include <utility>

#include "durability/base/invariant.hpp"

namespace durability::walog {

void CompletionQueue::reserve_one() {
  if (waiting_.size() < waiting_.capacity()) return;
  if (first_ > waiting_.size() / 2) {
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  } else {
    waiting_.reserve(std::max<std::size_t>(2 * waiting_.capacity(), 64));
  }
}

void CompletionQueue::push(EntryId id, DurableCompletion completion) noexcept {
  DURABILITY_INVARIANT(empty() || waiting_.back().id < id);
  DURABILITY_INVARIANT(waiting_.size() < waiting_.capacity());
  waiting_.push_back({id, std::move(completion)});
}

void CompletionQueue::take_through(EntryId id, std::vector<PendingCompletion>& taken) noexcept {
  while (!empty() && front() <= id && taken.size() < taken.capacity())
    taken.push_back(std::move(waiting_[first_++]));
  if (!empty()) return;
  waiting_.clear();
  first_ = 0;
}

}  // namespace durability::walog
