#pragma once

// Threads for calls that block, so that none runs on an event loop's thread.
//
// Bounded on both sides: a fixed number of threads, and a queue with a limit. Work for which there is a place
// waits its turn, first come first served, and its coroutine with it: that is the backpressure. Where there
// is none it is refused at once (`busy`), and nothing was done. Nothing here ever blocks the caller.

#include <boost/asio/system_executor.hpp>
#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "durability/async/async_operation.hpp"
#include "durability/base/process.hpp"
#include "durability/base/sync.hpp"

namespace durability {

struct BlockingPoolOptions {
  /// 1 to 1024.
  std::size_t threads = 4;
  /// How many may wait for a thread. 1 to 2^20.
  std::size_t max_waiting = 1024;

  [[nodiscard]] Status validate() const;
};

namespace async {

/// The threads' side of a pool, which may outlive it: its last owner may be a task.
class TaskQueue;

/// In the queue, which owns it then (kept_), or with the thread that runs it.
class Task : public boost::intrusive::list_base_hook<> {
 public:
  virtual ~Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  [[nodiscard]] virtual bool is_decided() const noexcept = 0;
  virtual void run() noexcept = 0;
  virtual void refuse(Error why) = 0;

 protected:
  Task() = default;

 private:
  friend class TaskQueue;

  std::shared_ptr<Task> kept_;
  bool waits_ = false;  // the queue's mutex guards it
};

/// Thread-safe.
class TaskQueue {
 public:
  explicit TaskQueue(std::size_t max_waiting) noexcept : max_waiting_(max_waiting) {}
  TaskQueue(const TaskQueue&) = delete;
  TaskQueue& operator=(const TaskQueue&) = delete;
  ~TaskQueue() = default;

  /// `closed` once it is closed, `busy` where it is full. `what`: for the error.
  /// `invalid_state` in a child of fork().
  void submit(std::shared_ptr<Task> task, std::string_view what) noexcept;
  /// False: a thread has taken it.
  bool withdraw(Task& task) noexcept;
  /// Runs tasks until it is closed.
  void serve() noexcept;
  /// What waits is `closed`.
  void close() noexcept;

 private:
  std::shared_ptr<Task> take_out(Task& task) noexcept DURABILITY_REQUIRES(mutex_);

  const std::size_t max_waiting_;
  const durability::internal::OpeningProcess process_;
  Mutex mutex_;
  Condition changed_;
  boost::intrusive::list<Task> waiting_ DURABILITY_GUARDED_BY(mutex_);
  bool closed_ DURABILITY_GUARDED_BY(mutex_) = false;
};

/// `work`, and its waiter.
template <class T, class Work>
class TaskFor : public AsyncOperation<T>, public Task {
 public:
  TaskFor(std::string_view what, std::shared_ptr<TaskQueue> queue, Work work)
      : AsyncOperation<T>(what), queue_(std::move(queue)), work_(std::in_place, std::move(work)) {}

  [[nodiscard]] bool is_decided() const noexcept override { return this->decided(); }
  void run() noexcept override {
    if (this->decided()) return work_.reset();
    auto outcome = guarded(*work_);
    work_.reset();  // what it holds is let go before anyone hears that it is done
    this->resolve(std::move(outcome));
  }
  void refuse(Error why) override { this->resolve(std::move(why)); }
  [[nodiscard]] TaskQueue& queue() const noexcept { return *queue_; }

 private:
  void give_up_place() noexcept override {
    if (queue_->withdraw(*this)) work_.reset();
  }

  const std::shared_ptr<TaskQueue> queue_;
  std::optional<Work> work_;
};

/// `invalid_config`, if it is not there.
[[nodiscard]] Status need(bool there, std::string_view what, std::string_view advice);

/// Runs `work` as BlockingPool::run does, or completes with the error of `usable`.
template <class Work, class Token>
auto run_task(std::shared_ptr<TaskQueue> tasks, Status usable, Home home, std::string_view what, Work work,
              Token&& token) {
  using Operation = TaskFor<typename std::invoke_result_t<Work&>::value_type, Work>;
  return initiate<Operation>(
      std::move(home), what,
      [usable = std::move(usable)](std::shared_ptr<Operation> operation) mutable {
        if (!usable) return operation->refuse(std::move(usable).error());
        TaskQueue& queue = operation->queue();
        const std::string_view name = operation->what();
        queue.submit(std::move(operation), name);
      },
      std::forward<Token>(token), std::move(tasks), std::move(work));
}
/// The same for an executor that the user gave, which may be empty.
template <class Work, class Token>
auto run_task_on(std::shared_ptr<TaskQueue> tasks, Status usable, const boost::asio::any_io_executor& home,
                 std::string_view what, Work work, Token&& token) {
  if (auto there = need_executor(home); !there) usable = std::move(there);
  Home place{home ? home : boost::asio::any_io_executor(boost::asio::system_executor())};
  return run_task(std::move(tasks), std::move(usable), std::move(place), what, std::move(work),
                  std::forward<Token>(token));
}

}  // namespace async

/// Thread-safe. Owned through std::shared_ptr, by what its tasks work on too.
class BlockingPool {
 public:
  /// Starts its threads. `invalid_config`; `io` where the system has no more of them.
  static Result<std::shared_ptr<BlockingPool>> make(const BlockingPoolOptions& options = {});
  /// close().
  ~BlockingPool();
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  /// Runs `work`, which returns a Result<T>, on a thread of the pool; completes with void(Result<T>) on the
  /// token's executor, else on `home`. What `work` throws is made an error: `io` with ENOMEM of bad_alloc,
  /// `invalid_state` of anything else.
  ///
  /// Errors besides those of `work`: `busy`: the queue is full; `closed`: the pool was closed
  /// first, and the work is never done; `invalid_config`: `home` is empty (reported on the token's executor,
  /// else on boost::asio::system_executor); `cancelled`: the waiter gave up. Cancelled before a thread took
  /// it, the work is never done, and leaves its place to others at once; later, it runs on to its end, and
  /// nobody hears of its result. It must therefore own what it works on. So it is where the execution context
  /// of its waiter is destroyed.
  template <class Work, class Token>
  auto run(const boost::asio::any_io_executor& home, std::string_view what, Work work, Token&& token) {
    return async::run_task_on(tasks_, {}, home, what, std::move(work), std::forward<Token>(token));
  }

  /// What waits is `closed`, and never done; what runs is waited for. Later calls of run() are `closed`.
  /// Blocks: not for an event loop.
  void close() noexcept;

  /// For what of this module runs there.
  [[nodiscard]] const std::shared_ptr<async::TaskQueue>& tasks() const noexcept { return tasks_; }

 private:
  explicit BlockingPool(const BlockingPoolOptions& options)
      : tasks_(std::make_shared<async::TaskQueue>(options.max_waiting)) {}

  Status start_threads(std::size_t count);

  const std::shared_ptr<async::TaskQueue> tasks_;
  const internal::OpeningProcess process_;
  Mutex closing_;  // one joins
  std::vector<Thread> threads_;
};

}  // namespace durability
