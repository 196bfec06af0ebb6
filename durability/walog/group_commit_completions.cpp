// The side of group commit where nobody waits: completions, and the thread that calls them.

#include <utility>

#include "durability/walog/group_commit.hpp"

namespace durability::walog {

GroupCommit::~GroupCommit() {
  Lock lock(mutex_);
  changed_.wait(lock, [this] { return !truncating_; });
  ending_ = true;
  if (!thread_.joinable()) return;
  work_.notify_one();
  lock.unlock();
  thread_.join();
}

void GroupCommit::append_durable(ByteView payload, DurableCompletion completion) {
  Lock lock(mutex_);
  const auto appended = append_with(lock, payload, completion);
  const bool wake_thread = appended && idle_ && !syncing_;
  lock.unlock();
  if (wake_thread) work_.notify_one();
  if (!appended) completion(appended.error());
}

// What may throw for want of memory comes first: an entry that is appended has its completion in the queue.
Result<EntryId> GroupCommit::append_with(Lock& lock, ByteView payload, DurableCompletion& completion) {
  DURABILITY_TRY(make_room(lock));
  if (!thread_.joinable()) thread_ = std::thread([this] { commit(); });
  completions_.reserve_one();
  DURABILITY_TRY_ASSIGN(const EntryId id, writer_->append(payload));
  completions_.push(id, std::move(completion));
  ++in_flight_;
  return id;
}

Status GroupCommit::make_room(Lock& lock) {
  const WalOptions& options = writer_->options();
  if (in_flight_ < options.max_in_flight) return {};
  const bool may_wait =
      options.when_full == WhenFull::kWait && std::this_thread::get_id() != thread_.get_id();
  if (!may_wait) {
    return Error(ErrorCode::kInvalidState,
                 fmt::format("{} durable appends are in flight, as many as WalOptions::max_in_flight allows",
                             in_flight_))
        .advise("nothing was appended; try again when some have been completed");
  }
  changed_.wait(lock, [&] { return in_flight_ < options.max_in_flight; });
  return {};
}

// Leads a sync, or waits for one, or for something to do.
void GroupCommit::commit() {
  Lock lock(mutex_);
  while (true) {
    const EntryId through = decided_through();
    if (!completions_.empty() && completions_.front() <= through) {
      deliver(lock, through);
    } else if (!completions_.empty() && !syncing_ && !closing_) {
      if (auto led = lead(lock); !led && !failure_) failure_ = std::move(led).error();
      lock.lock();
    } else if (ending_) {
      return;
    } else {
      idle_ = true;
      work_.wait(lock);
      idle_ = false;
    }
  }
}

void GroupCommit::deliver(Lock& lock, EntryId through) {
  completions_.take_through(through, delivered_);
  const std::size_t count = delivered_.size();
  const auto durable = writer_->durable_id();
  const Error why_not =
      failure_.value_or(Error(ErrorCode::kInvalidState, "the writer ended before a sync covered this entry")
                            .advise("the entry may be there or not: open the log and look"));
  lock.unlock();
  for (PendingCompletion& pending : delivered_) {
    if (durable && pending.id <= durable->entry()) {
      pending.completion(internal::DurableIdIssuer::issue(pending.id));
    } else {
      pending.completion(why_not);
    }
  }
  delivered_.clear();
  lock.lock();
  in_flight_ -= count;
  changed_.notify_all();
}

}  // namespace durability::walog
