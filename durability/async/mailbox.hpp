#pragma once

// The way of results from the thread that commits to the event loop: one wake-up for a whole group instead of
// one for each waiter.
//
// It is a guest of the event loop's context. Once that is gone there is nobody to be woken: a waiter on
// another context is then told directly, in a post of its own.

#include <memory>

#include "durability/async/queue_item.hpp"

namespace durability::async {

/// Thread-safe. Owned through std::shared_ptr.
class Mailbox final : public Guest, public std::enable_shared_from_this<Mailbox> {
 public:
  static std::shared_ptr<Mailbox> make(const Home& home);
  ~Mailbox() override;

  /// They are told on the home executor, in this order, each once. Takes them all; never waits for them.
  void put(ItemList& group) noexcept;

 private:
  // So many in one go; then others on the event loop have their turn.
  static constexpr std::size_t kAtOnce = 64;

  explicit Mailbox(const Home& home) : home_(home) {}

  void schedule() DURABILITY_REQUIRES(mutex_);
  void deliver();
  void take_next_turn(ItemList& left);
  bool claim_to_cut_off() noexcept override { return true; }
  std::shared_ptr<Guest> keep() noexcept override { return weak_from_this().lock(); }
  void cut_off() noexcept override;

  const Home home_;
  Mutex mutex_;
  ItemList waiting_ DURABILITY_GUARDED_BY(mutex_);
  bool scheduled_ DURABILITY_GUARDED_BY(mutex_) = false;
  bool home_is_gone_ DURABILITY_GUARDED_BY(mutex_) = false;
  Reserve reserve_;  // for the one wake-up under way
};

}  // namespace durability::async
