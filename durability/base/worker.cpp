#include "durability/base/worker.hpp"

#include <deque>
#include <utility>

#include "durability/base/sync.hpp"

namespace durability {
namespace {

class ThreadWorker final : public Worker {
 public:
  ~ThreadWorker() override {
    if (opener_.left()) return;  // whoever held the mutex may not be there to let go of it
    {
      const LockGuard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  Status start() {
    DURABILITY_TRY_ASSIGN(thread_, Thread::start([this] { run(); }));
    return {};
  }

  // A ticket counts a task that is queued: one too few, and every later wait would end a task too early.
  Ticket submit(std::function<void()> task) override {
    const LockGuard lock(mutex_);
    tasks_.push_back(std::move(task));
    changed_.notify_all();
    return ++submitted_;
  }

  void wait_for(Ticket ticket) override {
    const LockGuard lock(mutex_);
    changed_.wait(mutex_, [&]() DURABILITY_REQUIRES(mutex_) { return completed_ >= ticket; });
  }

 private:
  void run() {
    Lock lock(mutex_);
    while (true) {
      changed_.wait(mutex_, [this]() DURABILITY_REQUIRES(mutex_) { return stopping_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      auto task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      task = nullptr;  // what it holds (files) is let go before anyone hears that it is done
      lock.lock();
      ++completed_;
      changed_.notify_all();
    }
  }

  internal::OpeningProcess opener_;
  Mutex mutex_;
  Condition changed_;
  std::deque<std::function<void()>> tasks_ DURABILITY_GUARDED_BY(mutex_);
  Ticket submitted_ DURABILITY_GUARDED_BY(mutex_) = 0;
  Ticket completed_ DURABILITY_GUARDED_BY(mutex_) = 0;
  bool stopping_ DURABILITY_GUARDED_BY(mutex_) = false;
  Thread thread_;
};

}  // namespace

Result<std::shared_ptr<Worker>> Worker::thread() {
  auto worker = std::make_shared<ThreadWorker>();
  DURABILITY_TRY(worker->start());
  return std::shared_ptr<Worker>(std::move(worker));
}

}  // namespace durability
