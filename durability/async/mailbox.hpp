#pragma once

// The way of results from the thread that commits to the event loop: one wake-up for a whole group instead of
// one for each waiter.

#include <boost/asio/any_io_executor.hpp>
#include <deque>
#include <memory>
#include <mutex>
#include <variant>
#include <vector>

#include "durability/async/pending.hpp"
#include "durability/base/ids.hpp"

namespace durability::async {

/// A waiter, and what it is to hear.
template <class T>
struct Outcome {
  std::shared_ptr<Pending<T>> waiter;
  Result<T> result;
};
using Letter = std::variant<Outcome<DurableId>, Outcome<void>>;

/// Thread-safe. Owned through std::shared_ptr.
class Mailbox : public std::enable_shared_from_this<Mailbox> {
 public:
  explicit Mailbox(boost::asio::any_io_executor home) : home_(std::move(home)) {}

  /// They are told on the home executor, in this order, each once. Never blocks on them.
  void put(std::vector<Letter> group);

 private:
  // So many in one go; then others on the event loop have their turn.
  static constexpr std::size_t kAtOnce = 64;

  void deliver();
  void take_next_turn();
  bool deliver_one();

  const boost::asio::any_io_executor home_;
  std::mutex mutex_;
  std::deque<Letter> waiting_;
  bool scheduled_ = false;
};

}  // namespace durability::async
