#include "durability/walog/commit/group_commit.hpp"

#include <exception>
#include <utility>

#include "durability/base/invariant.hpp"

namespace durability::walog {
namespace {

// Completions are called so many at a time, out of memory that is there from the start.
constexpr std::size_t kDeliveredAtOnce = 256;

// Needs no memory: the text fits into the string itself.
Error out_of_memory() noexcept { return {ErrorCode::kPoisoned, "out of memory"}; }

Error copy_of(const Error& error) noexcept {
  try {
    return error;
  } catch (const std::exception&) {
    return out_of_memory();
  }
}

/// Something is under way while it lives.
class UnderWay {
 public:
  UnderWay(bool& flag, Condition& changed) : flag_(flag), changed_(changed) {
    DURABILITY_INVARIANT(!flag_);
    flag_ = true;
  }
  ~UnderWay() {
    flag_ = false;
    changed_.notify_all();
  }
  UnderWay(const UnderWay&) = delete;
  UnderWay& operator=(const UnderWay&) = delete;

 private:
  bool& flag_;
  Condition& changed_;
};

}  // namespace

/// Leads a sync while it lives; then drops the mutex, and wakes those who have something to do.
class DURABILITY_SCOPED_CAPABILITY GroupCommit::Leading {
 public:
  Leading(GroupCommit& commit, Lock& lock) DURABILITY_REQUIRES(commit.mutex_) : commit_(commit), lock_(lock) {
    DURABILITY_INVARIANT(!commit_.syncing_);
    commit_.syncing_ = true;
  }
  ~Leading() DURABILITY_RELEASE() {
    commit_.syncing_ = false;
    commit_.release(lock_);
  }
  Leading(const Leading&) = delete;
  Leading& operator=(const Leading&) = delete;

 private:
  GroupCommit& commit_;
  Lock& lock_;
};

/// The lead of the next sync, of a thread that was woken for it: used, or passed on when it ends. Drops the
/// mutex.
class DURABILITY_SCOPED_CAPABILITY GroupCommit::Leadership {
 public:
  Leadership(GroupCommit& commit, Lock& lock) DURABILITY_REQUIRES(commit.mutex_)
      : commit_(commit), lock_(lock) {}
  ~Leadership() DURABILITY_RELEASE() {
    if (held_ && !commit_.syncing_ && !commit_.closing_) commit_.release(lock_);
    if (lock_.owns_lock()) lock_.unlock();
  }
  Leadership(const Leadership&) = delete;
  Leadership& operator=(const Leadership&) = delete;
  /// The mutex again, and the lead with it.
  void take() DURABILITY_ACQUIRE() {
    lock_.lock();
    held_ = true;
  }
  void use() noexcept { held_ = false; }

 private:
  GroupCommit& commit_;
  Lock& lock_;
  bool held_ = false;
};

Status GroupCommit::in_opening_process() const {
  if (!opener_.left()) return {};
  return Error(ErrorCode::kInvalidState, "this process is a child of the one that opened the log")
      .advise(
          "nothing was done; use the log in the process that opened it, or open it here once it is closed");
}

Result<EntryId> GroupCommit::append(ByteView payload) {
  DURABILITY_TRY(in_opening_process());
  const LockGuard lock(mutex_);
  return writer_->append(payload);
}

Result<EntryId> GroupCommit::append_batch(std::span<const ByteView> payloads, bool atomic) {
  DURABILITY_TRY(in_opening_process());
  const LockGuard lock(mutex_);
  return atomic ? writer_->append_batch_atomic(payloads) : writer_->append_batch(payloads);
}

Result<DurableId> GroupCommit::append_durable(ByteView payload) {
  DURABILITY_TRY(in_opening_process());
  Lock lock(mutex_);
  DURABILITY_TRY_ASSIGN(const EntryId id, writer_->append(payload));
  return wait(lock, id);
}

Result<DurableId> GroupCommit::wait_until_durable(EntryId id) {
  DURABILITY_TRY(in_opening_process());
  Lock lock(mutex_);
  if (id > writer_->last_entry_id()) {
    return Error(ErrorCode::kInvalidState, fmt::format("entry {} has not been appended", id))
        .advise("wait for an id that append returned");
  }
  return wait(lock, id);
}

Result<DurableId> GroupCommit::flush_and_sync() {
  DURABILITY_TRY(in_opening_process());
  Lock lock(mutex_);
  return wait(lock, writer_->last_entry_id());
}

bool GroupCommit::is_durable(EntryId id) const {
  const auto durable = writer_->durable_id();
  return durable && durable->entry() >= id;
}

// Why nothing more will be synced, where that is so: a waiter gets the failure itself.
Status GroupCommit::over(bool waited) const {
  if (writer_->latch().failed()) return waited ? Status(writer_->latch().error()) : writer_->usable();
  if (!closed_) return {};
  return Error(ErrorCode::kClosed, "the log was closed before a sync covered this entry")
      .advise("the entry may be there or not: open the log and look");
}

Result<DurableId> GroupCommit::wait(Lock& lock, EntryId id) {
  const auto durable = [id, log = writer_->identity()] { return internal::DurableIdIssuer::issue(id, log); };
  bool counted = false;
  Leadership leadership(*this, lock);
  while (!is_durable(id)) {
    DURABILITY_TRY(over(counted));
    if (!std::exchange(counted, true)) patience_.arrived();
    if (!syncing_ && !closing_) {
      leadership.use();
      DURABILITY_TRY(lead(lock));
      return durable();  // what is appended before a sync begins is covered by it
    }
    leadership.use();  // the leader, or the one that closes, wakes the waiters when it is done
    Waiter waiter(id);
    waiting_.add(waiter);
    unlock(lock);
    if (waiter.wait() == Waiter::Word::kDurable) return durable();
    leadership.take();
  }
  return durable();
}

Status GroupCommit::lead(Lock& lock) {
  const Leading leading(*this, lock);
  gather();
  return sync();
}

Status GroupCommit::sync() {
  const ByteWriter& writer = *writer_;  // whose run_sync() needs no mutex
  DURABILITY_TRY_ASSIGN(const PendingSync pending, writer_->begin_sync());
  patience_.begun();
  Result<std::chrono::nanoseconds> synced;
  {
    const Dropped dropped(mutex_);
    synced = writer.run_sync(pending);
  }
  return writer_->finish_sync(pending, std::move(synced)).map([](DurableId) {});
}

void GroupCommit::gather() {
  for (std::size_t yields = patience_.yields(); yields > 0 && !patience_.complete(); --yields) {
    const Dropped dropped(mutex_);
    yield();
  }
}

// The highest id whose fate is known: all of them once nothing more will be synced.
EntryId GroupCommit::decided_through() const {
  const auto durable = writer_->durable_id();
  const bool over = writer_->latch().failed() || closed_ || ending_;
  return over && !syncing_ ? writer_->last_entry_id() : durable ? durable->entry() : EntryId(0);
}

// Not analysed: clang does not know which mutex a lock is of that was handed on.
void GroupCommit::unlock(Lock& lock) noexcept DURABILITY_NO_ANALYSIS { lock.unlock(); }

// Wakes whoever has something to do now.
void GroupCommit::release(Lock& lock) noexcept {
  const auto durable = writer_->durable_id();
  const std::size_t before = waiting_.size();
  WaitList::Released released =
      waiting_.release(durable ? durable->entry() : EntryId(0), writer_->latch().failed() || closed_);
  patience_.released(before - waiting_.size() + 1);
  const bool wake_thread = idle_ && !completions_.empty();
  unlock(lock);
  released.wake();
  changed_.notify_all();
  if (wake_thread) work_.notify_one();
}

Status GroupCommit::flush() {
  DURABILITY_TRY(in_opening_process());
  const LockGuard lock(mutex_);
  return writer_->flush();
}

Result<WalTruncation> GroupCommit::truncate_prefix(DurableId upto) {
  DURABILITY_TRY(in_opening_process());
  const LockGuard lock(mutex_);
  wait_for_turn();
  const UnderWay truncating(truncating_, changed_);
  return truncate(upto);
}

Result<WalTruncation> GroupCommit::truncate_published(DurableId upto) {
  DURABILITY_TRY(in_opening_process());
  const LockGuard lock(mutex_);
  return truncate(upto);
}

Result<WalTruncation> GroupCommit::truncate(DurableId upto) {
  ByteWriter& writer = *writer_;  // whose run_truncate() needs no mutex
  DURABILITY_TRY_ASSIGN(PendingTruncation pending, writer_->begin_truncate(upto));
  while (!pending.is_over()) {
    const auto run = [&]() DURABILITY_REQUIRES(mutex_) {
      const Dropped dropped(mutex_);
      return writer.run_truncate(pending);
    };
    DURABILITY_TRY(writer_->finish_truncate(pending, run()));
  }
  return std::move(pending.done);
}

Status GroupCommit::close() {
  DURABILITY_TRY(in_opening_process());
  Lock lock(mutex_);
  // Also where memory runs out on the way: no completion is called once this call is over.
  struct AllTold {
    GroupCommit& commit;
    ~AllTold() {
      if (commit.thread_.is_current()) return;
      commit.changed_.wait(commit.mutex_,
                           [this]() DURABILITY_REQUIRES(commit.mutex_) { return commit.in_flight_ == 0; });
    }
  };
  const AllTold all_told{*this};
  return close_writer(lock);
}

// Whatever happens, the waiters are woken, and nobody begins anything any more.
Status GroupCommit::close_writer(Lock& lock) {
  struct Closing {
    GroupCommit& commit;
    Lock& lock;
    ~Closing() {
      commit.closing_ = false;
      commit.closed_ = true;
      commit.release(lock);
      lock.lock();
    }
  };
  // A publication syncs its marker: only when it is over may nothing more be synced.
  ++closes_waiting_;
  changed_.wait(mutex_, [this]() DURABILITY_REQUIRES(mutex_) { return !truncating_; });
  --closes_waiting_;
  closing_ = true;
  const Closing closing{*this, lock};
  changed_.wait(mutex_, [this]() DURABILITY_REQUIRES(mutex_) { return !syncing_ && !truncating_; });
  return writer_->close();
}

// Where nobody waits: completions, and the thread that calls them.

Status GroupCommit::start() {
  delivered_.reserve(kDeliveredAtOnce);
  DURABILITY_TRY_ASSIGN(thread_, Thread::start([this] {
                          commit();
                          if (owns_itself_) delete this;  // NOLINT(cppcoreguidelines-owning-memory): LetGo
                        }));
  return {};
}

void GroupCommit::LetGo::operator()(GroupCommit* commit) const noexcept {
  if (commit->opener_.left() || !commit->thread_.is_current()) {
    delete commit;  // NOLINT(cppcoreguidelines-owning-memory): a deleter
    return;
  }
  commit->thread_.detach();
  commit->owns_itself_ = true;
  const LockGuard lock(commit->mutex_);
  commit->ending_ = true;
}

GroupCommit::~GroupCommit() {
  if (opener_.left()) return;
  {
    const LockGuard lock(mutex_);
    changed_.wait(mutex_, [this]() DURABILITY_REQUIRES(mutex_) { return !truncating_; });
    ending_ = true;
  }
  work_.notify_one();
  if (thread_.joinable()) thread_.join();
}

Status GroupCommit::append_durable(ByteView payload, DurableCompletion completion) {
  DURABILITY_TRY(in_opening_process());
  if (!completion) {
    return Error(ErrorCode::kInvalidConfig, "an empty completion")
        .advise("nothing was appended; give one that can be called");
  }
  const LockGuard lock(mutex_);
  DURABILITY_TRY(append_with(payload, completion));
  // Before the mutex is dropped: the completion may let go of the log, and is not called before this is over.
  if (idle_ && !syncing_) work_.notify_one();
  return {};
}

// What may throw for want of memory comes first: an entry that is appended has its completion in the queue.
Result<EntryId> GroupCommit::append_with(ByteView payload, DurableCompletion& completion) {
  DURABILITY_TRY(wait_for_in_flight_slot());
  completions_.reserve_one();
  DURABILITY_TRY_ASSIGN(const EntryId id, writer_->append(payload));
  completions_.push(id, std::move(completion));
  ++in_flight_;
  return id;
}

Status GroupCommit::wait_for_in_flight_slot() {
  const WalOptions& options = writer_->options();
  if (in_flight_ < options.max_in_flight) return {};
  const bool may_wait = options.when_full == WhenFull::kWait && !thread_.is_current();
  if (!may_wait) {
    return Error(ErrorCode::kBusy,
                 fmt::format("{} durable appends are in flight, as many as WalOptions::max_in_flight allows",
                             in_flight_))
        .advise("nothing was appended; try again when some have been completed");
  }
  changed_.wait(mutex_, [&]() DURABILITY_REQUIRES(mutex_) { return in_flight_ < options.max_in_flight; });
  return {};
}

// Leads a sync, or waits for one, or for something to do.
void GroupCommit::commit() {
  Lock lock(mutex_);
  while (true) {
    const EntryId through = decided_through();
    if (!completions_.empty() && completions_.front() <= through) {
      deliver(through, why_not_durable());
    } else if (!completions_.empty() && !syncing_ && !closing_) {
      lead_alone(lock);
    } else if (ending_) {
      return;
    } else {
      idle_ = true;
      work_.wait(mutex_);
      idle_ = false;
    }
  }
}

// A sync that failed has set the latch, also where memory ran out for its error: then everything is decided.
// One that was refused (there is no stable storage) is the end for its waiters. One that was not
// begun for want of memory is begun again.
void GroupCommit::lead_alone(Lock& lock) {
  const Status led = lead_and_come_back(lock);
  if (led || writer_->latch().failed()) return;
  const EntryId last = writer_->last_entry_id();
  while (!completions_.empty() && completions_.front() <= last) deliver(last, led.error());
}

// Not analysed: clang does not know that what is thrown leaves lead() with the mutex dropped, too.
Status GroupCommit::lead_and_come_back(Lock& lock) DURABILITY_NO_ANALYSIS {
  Status led;
  try {
    led = lead(lock);
  } catch (const std::exception&) {
    yield();
  }
  lock.lock();
  return led;
}

void GroupCommit::deliver(EntryId through, const Error& why_not) {
  completions_.take_through(through, delivered_);
  const std::size_t count = delivered_.size();
  const auto durable = writer_->durable_id();
  {
    const Dropped dropped(mutex_);
    for (PendingCompletion& pending : delivered_) {
      if (durable && pending.id <= durable->entry()) {
        pending.completion(internal::DurableIdIssuer::issue(pending.id, durable->log()));
      } else {
        pending.completion(copy_of(why_not));
      }
    }
    delivered_.clear();
  }
  DURABILITY_INVARIANT(count <= in_flight_);
  in_flight_ -= count;
  changed_.notify_all();
}

Error GroupCommit::why_not_durable() const noexcept {
  try {
    if (writer_->latch().failed()) return writer_->latch().error();
    return Error(ErrorCode::kClosed, "the writer ended before a sync covered this entry")
        .advise("the entry may be there or not: open the log and look");
  } catch (const std::exception&) {
    return out_of_memory();
  }
}

}  // namespace durability::walog
