#include "durability/async/blocking_pool.hpp"

namespace durability {

Status BlockingPoolOptions::validate() const {
  if (threads < 1 || threads > 1024) {
    return Error(ErrorCode::kInvalidConfig, fmt::format("{} threads", threads)).advise("1 to 1024");
  }
  if (max_waiting < 1 || max_waiting > (1U << 20U)) {
    return Error(ErrorCode::kInvalidConfig, fmt::format("{} may wait for a thread", max_waiting))
        .advise("1 to 2^20");
  }
  return {};
}

Result<std::shared_ptr<BlockingPool>> BlockingPool::make(const BlockingPoolOptions& options) {
  DURABILITY_TRY(options.validate());
  std::shared_ptr<BlockingPool> pool(new BlockingPool(options));
  DURABILITY_TRY(pool->start_threads(options.threads));
  return pool;
}

BlockingPool::~BlockingPool() { close(); }

Status BlockingPool::start_threads(std::size_t count) {
  threads_.reserve(count);
  while (threads_.size() < count) {
    DURABILITY_TRY_ASSIGN(auto thread, Thread::start([tasks = tasks_] { tasks->serve(); }));
    threads_.push_back(std::move(thread));
  }
  return {};
}

// A child of fork() has none of the threads; the queue's locks are as they were at that moment, and it is
// never destroyed there, for the threads own it, too.
void BlockingPool::close() noexcept {
  if (process_.left()) {
    for (auto& thread : threads_) thread.detach();
    threads_.clear();
    return;
  }
  tasks_->close();
  const LockGuard lock(closing_);
  for (auto& thread : threads_) {
    if (thread.is_current()) {
      thread.detach();
    } else if (thread.joinable()) {
      thread.join();
    }
  }
}

namespace async {
namespace {

Error closed_error() noexcept {
  try {
    return Error(ErrorCode::kClosed, "the pool was closed before a thread took this")
        .advise("nothing was done; ask a pool that is open");
  } catch (const std::exception&) {
    return Error(ErrorCode::kClosed, "closed");  // short: needs no memory
  }
}

Error busy_error(std::string_view what, std::size_t waiting) noexcept {
  try {
    return Error(ErrorCode::kBusy, fmt::format("{}: {} wait for a thread already", what, waiting))
        .advise("nothing was done; try again when some of it is through");
  } catch (const std::exception&) {
    return Error(ErrorCode::kBusy, "refused");  // short: needs no memory
  }
}

}  // namespace

Status need(bool there, std::string_view what, std::string_view advice) {
  if (there) return {};
  return Error(ErrorCode::kInvalidConfig, fmt::format("no {}: the pointer to it is null", what))
      .advise(fmt::format("nothing was done; {}", advice));
}

void TaskQueue::submit(std::shared_ptr<Task> task, std::string_view what) noexcept {
  if (process_.left()) return task->refuse(not_in_a_child());
  Lock lock(mutex_);
  if (closed_ || waiting_.size() >= max_waiting_) {
    const bool closed = closed_;
    lock.unlock();
    return task->refuse(closed ? closed_error() : busy_error(what, max_waiting_));
  }
  if (task->is_decided()) return;  // gave up before it was here
  Task& here = *task;
  here.waits_ = true;
  here.kept_ = std::move(task);
  waiting_.push_back(here);
  lock.unlock();
  changed_.notify_one();
}

std::shared_ptr<Task> TaskQueue::take_out(Task& task) noexcept {
  task.waits_ = false;
  waiting_.erase(waiting_.iterator_to(task));
  return std::move(task.kept_);
}

bool TaskQueue::withdraw(Task& task) noexcept {
  if (process_.left()) return false;
  const LockGuard lock(mutex_);
  if (!task.waits_) return false;
  static_cast<void>(take_out(task));  // whoever withdraws it holds it, too
  return true;
}

void TaskQueue::serve() noexcept {
  const LockGuard lock(mutex_);
  while (true) {
    changed_.wait(mutex_, [this]() DURABILITY_REQUIRES(mutex_) { return closed_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    auto task = take_out(waiting_.front());
    const Dropped dropped(mutex_);  // it may own anything, the pool too
    task->run();
    task.reset();
  }
}

void TaskQueue::close() noexcept {
  const LockGuard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
  while (!waiting_.empty()) {
    auto task = take_out(waiting_.front());
    const Dropped dropped(mutex_);
    task->refuse(closed_error());
    task.reset();
  }
}

}  // namespace async
}  // namespace durability
