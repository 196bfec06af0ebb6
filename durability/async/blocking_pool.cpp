#include "durability/async/blocking_pool.hpp"

#include <cerrno>
#include <system_error>

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
  try {
    while (threads_.size() < count) threads_.emplace_back([shared = shared_] { serve(*shared); });
  } catch (const std::system_error& refused) {
    return Error::from_errno(refused.code().value(),
                             fmt::format("cannot start thread {}", threads_.size() + 1));
  }
  return {};
}

void BlockingPool::submit(std::unique_ptr<Task> task) {
  std::unique_lock lock(shared_->mutex);
  if (!shared_->closed && shared_->waiting.size() < max_waiting_) {
    shared_->waiting.push_back(std::move(task));
    lock.unlock();
    shared_->changed.notify_one();
    return;
  }
  const bool closed = shared_->closed;
  lock.unlock();
  closed ? task->cancel() : task->refuse_busy(max_waiting_);
}

void BlockingPool::serve(Shared& shared) {
  std::unique_lock lock(shared.mutex);
  while (true) {
    shared.changed.wait(lock, [&] { return shared.closed || !shared.waiting.empty(); });
    if (shared.waiting.empty()) return;
    auto task = std::move(shared.waiting.front());
    shared.waiting.pop_front();
    lock.unlock();
    task->run();
    task.reset();  // outside the lock: it may own anything, the pool too
    lock.lock();
  }
}

void BlockingPool::close() {
  std::deque<std::unique_ptr<Task>> given_up;
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->closed = true;
    given_up.swap(shared_->waiting);
  }
  shared_->changed.notify_all();
  for (const auto& task : given_up) task->cancel();
  const std::lock_guard lock(closing_);
  for (auto& thread : threads_) {
    if (thread.get_id() == std::this_thread::get_id()) {
      thread.detach();
    } else if (thread.joinable()) {
      thread.join();
    }
  }
}

Error BlockingPool::busy(std::string_view what, std::size_t waiting) {
  return Error(ErrorCode::kBusy, fmt::format("{}: {} wait for a thread already", what, waiting))
      .advise("nothing was done; try again when some of it is through");
}

}  // namespace durability
