#pragma once

// Group commit: many threads append and wait, one sync covers all entries that were encoded before it began.
//
// One mutex guards the writer. A thread that waits for an entry and finds no sync under way leads one: hands
// everything encoded so far to the operating system, drops the mutex for the sync itself, so that others go
// on appending, and then wakes those whose entries it covered, each by itself, and one of the others to
// lead the next (LevelDB's way; a condition variable for all would wake everyone after every sync). A
// thread that was woken to lead leads, or wakes another one to lead before it returns, on every way out: its
// entry may be durable already, by the sync of a seal, and if it just returned nobody would lead. An
// acknowledgement therefore means: a sync that began after the entry was written has succeeded. If a sync
// fails, every waiter on it, and every later caller, gets an error.
//
// Those who were woken together come back together, with their next entries. A leader that began at once
// would sync one entry and leave all others to the next sync; so it first lets as many arrive as the last
// sync released, for a few yields to the scheduler at most (LeaderPatience).
//
// Completions are for callers that do not wait: a thread of the group commit's own leads syncs where no
// waiting thread does, and calls each completion after the sync that covered it.

#include <memory>
#include <optional>

#include "durability/walog/commit/completion_queue.hpp"
#include "durability/walog/commit/leader_patience.hpp"
#include "durability/walog/commit/wait_list.hpp"
#include "durability/walog/write/byte_writer.hpp"

namespace durability::walog {

/// Thread-safe. In a child of fork every call is `invalid_state`, and its end waits for nobody.
class GroupCommit {
 public:
  explicit GroupCommit(std::unique_ptr<ByteWriter> writer) : writer_(std::move(writer)) {}
  /// Starts its thread, before anything else is asked of it: `io` where the system has none to give.
  Status start();
  /// Completions that no sync has covered get `closed`. Not from within a completion: see LetGo.
  ~GroupCommit();
  GroupCommit(const GroupCommit&) = delete;
  GroupCommit& operator=(const GroupCommit&) = delete;

  /// For its owner, who may be let go of inside a completion: the thread that calls it cannot wait for its
  /// own end. Then that thread goes on to its end when the completion has returned, gives those who are left
  /// their result, and destroys the group commit itself.
  struct LetGo {
    void operator()(GroupCommit* commit) const noexcept;
  };

  Result<EntryId> append(ByteView payload);
  Result<EntryId> append_batch(std::span<const ByteView> payloads, bool atomic);
  /// Returns when `id` is durable; also of a writer that is poisoned or closed, where it is durable already.
  Result<DurableId> wait_until_durable(EntryId id);
  Result<DurableId> append_durable(ByteView payload);
  /// Returns when the entry is appended; `completion` is then called once, by the thread of the group commit.
  /// Where the append is refused it is never called.
  Status append_durable(ByteView payload, DurableCompletion completion);
  Status flush();
  Result<DurableId> flush_and_sync();
  /// One at a time, and none beside a publication. Others append and sync while segments are deleted.
  Result<WalTruncation> truncate_prefix(DurableId upto);

  /// publication.hpp.
  Status begin_publication();
  void end_publication() noexcept;
  Status may_publish(DurableId upto);
  void published(DurableId upto) noexcept;
  Result<WalTruncation> truncate_published(DurableId upto);

  /// Waits for a publication, a truncation and a sync under way; those who still wait get `closed`, or
  /// their acknowledgement. Returns when all completions have been called, unless a completion is what calls
  /// it.
  Status close();

  /// Calls `change` on the writer's WalTuning, and sets it.
  template <class Change>
  Status configure(Change&& change) {
    DURABILITY_TRY(in_opening_process());
    const LockGuard lock(mutex_);
    WalTuning tuning = writer_->tuning();
    std::forward<Change>(change)(tuning);
    return writer_->configure(tuning);
  }

  /// Calls `look` on the writer, for its ids and ranges.
  // Not analysed: in a child of fork nobody may be there to let go of the mutex, and nobody changes anything.
  template <class Look>
  auto inspect(Look&& look) const DURABILITY_NO_ANALYSIS {
    std::optional<LockGuard> lock;
    if (!opener_.left()) lock.emplace(mutex_);
    return look(std::as_const(*writer_));
  }

 private:
  class Leading;
  class Leadership;

  [[nodiscard]] Status in_opening_process() const;
  // What takes a Lock lets go of it, or lets others do so: `lock` is of mutex_.
  Result<DurableId> wait(Lock& lock, EntryId id) DURABILITY_RELEASE(mutex_);
  Status lead(Lock& lock) DURABILITY_RELEASE(mutex_);
  void release(Lock& lock) noexcept DURABILITY_RELEASE(mutex_);
  void unlock(Lock& lock) noexcept DURABILITY_RELEASE(mutex_);
  Status close_writer(Lock& lock) DURABILITY_REQUIRES(mutex_);
  void lead_alone(Lock& lock) DURABILITY_REQUIRES(mutex_);
  Status lead_and_come_back(Lock& lock) DURABILITY_REQUIRES(mutex_);

  Status sync() DURABILITY_REQUIRES(mutex_);
  void gather() DURABILITY_REQUIRES(mutex_);
  void wait_for_turn() DURABILITY_REQUIRES(mutex_);
  Result<WalTruncation> truncate(DurableId upto) DURABILITY_REQUIRES(mutex_);
  [[nodiscard]] Status over(bool waited) const DURABILITY_REQUIRES(mutex_);
  [[nodiscard]] bool is_durable(EntryId id) const DURABILITY_REQUIRES(mutex_);
  [[nodiscard]] EntryId decided_through() const DURABILITY_REQUIRES(mutex_);

  Status wait_for_in_flight_slot() DURABILITY_REQUIRES(mutex_);
  Result<EntryId> append_with(ByteView payload, DurableCompletion& completion) DURABILITY_REQUIRES(mutex_);
  void commit();
  [[nodiscard]] Error why_not_durable() const noexcept DURABILITY_REQUIRES(mutex_);
  void deliver(EntryId through, const Error& why_not) DURABILITY_REQUIRES(mutex_);

  internal::OpeningProcess opener_;
  mutable Mutex mutex_;
  Condition changed_;  // a sync, a truncation, completions or the writer have ended
  std::unique_ptr<ByteWriter> writer_ DURABILITY_PT_GUARDED_BY(mutex_);
  bool syncing_ DURABILITY_GUARDED_BY(mutex_) = false;
  bool truncating_ DURABILITY_GUARDED_BY(mutex_) = false;         // or publishing: there is one turn for both
  std::size_t closes_waiting_ DURABILITY_GUARDED_BY(mutex_) = 0;  // for that turn to end
  // A close waits for what is under way: no sync and no truncation is begun.
  bool closing_ DURABILITY_GUARDED_BY(mutex_) = false;
  bool closed_ DURABILITY_GUARDED_BY(mutex_) = false;
  WaitList waiting_ DURABILITY_GUARDED_BY(mutex_);
  LeaderPatience patience_ DURABILITY_GUARDED_BY(mutex_);

  Condition work_;  // for the thread
  CompletionQueue completions_ DURABILITY_GUARDED_BY(mutex_);
  std::vector<PendingCompletion> delivered_;  // the thread's own; its room is made at the start
  std::size_t in_flight_ DURABILITY_GUARDED_BY(mutex_) = 0;  // appended, and not called yet
  bool idle_ DURABILITY_GUARDED_BY(mutex_) = false;          // the thread waits for work
  bool ending_ DURABILITY_GUARDED_BY(mutex_) = false;
  bool owns_itself_ = false;  // the thread's own: its owner is gone
  Thread thread_;
};

}  // namespace durability::walog
