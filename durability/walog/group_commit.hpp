#pragma once

// Group commit: many threads append and wait, one sync covers all who were encoded before it began.
//
// One mutex guards the writer. A thread that waits for its entry and finds no sync under way runs one: it
// hands everything encoded so far to the operating system, drops the mutex for the sync itself, so that
// others go on appending, and wakes all waiters. An acknowledgement therefore means: a sync that began
// after the entry was written has succeeded. If a sync fails, everyone who waited on it, and everyone
// after, gets an error.

#include <condition_variable>
#include <memory>
#include <mutex>

#include "durability/walog/byte_writer.hpp"

namespace durability::walog {

/// Thread-safe.
class GroupCommit {
 public:
  explicit GroupCommit(std::unique_ptr<ByteWriter> writer) : writer_(std::move(writer)) {}

  Result<EntryId> append(ByteView payload);
  Result<EntryId> append_batch(std::span<const ByteView> payloads, bool atomic);
  /// Returns when `id` is durable.
  Result<DurableId> wait_until_durable(EntryId id);
  Result<DurableId> append_durable(ByteView payload);
  Status flush();
  Result<DurableId> flush_and_sync();
  Result<WalTruncation> truncate_prefix(DurableId upto);
  /// Waits for a sync under way; those who still wait get `invalid_state`, or their acknowledgement.
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
  Result<DurableId> wait(std::unique_lock<std::mutex>& lock, EntryId id);
  Status lead(std::unique_lock<std::mutex>& lock);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::unique_ptr<ByteWriter> writer_;
  bool syncing_ = false;
  std::optional<Error> failure_;  // of a sync: for those who waited on it
};

}  // namespace durability::walog
