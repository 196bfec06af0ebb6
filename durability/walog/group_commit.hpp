#pragma once

// Group commit: many threads append and wait, one sync covers all who were encoded before it began.
//
// One mutex guards the writer. Whoever waits for an entry and finds no sync under way leads one: hands
// everything encoded so far to the operating system, drops the mutex for the sync itself, so that others go
// on appending, and then wakes those whose entries it covered, each by itself, and one of the others to
// lead the next (LevelDB's way; a condition variable for all would wake everyone after every sync). An
// acknowledgement therefore means: a sync that began after the entry was written has succeeded. If a sync
// fails, everyone who waited on it, and everyone after, gets an error.
//
// Those who were woken together come back together, with their next entries. A leader that began at once
// would sync one entry and leave all others to the next sync; so it first lets as many arrive as the last
// sync released, for a few turns of the scheduler at most (Gathering).
//
// Completions are for callers that do not wait: a thread of the group commit's own, started by the first
// of them, leads syncs where no waiting thread does, and calls each completion behind the sync that covered
// it.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "durability/walog/byte_writer.hpp"
#include "durability/walog/completion_queue.hpp"
#include "durability/walog/gathering.hpp"
#include "durability/walog/wait_list.hpp"

namespace durability::walog {

/// Thread-safe.
class GroupCommit {
 public:
  explicit GroupCommit(std::unique_ptr<ByteWriter> writer) : writer_(std::move(writer)) {}
  /// Completions that no sync has covered get `invalid_state`. Not from within a completion.
  ~GroupCommit();
  GroupCommit(const GroupCommit&) = delete;
  GroupCommit& operator=(const GroupCommit&) = delete;

  Result<EntryId> append(ByteView payload);
  Result<EntryId> append_batch(std::span<const ByteView> payloads, bool atomic);
  /// Returns when `id` is durable.
  Result<DurableId> wait_until_durable(EntryId id);
  Result<DurableId> append_durable(ByteView payload);
  /// Returns when the entry is appended. `completion` is called once: by the thread of the group commit,
  /// or, where the append is refused, in this call.
  void append_durable(ByteView payload, DurableCompletion completion);
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

  /// Waits for a publication, a truncation and a sync under way; those who still wait get `invalid_state`, or
  /// their acknowledgement. Returns when all completions have been called, unless a completion is what calls
  /// it.
  Status close();

  /// Calls `change` on the writer's WalTuning, and sets it.
  template <class Change>
  Status configure(Change&& change) {
    const std::lock_guard lock(mutex_);
    WalTuning tuning = writer_->tuning();
    std::forward<Change>(change)(tuning);
    return writer_->configure(tuning);
  }

  /// Calls `look` on the writer, for its ids and ranges.
  template <class Look>
  auto inspect(Look&& look) const {
    const std::lock_guard lock(mutex_);
    return look(std::as_const(*writer_));
  }

 private:
  using Lock = std::unique_lock<std::mutex>;

  Result<DurableId> wait(Lock& lock, EntryId id);
  Status lead(Lock& lock);
  Status sync(Lock& lock);
  void gather(Lock& lock);
  void wait_for_turn(Lock& lock);
  Result<WalTruncation> truncate(Lock& lock, DurableId upto);
  void release(Lock& lock);
  [[nodiscard]] bool is_durable(EntryId id) const;
  [[nodiscard]] EntryId decided_through() const;

  Status make_room(Lock& lock);
  Result<EntryId> append_with(Lock& lock, ByteView payload, DurableCompletion& completion);
  void commit();
  void deliver(Lock& lock, EntryId through);

  mutable std::mutex mutex_;
  std::condition_variable changed_;  // a sync, a truncation, completions or the writer have ended
  std::unique_ptr<ByteWriter> writer_;
  bool syncing_ = false;
  bool truncating_ = false;         // or publishing: there is one turn for both
  std::size_t closes_waiting_ = 0;  // for that turn to end
  bool closing_ = false;            // a close waits for what is under way: no sync and no truncation is begun
  bool closed_ = false;
  std::optional<Error> failure_;  // of a sync: for those who waited on it
  WaitList waiting_;
  Gathering gathering_;

  std::condition_variable work_;  // for the thread
  CompletionQueue completions_;
  std::vector<PendingCompletion> delivered_;  // the thread's own
  std::size_t in_flight_ = 0;                 // appended, and not called yet
  bool idle_ = false;                         // the thread waits for work
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace durability::walog
