#include "durability/async/commit_queue.hpp"

namespace durability {

Status AsyncWalOptions::validate() const {
  const auto check = [](std::string_view name, std::size_t value, std::size_t most) -> Status {
    if (value >= 1 && value <= most) return {};
    return Error(ErrorCode::kInvalidConfig, fmt::format("{} = {}", name, value))
        .advise(fmt::format("1 to {}", most));
  };
  DURABILITY_TRY(check("max_in_flight", max_in_flight, std::size_t{1} << 20U));
  DURABILITY_TRY(check("max_waiting", max_waiting, std::size_t{1} << 20U));
  return check("max_waiting_bytes", max_waiting_bytes, std::size_t{1} << 30U);
}

namespace async {
namespace {

Error let_go_error() noexcept {
  try {
    return Error(ErrorCode::kClosed, "the log was let go before this was begun")
        .advise("nothing was appended; open it again");
  } catch (const std::exception&) {
    return Error(ErrorCode::kClosed, "let go");  // short: needs no memory
  }
}

}  // namespace

CommitQueue::CommitQueue(std::unique_ptr<CommitLog> log, const Home& home, const AsyncWalOptions& options)
    : worker_(options.worker.get()),
      mailbox_(Mailbox::make(home)),
      max_in_flight_(options.max_in_flight),
      max_waiting_(options.max_waiting),
      max_waiting_bytes_(options.max_waiting_bytes),
      log_(std::move(log)) {}

Status CommitQueue::start() {
  if (worker_ != nullptr) return {};
  DURABILITY_TRY_ASSIGN(thread_, Thread::start([self = shared_from_this()] { self->serve(); }));
  return {};
}

void CommitQueue::enqueue(std::shared_ptr<QueueItem> item) noexcept {
  if (process_.left()) return item->refuse(not_in_a_child());
  Lock lock(mutex_);
  if (auto refused = refusal(*item)) {
    lock.unlock();
    return item->refuse(*std::move(refused));
  }
  if (!item->is_wanted()) return;  // gave up before it was here
  QueueItem& here = *item;
  here.waits_ = true;
  waiting_bytes_ += here.bytes();
  waiting_.push_back(std::move(item));
  if (!wake()) {
    const auto refused = take_out(here);
    lock.unlock();
    return refused->refuse(out_of_memory());
  }
  closed_ = closed_ || here.closes();
}

std::optional<Error> CommitQueue::refusal(const QueueItem& item) const noexcept {
  ErrorCode code = ErrorCode::kClosed;
  try {
    if (closed_) return Error(code, "this log is closed").advise("open it again");
    if (item.closes() || waiting_.empty()) return std::nullopt;
    const std::size_t bytes = item.bytes();
    if (waiting_.size() < max_waiting_ && bytes <= max_waiting_bytes_ &&
        waiting_bytes_ <= max_waiting_bytes_ - bytes) {
      return std::nullopt;
    }
    code = ErrorCode::kBusy;
    return Error(code, fmt::format("{} entries of {} bytes wait already", waiting_.size(), waiting_bytes_))
        .advise("nothing was appended; append again when some of them are through");
  } catch (const std::exception&) {
    return Error(code, "refused");  // short: needs no memory
  }
}

std::shared_ptr<QueueItem> CommitQueue::take_out(QueueItem& item) noexcept {
  item.waits_ = false;
  waiting_bytes_ -= item.bytes();
  return waiting_.take(item);
}

bool CommitQueue::withdraw(QueueItem& item) noexcept {
  if (process_.left()) return false;
  const LockGuard lock(mutex_);
  if (!item.waits_) return false;
  // Whoever withdraws it holds it, too.
  static_cast<void>(take_out(item));
  return true;
}

// The first that waits wakes the thread; those after it are seen by it.
bool CommitQueue::wake() noexcept {
  if (worker_ != nullptr) return submitted_ || submit();
  if (idle_) work_.notify_one();
  return true;
}

bool CommitQueue::submit() noexcept {
  try {
    worker_->submit([self = shared_from_this()] { self->run_on_worker(); });
    submitted_ = true;
    return true;
  } catch (const std::exception&) {
    return false;  // no memory, or no thread
  }
}

void CommitQueue::serve() noexcept {
  const LockGuard lock(mutex_);
  while (true) {
    if (!waiting_.empty()) {
      commit_group();
    } else if (ended_) {
      return;
    } else {
      idle_ = true;
      work_.wait(mutex_);
      idle_ = false;
    }
  }
}

// A group, and then others have their turn on that worker; unless there is no memory to ask for another one.
void CommitQueue::run_on_worker() noexcept {
  const LockGuard lock(mutex_);
  do {
    if (!waiting_.empty()) commit_group();
    submitted_ = false;
  } while (!waiting_.empty() && !submit());
}

void CommitQueue::commit_group() noexcept {
  ItemList group = take_group();
  committing_ = true;
  committer_ = durability::internal::this_thread_id();
  CommitLog& log = *log_;
  {
    const Dropped dropped(mutex_);
    // Whoever gave up before this point appends nothing.
    for (QueueItem& item : group) {
      if (item.is_wanted()) item.begin(log);
    }
    // The first that waits syncs for all: they have been written before that sync begins.
    GroupOfLog waiting(log);
    for (QueueItem& item : group) {
      if (item.is_wanted()) item.finish(waiting);
    }
    mailbox_->put(group);
  }
  committing_ = false;
  if (!ended_) return;
  changed_.notify_all();
}

/// A close stands alone.
ItemList CommitQueue::take_group() noexcept {
  ItemList group;
  while (!waiting_.empty() && group.size() < max_in_flight_) {
    QueueItem& next = waiting_.front();
    if (next.closes() && !group.empty()) break;
    const bool closes = next.closes();
    group.push_back(take_out(next));
    if (closes) break;
  }
  return group;
}

// A child of fork() has no such thread, and the lock is as it was at that moment: there this is left as it
// is.
void CommitQueue::abandon() noexcept {
  if (process_.left()) return;
  ItemList given_up;
  Lock lock(mutex_);
  closed_ = true;
  ended_ = true;
  while (!waiting_.empty()) given_up.push_back(take_out(waiting_.front()));
  work_.notify_one();
  {
    const Dropped dropped(mutex_);
    for (QueueItem& item : given_up) item.refuse(let_go_error());
    given_up.drop_all();
  }
  // What a group does may destroy the last owner of the log on the thread that commits it.
  const bool inside = committing_ && committer_ == durability::internal::this_thread_id();
  if (inside) {
    if (thread_.joinable()) thread_.detach();
    return;
  }
  changed_.wait(mutex_, [this]() DURABILITY_REQUIRES(mutex_) { return !committing_; });
  const auto log = std::move(log_);
  lock.unlock();
  if (thread_.joinable()) thread_.join();
}

}  // namespace async
}  // namespace durability
