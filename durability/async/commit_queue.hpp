#pragma once

// What stands between an event loop and a log: appends queue here, and one thread carries them to the log,
// a group at a time.
//
//   event loop                     the thread that commits
//   append: encode, queue ──────▶  take the group that waits; append each; one sync covers them
//   handlers  ◀── mailbox ───────  put every outcome
//
// While it waits for the disk the next group gathers, up to the queue's limits: that is the group
// commit, with one thread for all waiters and no file operation on the event loop, not even the write of a
// full buffer or a rotation. An outcome is what the log said of that very entry after the group's sync, so
// that nothing is acknowledged early, in whatever order the event loop comes to it.
//
// Order: entries get their ids in the order in which they were queued, and are told in that order. Bounds:
// `max_in_flight` entries in the group under way, `max_waiting` entries of at most `max_waiting_bytes` after
// it (one entry may always wait, however long); what finds no place is `busy` and was never queued. Whoever
// gives up before a group took him leaves his place to others at once.
//
// The thread is the queue's own, started with it, or a Worker that was passed in. Nothing on either needs
// memory (queue_item.hpp), so nothing there can end without an outcome.

#include <memory>
#include <optional>

#include "durability/async/mailbox.hpp"
#include "durability/async/queue_item.hpp"
#include "durability/base/process.hpp"
#include "durability/base/sync.hpp"
#include "durability/base/worker.hpp"

namespace durability {

struct AsyncWalOptions {
  /// Entries that share a sync. 1 to 2^20.
  std::size_t max_in_flight = 8192;
  /// Entries, and their bytes, that wait for the next one. 1 to 2^20; 1 byte to 1 GiB.
  std::size_t max_waiting = 65536;
  std::size_t max_waiting_bytes = std::size_t{64} << 20U;
  /// Where groups are committed; none: a thread of its own. It must not be one that others wait on.
  std::shared_ptr<Worker> worker{};

  [[nodiscard]] Status validate() const;
};

namespace async {

/// Thread-safe; nothing here waits for the log but the thread that commits, and abandon(). Owned through
/// std::shared_ptr, by what may still append too; AsyncWalOptions::worker is used until abandon() returns.
class CommitQueue : public std::enable_shared_from_this<CommitQueue> {
 public:
  CommitQueue(std::unique_ptr<CommitLog> log, const Home& home, const AsyncWalOptions& options);
  CommitQueue(const CommitQueue&) = delete;
  CommitQueue& operator=(const CommitQueue&) = delete;
  ~CommitQueue() = default;

  /// Before all else; the owner calls abandon(). `io` where its thread cannot be started.
  Status start();

  /// After a close, which commits first what is queued, everything is `closed`; in a child of fork(),
  /// `invalid_state`.
  void enqueue(std::shared_ptr<QueueItem> item) noexcept;
  /// Takes it out of the queue; false: a group has taken it.
  bool withdraw(QueueItem& item) noexcept;
  /// What is queued is `closed`, and never appended. Waits for the group under way, and lets go of the log
  /// and of the thread.
  void abandon() noexcept;

 private:
  [[nodiscard]] std::optional<Error> refusal(const QueueItem& item) const noexcept
      DURABILITY_REQUIRES(mutex_);
  [[nodiscard]] bool wake() noexcept DURABILITY_REQUIRES(mutex_);
  std::shared_ptr<QueueItem> take_out(QueueItem& item) noexcept DURABILITY_REQUIRES(mutex_);
  void serve() noexcept;
  void run_on_worker() noexcept;
  bool submit() noexcept DURABILITY_REQUIRES(mutex_);
  void commit_group() noexcept DURABILITY_REQUIRES(mutex_);
  [[nodiscard]] ItemList take_group() noexcept DURABILITY_REQUIRES(mutex_);

  const durability::internal::OpeningProcess process_;
  Worker* const worker_;  // none: thread_
  const std::shared_ptr<Mailbox> mailbox_;
  const std::size_t max_in_flight_;
  const std::size_t max_waiting_;
  const std::size_t max_waiting_bytes_;

  Mutex mutex_;
  Condition work_;     // for the thread
  Condition changed_;  // no group is under way
  ItemList waiting_ DURABILITY_GUARDED_BY(mutex_);
  std::size_t waiting_bytes_ DURABILITY_GUARDED_BY(mutex_) = 0;
  bool submitted_ DURABILITY_GUARDED_BY(mutex_) = false;  // to the worker
  bool idle_ DURABILITY_GUARDED_BY(mutex_) = false;       // the thread waits for work
  bool closed_ DURABILITY_GUARDED_BY(mutex_) = false;
  bool ended_ DURABILITY_GUARDED_BY(mutex_) = false;
  bool committing_ DURABILITY_GUARDED_BY(mutex_) = false;
  durability::internal::SystemThread::id committer_ DURABILITY_GUARDED_BY(mutex_);
  // Until abandon(), or the end of the group under way then.
  std::unique_ptr<CommitLog> log_ DURABILITY_GUARDED_BY(mutex_);
  Thread thread_;
};

template <class T>
void QueuedFor<T>::give_up_place() noexcept {
  if (!is_wanted() && queue_->withdraw(*this)) forget();
}

}  // namespace async
}  // namespace durability
