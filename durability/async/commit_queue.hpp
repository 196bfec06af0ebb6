#pragma once

// What stands between an event loop and a log: appends queue here, and one worker carries them to the log,
// a group at a time.
//
//   event loop                     worker
//   append: encode, queue ──────▶  take the group that waits; append each; one sync covers them
//   handlers  ◀── mailbox ───────  put every outcome
//
// While the worker waits for the disk the next group gathers, however many there are: that is the group
// commit, with one thread for all waiters and no file operation on the event loop, not even the write of a
// full buffer or a rotation. An outcome is what the log said of that very entry after the group's sync, so
// that nothing is acknowledged early, in whatever order the event loop comes to it.
//
// Order: entries get their ids in the order of append(), and are told in that order. Bounds: `max_in_flight`
// entries in the group under way, `max_waiting` entries of at most `max_waiting_bytes` behind it (one entry
// may always wait, however long); what finds no place is `busy` and was never queued.

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "durability/async/mailbox.hpp"
#include "durability/base/bytes.hpp"
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

/// The log, as the queue uses it: from the worker's thread.
class CommitLog {
 public:
  virtual ~CommitLog() = default;
  CommitLog() = default;
  CommitLog(const CommitLog&) = delete;
  CommitLog& operator=(const CommitLog&) = delete;

  virtual Result<EntryId> append_bytes(ByteView payload) = 0;
  virtual Result<DurableId> wait_until_durable(EntryId id) = 0;
  virtual Result<DurableId> flush_and_sync() = 0;
  virtual Status close() = 0;
};

/// Thread-safe; nothing here waits for the log but the worker. Owned through std::shared_ptr, by what may
/// still append too; `worker` is used until abandon() returns.
class CommitQueue : public std::enable_shared_from_this<CommitQueue> {
 public:
  CommitQueue(std::shared_ptr<CommitLog> log, Worker& worker, boost::asio::any_io_executor home,
              const AsyncWalOptions& options);

  void append(Bytes payload, std::shared_ptr<Pending<DurableId>> waiter);
  void flush_and_sync(std::shared_ptr<Pending<DurableId>> waiter);
  /// What is queued is committed first. Everything after it is `invalid_state`.
  void close(std::shared_ptr<Pending<void>> waiter);
  /// What is queued is `cancelled`, and never appended.
  void abandon();

 private:
  struct Item {
    std::optional<Bytes> payload;                // of an entry
    std::shared_ptr<Pending<DurableId>> waiter;  // of an entry, or of a sync
    std::shared_ptr<Pending<void>> closer;
  };

  void enqueue(Item item);
  [[nodiscard]] Status admit(const Item& item) const;
  void schedule();
  void commit_group();
  [[nodiscard]] std::vector<Item> take_group();
  [[nodiscard]] std::vector<Letter> commit(std::vector<Item> group);

  const std::shared_ptr<CommitLog> log_;
  Worker* const worker_;
  const std::shared_ptr<Mailbox> mailbox_;
  const std::size_t max_in_flight_;
  const std::size_t max_waiting_;
  const std::size_t max_waiting_bytes_;

  mutable std::mutex mutex_;
  std::deque<Item> waiting_;
  std::size_t waiting_bytes_ = 0;
  bool scheduled_ = false;
  bool closed_ = false;
};

}  // namespace async
}  // namespace durability
