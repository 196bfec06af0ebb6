#pragma once

// Threads for calls that block, so that none runs on an event loop's thread.
//
// Bounded on both sides: a fixed number of threads, and a queue with a limit. Work for which there is a place
// waits its turn, first come first served, and its coroutine with it: that is the backpressure. Where there
// is none it is refused at once (`busy`), and nothing was done. Nothing here ever blocks the caller.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "durability/async/pending.hpp"

namespace durability {

struct BlockingPoolOptions {
  /// 1 to 1024.
  std::size_t threads = 4;
  /// How many may wait for a thread. 1 to 2^20.
  std::size_t max_waiting = 1024;

  [[nodiscard]] Status validate() const;
};

/// Thread-safe. Owned through std::shared_ptr, by its own tasks too.
class BlockingPool : public std::enable_shared_from_this<BlockingPool> {
 public:
  /// `invalid_config`; `io` where the system has no more threads.
  static Result<std::shared_ptr<BlockingPool>> make(const BlockingPoolOptions& options = {});
  /// close().
  ~BlockingPool();
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  /// Runs `work`, which returns a Result<T>, on a thread of the pool; completes with void(Result<T>) on the
  /// token's executor, else on `home`. What `work` throws is made an error: `io` with ENOMEM of bad_alloc,
  /// `invalid_state` of anything else.
  ///
  /// Errors besides those of `work`: `busy`: the queue is full; `cancelled`: the waiter gave up, or the pool
  /// was closed first. Cancelled before a thread took it, the work is never done; later, it runs on to its
  /// end, and nobody hears of its result. It must therefore own what it works on.
  template <class Work, class Token>
  auto run(const boost::asio::any_io_executor& home, std::string_view what, Work work, Token&& token) {
    using T = typename std::invoke_result_t<Work&>::value_type;
    return async::initiate<T>(
        home, what,
        [self = shared_from_this(),
         work = std::move(work)](std::shared_ptr<async::Pending<T>> pending) mutable {
          self->submit(std::make_unique<TaskOf<T, Work>>(std::move(work), std::move(pending)));
        },
        std::forward<Token>(token));
  }

  /// What waits is `cancelled`; what runs is waited for. Later calls of run() are `cancelled`. Blocks: not
  /// for an event loop.
  void close();

 private:
  class Task {
   public:
    virtual ~Task() = default;
    Task() = default;
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
    virtual void run() = 0;
    virtual void cancel() = 0;
    virtual void refuse_busy(std::size_t waiting) = 0;
  };

  template <class T, class Work>
  class TaskOf final : public Task {
   public:
    TaskOf(Work work, std::shared_ptr<async::Pending<T>> pending)
        : work_(std::move(work)), pending_(std::move(pending)) {}
    void run() override {
      if (!pending_->decided()) pending_->resolve(async::guarded(work_));
    }
    void cancel() override { pending_->cancel(); }
    void refuse_busy(std::size_t waiting) override { pending_->resolve(busy(pending_->what(), waiting)); }

   private:
    Work work_;
    std::shared_ptr<async::Pending<T>> pending_;
  };

  // The threads' own: the last owner of the pool may be a task, and then one of them outlives it.
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::unique_ptr<Task>> waiting;
    bool closed = false;
  };

  explicit BlockingPool(const BlockingPoolOptions& options) : max_waiting_(options.max_waiting) {}

  static Error busy(std::string_view what, std::size_t waiting);
  Status start_threads(std::size_t count);
  void submit(std::unique_ptr<Task> task);
  static void serve(Shared& shared);

  const std::size_t max_waiting_;
  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  std::mutex closing_;  // one joins
  std::vector<std::thread> threads_;
};

}  // namespace durability
