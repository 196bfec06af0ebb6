#include "durability/async/mailbox.hpp"

namespace durability::async {

std::shared_ptr<Mailbox> Mailbox::make(const Home& home) {
  std::shared_ptr<Mailbox> mailbox(new Mailbox(home));
  if (home.guests != nullptr && !home.guests->add(*mailbox)) mailbox->cut_off();
  return mailbox;
}

Mailbox::~Mailbox() {
  if (home_.guests) home_.guests->remove(*this);
}

// NOLINTNEXTLINE(bugprone-exception-escape): schedule() posts out of memory that is there, and tries again
void Mailbox::put(ItemList& group) noexcept {
  Lock lock(mutex_);
  if (!home_is_gone_) {
    waiting_.append(group);
    if (!scheduled_ && !waiting_.empty()) schedule();
    return;
  }
  lock.unlock();
  for (QueueItem& item : group) item.tell(false);
  group.drop_all();
}

// The context does not end before this is posted: cut_off() waits for the mutex.
void Mailbox::schedule() {
  scheduled_ = true;
  post_reserved(home_.executor, reserve_, [self = shared_from_this()] { self->deliver(); });
}

void Mailbox::deliver() {
  ItemList turn;
  {
    const LockGuard lock(mutex_);
    while (!waiting_.empty() && turn.size() < kAtOnce) turn.push_back(waiting_.take_front());
  }
  try {
    while (!turn.empty()) turn.take_front()->tell(true);
  } catch (...) {  // a handler's own
    take_next_turn(turn);
    throw;
  }
  take_next_turn(turn);
}

void Mailbox::take_next_turn(ItemList& left) {
  const LockGuard lock(mutex_);
  left.append(waiting_);
  waiting_.append(left);
  scheduled_ = false;
  if (!waiting_.empty() && !home_is_gone_) schedule();
}

void Mailbox::cut_off() noexcept {
  ItemList left;
  {
    const LockGuard lock(mutex_);
    home_is_gone_ = true;
    left.append(waiting_);
  }
  for (QueueItem& item : left) item.tell(false);
}

}  // namespace durability::async
