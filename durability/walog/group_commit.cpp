#include "durability/walog/group_commit.hpp"

#include <utility>

namespace durability::walog {
namespace {

/// Lets go of a mutex while it lives.
class Dropped {
 public:
  explicit Dropped(std::unique_lock<std::mutex>& lock) : lock_(lock) { lock_.unlock(); }
  ~Dropped() { lock_.lock(); }
  Dropped(const Dropped&) = delete;
  Dropped& operator=(const Dropped&) = delete;

 private:
  std::unique_lock<std::mutex>& lock_;
};

/// Something is under way while it lives.
class UnderWay {
 public:
  UnderWay(bool& flag, std::condition_variable& changed) : flag_(flag), changed_(changed) { flag_ = true; }
  ~UnderWay() {
    flag_ = false;
    changed_.notify_all();
  }
  UnderWay(const UnderWay&) = delete;
  UnderWay& operator=(const UnderWay&) = delete;

 private:
  bool& flag_;
  std::condition_variable& changed_;
};

}  // namespace

Result<EntryId> GroupCommit::append(ByteView payload) {
  const std::lock_guard lock(mutex_);
  return writer_->append(payload);
}

Result<EntryId> GroupCommit::append_batch(std::span<const ByteView> payloads, bool atomic) {
  const std::lock_guard lock(mutex_);
  return atomic ? writer_->append_batch_atomic(payloads) : writer_->append_batch(payloads);
}

Result<DurableId> GroupCommit::append_durable(ByteView payload) {
  Lock lock(mutex_);
  DURABILITY_TRY_ASSIGN(const EntryId id, writer_->append(payload));
  return wait(lock, id);
}

Result<DurableId> GroupCommit::wait_until_durable(EntryId id) {
  Lock lock(mutex_);
  if (id > writer_->last_entry_id()) {
    return Error(ErrorCode::kInvalidState, fmt::format("entry {} has not been appended", id))
        .advise("wait for an id that append returned");
  }
  return wait(lock, id);
}

Result<DurableId> GroupCommit::flush_and_sync() {
  Lock lock(mutex_);
  return wait(lock, writer_->last_entry_id());
}

bool GroupCommit::is_durable(EntryId id) const {
  const auto durable = writer_->durable_id();
  return durable && durable->entry() >= id;
}

Result<DurableId> GroupCommit::wait(Lock& lock, EntryId id) {
  bool counted = false;
  while (!is_durable(id)) {
    if (failure_) return *failure_;
    if (!std::exchange(counted, true)) gathering_.arrived();
    if (!syncing_ && !closing_) {
      DURABILITY_TRY(lead(lock));
      break;  // what is appended before a sync begins is covered by it
    }
    Waiter waiter(id);
    waiting_.add(waiter);
    lock.unlock();
    if (waiter.wait() == Waiter::Word::kDurable) break;
    lock.lock();
  }
  return internal::DurableIdIssuer::issue(id);
}

// Returns with the mutex dropped.
Status GroupCommit::lead(Lock& lock) {
  syncing_ = true;
  gather(lock);
  Status synced = sync(lock);
  syncing_ = false;
  release(lock);
  return synced;
}

Status GroupCommit::sync(Lock& lock) {
  DURABILITY_TRY_ASSIGN(const PendingSync pending, writer_->begin_sync());
  gathering_.begun();
  lock.unlock();
  auto synced = writer_->run_sync(pending);
  lock.lock();
  auto finished = writer_->finish_sync(pending, std::move(synced));
  if (!finished) failure_ = finished.error();
  return finished ? Status{} : Status(std::move(finished).error());
}

void GroupCommit::gather(Lock& lock) {
  for (std::size_t turns = gathering_.turns(); turns > 0 && !gathering_.complete(); --turns) {
    lock.unlock();
    std::this_thread::yield();
    lock.lock();
  }
}

// The highest id whose fate is known: all of them once nothing more will be synced.
EntryId GroupCommit::decided_through() const {
  const auto durable = writer_->durable_id();
  const bool over = failure_.has_value() || closed_ || ending_;
  return over && !syncing_ ? writer_->last_entry_id() : durable ? durable->entry() : EntryId(0);
}

// Drops the mutex, and wakes whoever has something to do now.
void GroupCommit::release(Lock& lock) {
  const auto durable = writer_->durable_id();
  const std::size_t before = waiting_.size();
  WaitList::Released released =
      waiting_.release(durable ? durable->entry() : EntryId(0), failure_.has_value() || closed_);
  gathering_.released(before - waiting_.size() + 1);
  const bool wake_thread = idle_ && !completions_.empty();
  lock.unlock();
  released.wake();
  changed_.notify_all();
  if (wake_thread) work_.notify_one();
}

Status GroupCommit::flush() {
  const std::lock_guard lock(mutex_);
  return writer_->flush();
}

Result<WalTruncation> GroupCommit::truncate_prefix(DurableId upto) {
  Lock lock(mutex_);
  wait_for_turn(lock);
  const UnderWay truncating(truncating_, changed_);
  return truncate(lock, upto);
}

Result<WalTruncation> GroupCommit::truncate_published(DurableId upto) {
  Lock lock(mutex_);
  return truncate(lock, upto);
}

// The mutex is dropped while the disk is waited for.
Result<WalTruncation> GroupCommit::truncate(Lock& lock, DurableId upto) {
  return writer_->truncate_prefix(upto, [&lock](const std::function<Status()>& work) {
    const Dropped dropped(lock);
    return work();
  });
}

Status GroupCommit::close() {
  Lock lock(mutex_);
  // A publication syncs its marker: only when it is over may nothing more be synced.
  ++closes_waiting_;
  changed_.wait(lock, [this] { return !truncating_; });
  --closes_waiting_;
  closing_ = true;
  changed_.wait(lock, [this] { return !syncing_ && !truncating_; });
  Status closed = writer_->close();
  if (!closed && !failure_) failure_ = closed.error();
  closing_ = false;
  closed_ = true;
  release(lock);
  lock.lock();
  if (std::this_thread::get_id() != thread_.get_id()) {
    changed_.wait(lock, [this] { return in_flight_ == 0; });
  }
  return closed;
}

}  // namespace durability::walog
