#pragma once

// One operation that somebody waits for: the place where a completion token, a result that comes from
// another thread, and a cancellation meet.
//
// Whoever decides first wins: the thread that did the work, the waiter that gives up, the owner that closes.
// Each of them calls claim(), one of these calls counts, and the handler is called once, on its own
// executor, never inside the call that started the operation and never on the thread that did the work.
// Until then the executor has outstanding work, so that run() does not return too early.

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "durability/base/result.hpp"

namespace durability::async {

/// What a waiter that gave up is told. `what` was asked for.
[[nodiscard]] Error cancelled(std::string_view what);
/// What an exception becomes that no caller is there to catch: `io` with ENOMEM of bad_alloc, else
/// `invalid_state`.
[[nodiscard]] Error error_of(const std::exception& thrown);

/// work(), which returns a Result, with exceptions made errors: for threads that have no caller.
template <class Work>
auto guarded(Work&& work) -> std::invoke_result_t<Work&> {
  try {
    return work();
  } catch (const std::exception& thrown) {
    return error_of(thrown);
  }
}

/// Thread-safe. Shared by those who may decide.
template <class T>
class Pending {
 public:
  /// `what` is asked for: a literal.
  explicit Pending(std::string_view what) noexcept : what_(what) {}
  virtual ~Pending() = default;
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;

  /// The first caller decides the outcome, and must then complete(). False for all others.
  bool claim() noexcept { return !decided_.exchange(true, std::memory_order_acq_rel); }
  void complete(Result<T> outcome) { deliver(std::move(outcome), false); }
  /// The same, from a function that runs on the home executor: a handler of that executor may be called
  /// before this returns.
  void complete_at_home(Result<T> outcome) { deliver(std::move(outcome), true); }

  /// claim() and complete().
  void resolve(Result<T> outcome) {
    if (claim()) complete(std::move(outcome));
  }
  void cancel() { resolve(cancelled(what_)); }
  [[nodiscard]] std::string_view what() const noexcept { return what_; }
  [[nodiscard]] bool decided() const noexcept { return decided_.load(std::memory_order_acquire); }

 private:
  virtual void deliver(Result<T> outcome, bool at_home) = 0;

  const std::string_view what_;
  std::atomic<bool> decided_{false};
};

template <class T, class Handler>
class PendingHandler final : public Pending<T>,
                             public std::enable_shared_from_this<PendingHandler<T, Handler>> {
 public:
  PendingHandler(const boost::asio::any_io_executor& home, std::string_view what, Handler handler)
      : Pending<T>(what),
        home_(tracked(home)),
        executor_(tracked(boost::asio::get_associated_executor(handler, home))),
        handler_(std::in_place, std::move(handler)) {}

  /// Listens to the handler's cancellation slot. The slot holds no reference that would keep this alive.
  void listen() {
    auto slot = boost::asio::get_associated_cancellation_slot(*handler_);
    if (!slot.is_connected()) return;
    slot.assign([weak = this->weak_from_this()](boost::asio::cancellation_type /*all mean the same*/) {
      if (const auto self = weak.lock()) self->cancel();
    });
  }

 private:
  template <class Executor>
  static auto tracked(const Executor& executor) {
    return boost::asio::prefer(executor, boost::asio::execution::outstanding_work.tracked);
  }
  using HandlerExecutor = boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor>;
  using TrackedExecutor = decltype(tracked(std::declval<HandlerExecutor>()));

  void deliver(Result<T> outcome, bool at_home) override {
    auto call = [self = this->shared_from_this(), result = std::move(outcome)]() mutable {
      // The slot belongs to this executor; a late signal must find nothing here.
      if (auto slot = boost::asio::get_associated_cancellation_slot(*self->handler_); slot.is_connected()) {
        slot.clear();
      }
      Handler handler = *std::move(self->handler_);
      self->handler_.reset();
      self.reset();  // memory is given back before the handler goes on
      std::move(handler)(std::move(result));
    };
    const TrackedExecutor executor = *std::exchange(executor_, std::nullopt);
    home_.reset();
    if (at_home) {
      boost::asio::dispatch(executor, std::move(call));
    } else {
      boost::asio::post(executor, std::move(call));
    }
  }

  std::optional<boost::asio::any_io_executor> home_;
  std::optional<TrackedExecutor> executor_;
  std::optional<Handler> handler_;
};

/// Starts an operation with any completion token: `start(std::shared_ptr<Pending<T>>)` begins it, and must
/// see to it that the pending one is resolved. `what`: a literal, for the error of a cancellation.
template <class T, class Token, class Start>
auto initiate(const boost::asio::any_io_executor& home, std::string_view what, Start start, Token&& token) {
  return boost::asio::async_initiate<Token, void(Result<T>)>(
      [home, what](auto handler, auto&& begin) {
        using Waiting = PendingHandler<T, decltype(handler)>;
        auto pending = std::make_shared<Waiting>(home, what, std::move(handler));
        pending->listen();
        std::forward<decltype(begin)>(begin)(std::shared_ptr<Pending<T>>(std::move(pending)));
      },
      token, std::move(start));
}

}  // namespace durability::async
