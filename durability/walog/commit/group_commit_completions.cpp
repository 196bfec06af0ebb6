// The side of group commit where nobody waits: completions, and the thread that calls them.

#include <exception>
#include <utility>

#include "durability/walog/commit/group_commit.hpp"

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

}  // namespace

Status GroupCommit::start() {
  delivered_.reserve(kDeliveredAtOnce);
  DURABILITY_TRY_ASSIGN(thread_, Thread::start([this] {
                          commit();
                          if (owns_itself_) delete this;  // NOLINT(cppcoreguidelines-owning-memory): LetGo
                        }));
  return {};
}

void GroupCommit::LetGo::operator()(GroupCommit* commit) const noexcept {
  if (commit->home_.left() || !commit->thread_.is_current()) {
    delete commit;  // NOLINT(cppcoreguidelines-owning-memory): a deleter
    return;
  }
  commit->thread_.detach();
  commit->owns_itself_ = true;
  const LockGuard lock(commit->mutex_);
  commit->ending_ = true;
}

GroupCommit::~GroupCommit() {
  if (home_.left()) return;
  {
    Lock lock(mutex_);
    changed_.wait(lock, [this] { return !truncating_; });
    ending_ = true;
  }
  work_.notify_one();
  if (thread_.joinable()) thread_.join();
}

Status GroupCommit::append_durable(ByteView payload, DurableCompletion completion) {
  DURABILITY_TRY(at_home());
  if (!completion) {
    return Error(ErrorCode::kInvalidConfig, "an empty completion")
        .advise("nothing was appended; give one that can be called");
  }
  Lock lock(mutex_);
  DURABILITY_TRY(append_with(lock, payload, completion));
  // With the mutex held: the completion may let go of the log, and is not called before this is over.
  if (idle_ && !syncing_) work_.notify_one();
  return {};
}

// What may throw for want of memory comes first: an entry that is appended has its completion in the queue.
Result<EntryId> GroupCommit::append_with(Lock& lock, ByteView payload, DurableCompletion& completion) {
  DURABILITY_TRY(make_room(lock));
  completions_.reserve_one();
  DURABILITY_TRY_ASSIGN(const EntryId id, writer_->append(payload));
  completions_.push(id, std::move(completion));
  ++in_flight_;
  return id;
}

Status GroupCommit::make_room(Lock& lock) {
  const WalOptions& options = writer_->options();
  if (in_flight_ < options.max_in_flight) return {};
  const bool may_wait = options.when_full == WhenFull::kWait && !thread_.is_current();
  if (!may_wait) {
    return Error(ErrorCode::kBusy,
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
      deliver(lock, through, why_not_durable());
    } else if (!completions_.empty() && !syncing_ && !closing_) {
      lead_alone(lock);
    } else if (ending_) {
      return;
    } else {
      idle_ = true;
      work_.wait(lock);
      idle_ = false;
    }
  }
}

// A sync that failed has set the latch, also where memory ran out for its error: then everything is decided.
// One that was refused (there is no stable storage) is the end for its waiters. One that was not
// begun for want of memory is begun again.
void GroupCommit::lead_alone(Lock& lock) {
  Status led;
  try {
    led = lead(lock);
  } catch (const std::exception&) {
    yield();
  }
  if (!lock.owns_lock()) lock.lock();
  if (led || writer_->latch().failed()) return;
  const EntryId last = writer_->last_entry_id();
  while (!completions_.empty() && completions_.front() <= last) deliver(lock, last, led.error());
}

void GroupCommit::deliver(Lock& lock, EntryId through, const Error& why_not) {
  completions_.take_through(through, delivered_);
  const std::size_t count = delivered_.size();
  const auto durable = writer_->durable_id();
  lock.unlock();
  for (PendingCompletion& pending : delivered_) {
    if (durable && pending.id <= durable->entry()) {
      pending.completion(internal::DurableIdIssuer::issue(pending.id, durable->log()));
    } else {
      pending.completion(copy_of(why_not));
    }
  }
  delivered_.clear();
  lock.lock();
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
