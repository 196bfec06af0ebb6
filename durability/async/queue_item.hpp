#pragma once

// What waits in the commit queue, is carried to the log by a group, and goes back to the event loop through
// the mailbox: an entry, a sync, or the closing. One object from the beginning to the end, with its place in
// each of these lists inside, so that no step on the way needs memory.

#include <boost/intrusive/list.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "durability/async/async_operation.hpp"
#include "durability/base/bytes.hpp"
#include "durability/base/ids.hpp"

namespace durability::async {

/// The log, as the queue uses it: from the thread that commits. Nothing here throws.
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

/// The log, as the items of a group wait for it: one sync covers them all, and if it fails all of them get
/// its error. The log reports it to the first of them, and by then is `poisoned` for the others.
class GroupOfLog {
 public:
  explicit GroupOfLog(CommitLog& log) noexcept : log_(log) {}

  Result<DurableId> wait_until_durable(EntryId id) { return heard(log_.wait_until_durable(id)); }
  Result<DurableId> flush_and_sync() { return heard(log_.flush_and_sync()); }
  Status close() { return log_.close(); }

 private:
  Result<DurableId> heard(Result<DurableId> said) noexcept {
    if (said) return said;
    try {
      if (!failed_) {
        failed_ = said.error();
      } else if (said.error().code() == ErrorCode::kPoisoned) {
        return *failed_;
      }
    } catch (const std::bad_alloc&) {
      return said;  // is an error too
    }
    return said;
  }

  CommitLog& log_;
  std::optional<Error> failed_;
};

class CommitQueue;

/// In one list at a time, which owns it (kept_).
class QueueItem : public boost::intrusive::list_base_hook<> {
 public:
  virtual ~QueueItem() = default;
  QueueItem(const QueueItem&) = delete;
  QueueItem& operator=(const QueueItem&) = delete;

  /// Of an entry; 0 of all others.
  [[nodiscard]] virtual std::size_t bytes() const noexcept { return 0; }
  [[nodiscard]] virtual bool closes() const noexcept { return false; }

  // The steps of a group: all of its items begin, then all of them finish.

  virtual void begin(CommitLog& /*log*/) {}
  virtual void finish(GroupOfLog& log) = 0;
  /// Whether it is to be done: a closing is, also when its waiter gave up.
  [[nodiscard]] virtual bool is_wanted() const noexcept = 0;
  virtual void tell(bool at_home) = 0;
  virtual void refuse(Error why) = 0;
  /// Left the queue before a group took it: gives its memory back.
  virtual void forget() noexcept {}

 protected:
  QueueItem() = default;

 private:
  friend class CommitQueue;
  friend class ItemList;

  std::shared_ptr<QueueItem> kept_;
  bool waits_ = false;  // for a group; the queue's mutex guards it
};

/// A list that owns what is in it.
class ItemList {
 public:
  ItemList() = default;
  ItemList(ItemList&& other) noexcept { append(other); }
  ItemList(const ItemList&) = delete;
  ItemList& operator=(const ItemList&) = delete;
  ItemList& operator=(ItemList&&) = delete;
  ~ItemList() { drop_all(); }

  [[nodiscard]] bool empty() const noexcept { return items_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
  [[nodiscard]] QueueItem& front() noexcept { return items_.front(); }
  [[nodiscard]] auto begin() noexcept { return items_.begin(); }
  [[nodiscard]] auto end() noexcept { return items_.end(); }

  void push_back(std::shared_ptr<QueueItem> item) noexcept {
    QueueItem& here = *item;
    here.kept_ = std::move(item);
    items_.push_back(here);
  }
  [[nodiscard]] std::shared_ptr<QueueItem> take(QueueItem& item) noexcept {
    items_.erase(items_.iterator_to(item));
    return std::move(item.kept_);
  }
  [[nodiscard]] std::shared_ptr<QueueItem> take_front() noexcept { return take(items_.front()); }
  void append(ItemList& other) noexcept { items_.splice(items_.end(), other.items_); }
  void drop_all() noexcept {
    while (!empty()) static_cast<void>(take_front());
  }

 private:
  boost::intrusive::list<QueueItem> items_;
};

/// A waiter in the queue.
template <class T>
class QueuedFor : public AsyncOperation<T>, public QueueItem {
 public:
  QueuedFor(std::string_view what, std::shared_ptr<CommitQueue> queue) noexcept
      : AsyncOperation<T>(what), queue_(std::move(queue)) {}

  [[nodiscard]] bool is_wanted() const noexcept override { return closes() || !this->decided(); }
  void tell(bool at_home) override { AsyncOperation<T>::tell(at_home); }
  void refuse(Error why) override { this->resolve(std::move(why)); }
  [[nodiscard]] CommitQueue& queue() const noexcept { return *queue_; }

 private:
  void give_up_place() noexcept override;

  const std::shared_ptr<CommitQueue> queue_;
};

class QueuedEntry : public QueuedFor<DurableId> {
 public:
  QueuedEntry(std::string_view what, std::shared_ptr<CommitQueue> queue, Bytes payload) noexcept
      : QueuedFor(what, std::move(queue)), payload_(std::move(payload)), size_(payload_.size()) {}

  [[nodiscard]] std::size_t bytes() const noexcept override { return size_; }
  void begin(CommitLog& log) override {
    auto id = log.append_bytes(payload_);
    if (id) {
      id_ = *id;
    } else {
      put_outcome(std::move(id).error());
    }
  }
  void finish(GroupOfLog& log) override {
    if (id_) put_outcome(log.wait_until_durable(*id_));
  }
  void forget() noexcept override { Bytes().swap(payload_); }

 private:
  Bytes payload_;
  const std::size_t size_;
  std::optional<EntryId> id_;
};

class QueuedSync : public QueuedFor<DurableId> {
 public:
  using QueuedFor::QueuedFor;
  void finish(GroupOfLog& log) override { put_outcome(log.flush_and_sync()); }
};

class QueuedClose : public QueuedFor<void> {
 public:
  using QueuedFor::QueuedFor;
  [[nodiscard]] bool closes() const noexcept override { return true; }
  void finish(GroupOfLog& log) override { put_outcome(log.close()); }
};

}  // namespace durability::async
