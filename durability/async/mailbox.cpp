#include "durability/async/mailbox.hpp"

#include <iterator>

namespace durability::async {

void Mailbox::put(std::vector<Letter> group) {
  {
    const std::lock_guard lock(mutex_);
    std::move(group.begin(), group.end(), std::back_inserter(waiting_));
    if (scheduled_ || waiting_.empty()) return;
    scheduled_ = true;
  }
  boost::asio::post(home_, [self = shared_from_this()] { self->deliver(); });
}

void Mailbox::deliver() {
  try {
    for (std::size_t told = 0; told < kAtOnce && deliver_one(); ++told) {
    }
  } catch (...) {  // a handler's own
    take_next_turn();
    throw;
  }
  take_next_turn();
}

void Mailbox::take_next_turn() {
  {
    const std::lock_guard lock(mutex_);
    scheduled_ = !waiting_.empty();
    if (!scheduled_) return;
  }
  boost::asio::post(home_, [self = shared_from_this()] { self->deliver(); });
}

bool Mailbox::deliver_one() {
  std::unique_lock lock(mutex_);
  if (waiting_.empty()) return false;
  Letter next = std::move(waiting_.front());
  waiting_.pop_front();
  lock.unlock();
  std::visit(
      [](auto& outcome) {
        if (outcome.waiter->claim()) outcome.waiter->complete_at_home(std::move(outcome.result));
      },
      next);
  return true;
}

}  // namespace durability::async
