#pragma once

// Threads that wait for an entry to be durable, each woken by itself.

#include <cstdint>

#include "durability/base/ids.hpp"
#include "durability/base/sync.hpp"

namespace durability::walog {

/// One waiting thread; lives on its stack.
class Waiter {
 public:
  enum class Word : std::uint32_t {
    kWait,
    kDurable,
    kRecheck,  ///< look again: the sync failed, the writer is closed, or this thread is to lead
  };

  explicit Waiter(EntryId id) noexcept : id_(id) {}

  Word wait() noexcept {
    word_.wait(Word::kWait);
    return word_.load();
  }
  /// The waiter may be gone when this returns.
  // Sequentially consistent; release is not enough. notify_one() of g++ 12 first loads the number of waiters,
  // and a processor (x86 does) may move that load before a release store. A waiter that arrives in between
  // is not counted, does not see the word either, and sleeps for ever.
  void wake(Word word) noexcept {
    word_.store(word);
    word_.notify_one();
  }

 private:
  friend class WaitList;

  EntryId id_;
  Word signal_ = Word::kRecheck;
  Atomic<Word> word_{Word::kWait};
  Waiter* next_ = nullptr;
};

/// First come, first in the list. Guarded by the group commit's mutex; what release() returned belongs to
/// the caller.
class WaitList {
 public:
  /// Threads that are to be woken, once the mutex is dropped.
  class Released {
   public:
    explicit Released(Waiter* first) noexcept : first_(first) {}
    void wake() noexcept {
      for (Waiter* waiter = first_; waiter != nullptr;) {
        Waiter* const next = waiter->next_;  // read before its thread goes on and takes the list's node along
        waiter->wake(waiter->signal_);
        waiter = next;
      }
    }

   private:
    Waiter* first_;
  };

  void add(Waiter& waiter) noexcept;
  /// Those up to `durable`. With `all`, all others too, to look again; else the first of the others only,
  /// which looks again and is woken first.
  Released release(EntryId durable, bool all) noexcept;
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  Waiter* first_ = nullptr;
  Waiter** end_ = &first_;
  std::size_t size_ = 0;
};

}  // namespace durability::walog
