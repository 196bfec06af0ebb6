// What has the log's turn: a truncation or a publication (publication.hpp), one at a time.

#include "durability/walog/commit/group_commit.hpp"

namespace durability::walog {

// A close that waits comes first: it waits for one turn, however many want theirs.
void GroupCommit::wait_for_turn() {
  changed_.wait(mutex_, [this]() DURABILITY_REQUIRES(mutex_) {
    return !truncating_ && !closing_ && closes_waiting_ == 0;
  });
}

Status GroupCommit::begin_publication() {
  DURABILITY_TRY(in_opening_process());
  const LockGuard lock(mutex_);
  wait_for_turn();
  DURABILITY_TRY(writer_->begin_publication());
  truncating_ = true;
  return {};
}

// Notified with the mutex held: a thread that destroys the log waits for this turn, and with it for this
// call.
void GroupCommit::end_publication() noexcept {
  if (opener_.left()) return;
  const LockGuard lock(mutex_);
  writer_->end_publication();
  truncating_ = false;
  changed_.notify_all();
}

Status GroupCommit::may_publish(DurableId upto) {
  DURABILITY_TRY(in_opening_process());
  const LockGuard lock(mutex_);
  return writer_->may_publish(upto);
}

void GroupCommit::published(DurableId upto) noexcept {
  if (opener_.left()) return;
  const LockGuard lock(mutex_);
  writer_->published(upto);
}

}  // namespace durability::walog
