#pragma once

// Between a thread that reads a log and a coroutine that takes its batches: holds one batch, so that two
// exist at most (one being filled, one waiting), however long the log.

#include <optional>

#include "durability/async/async_operation.hpp"
#include "durability/base/sync.hpp"

namespace durability::async {

/// Thread-safe: one thread puts, one consumer takes. An empty batch is the end.
template <class Batch>
class ReplayChannel {
 public:
  using Taker = std::shared_ptr<AsyncOperation<Batch>>;

  /// Waits for a place. False: nobody wants any more.
  bool put(Result<Batch> batch) noexcept {
    const LockGuard lock(mutex_);
    changed_.wait(mutex_, [this]() DURABILITY_REQUIRES(mutex_) { return !held_ || abandoned_; });
    if (abandoned_) return false;
    held_ = std::move(batch);
    hand_over();
    return true;
  }
  /// The last: after the batch that still waits, take() yields this again and again: an empty batch, or the
  /// error.
  void finish(Result<Batch> last) noexcept {
    const LockGuard lock(mutex_);
    end_ = std::move(last);
    hand_over();
  }

  void take(Taker taker) noexcept {
    const LockGuard lock(mutex_);
    if (taker_ && !taker_->decided()) return taker->resolve(taken());
    taker_ = std::move(taker);
    hand_over();
  }

  void abandon() noexcept {
    const LockGuard lock(mutex_);
    abandoned_ = true;
    if (taker_) taker_->cancel();
    changed_.notify_all();
  }

 private:
  static Error taken() noexcept {
    try {
      return Error(ErrorCode::kInvalidState, "somebody waits for the next batch")
          .advise("take one at a time");
    } catch (const std::bad_alloc&) {
      return Error(ErrorCode::kInvalidState, "one at a time");  // short: needs no memory
    }
  }
  /// The end comes again and again: a copy, if there is memory for one.
  Result<Batch> next() noexcept DURABILITY_REQUIRES(mutex_) {
    if (held_) return *std::move(held_);
    if (*end_) return Batch();
    try {
      return end_->error();
    } catch (const std::bad_alloc&) {
      return out_of_memory();
    }
  }

  /// A taker that gave up takes nothing with it.
  void hand_over() noexcept DURABILITY_REQUIRES(mutex_) {
    if (!taker_ || (!held_ && !end_) || !taker_->claim()) return;
    taker_->complete(next());
    held_.reset();
    taker_.reset();
    changed_.notify_all();
  }

  Mutex mutex_;
  Condition changed_;
  std::optional<Result<Batch>> held_ DURABILITY_GUARDED_BY(mutex_);
  std::optional<Result<Batch>> end_ DURABILITY_GUARDED_BY(mutex_);
  Taker taker_ DURABILITY_GUARDED_BY(mutex_);
  bool abandoned_ DURABILITY_GUARDED_BY(mutex_) = false;
};

}  // namespace durability::async
