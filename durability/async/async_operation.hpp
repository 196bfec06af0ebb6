#pragma once

// One operation that somebody waits for: the place where a completion token, a result that comes from
// another thread, and a cancellation meet.
//
// Whoever decides first wins: the thread that did the work, the waiter that gives up, the owner that closes,
// the end of the handler's execution context (guests.hpp). One of them counts, and the handler is called
// once, on its own executor, never inside the call that started the operation and never on the thread that
// did the work; or, at the end of its context, destroyed uncalled. Until then the executor has outstanding
// work, so that run() does not return too early.
//
// One allocation an operation, made when it begins, holds all that its outcome will need: the handler, the
// result, the memory for the post (reserve.hpp), and its place in whatever queue it waits in. So what was
// begun can be reported, whether there is memory left by then or not; what finds none at its beginning is
// refused by a bad_alloc out of the call, and was never begun.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "durability/async/guests.hpp"
#include "durability/async/reserve.hpp"
#include "durability/async/room.hpp"
#include "durability/base/result.hpp"

namespace durability::async {

/// The error of a waiter that gave up. `what` was asked for.
[[nodiscard]] Error cancelled(std::string_view what) noexcept;
/// What an exception becomes that no caller is there to catch: `io` with ENOMEM of bad_alloc, else
/// `invalid_state`.
[[nodiscard]] Error error_of(const std::exception& thrown) noexcept;
/// What an object says in a child of fork(), which has none of its threads.
[[nodiscard]] Error not_in_a_child() noexcept;
/// `io` with ENOMEM; its text is shorter where there is no memory for that either.
[[nodiscard]] Error out_of_memory() noexcept;

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
class AsyncOperation : public Guest {
 public:
  using Value = T;

  /// `what` is asked for: a literal.
  explicit AsyncOperation(std::string_view what) noexcept : what_(what) {}

  /// The first caller decides the outcome, and must then complete(). False for all others.
  bool claim() noexcept { return decide(Fate::kTold); }
  void complete(Result<T> outcome) {
    outcome_.emplace(std::move(outcome));
    deliver(false);
  }
  /// claim() and complete().
  void resolve(Result<T> outcome) {
    if (claim()) complete(std::move(outcome));
  }
  void cancel() noexcept {
    if (!decide(Fate::kCancelled)) return;
    give_up_place();
    deliver(false);
  }
  [[nodiscard]] std::string_view what() const noexcept { return what_; }
  [[nodiscard]] bool decided() const noexcept { return fate() != Fate::kOpen; }

 protected:
  /// The outcome, kept until somebody says tell(): for the one thread that does the work.
  void put_outcome(Result<T> outcome) noexcept { outcome_.emplace(std::move(outcome)); }
  /// Tells it, if nobody has decided otherwise. `at_home`: called by a function that the home executor runs;
  /// a handler of that executor may be called before this returns.
  void tell(bool at_home) {
    if (claim()) deliver(at_home);
  }

  /// What the handler is called with.
  [[nodiscard]] Result<T> take_outcome() noexcept {
    if (fate() == Fate::kCancelled) return cancelled(what_);
    return *std::move(outcome_);
  }

 private:
  enum class Fate : std::uint8_t { kOpen, kTold, kCancelled, kCutOff };

  [[nodiscard]] Fate fate() const noexcept { return fate_.load(std::memory_order_acquire); }
  bool decide(Fate fate) noexcept {
    Fate open = Fate::kOpen;
    return fate_.compare_exchange_strong(open, fate, std::memory_order_acq_rel);
  }
  bool claim_to_cut_off() noexcept final { return decide(Fate::kCutOff); }
  void cut_off() noexcept final {
    give_up_place();
    drop_handler();
  }

  /// Decided by the waiter's side: leaves its place in a queue, if it still stands in one.
  virtual void give_up_place() noexcept {}
  /// Calls the handler with take_outcome(), on its executor.
  virtual void deliver(bool at_home) = 0;
  virtual void drop_handler() noexcept = 0;

  const std::string_view what_;
  Atomic<Fate> fate_{Fate::kOpen};
  std::optional<Result<T>> outcome_;
};

/// Outcomes pass through the home executor: for a waiter on another context, that one has work to do until
/// then, and is not left with it when it ends.
class WorkAtHome final : public Guest {
 public:
  ~WorkAtHome() override {
    if (!guests_) return;
    work_ = nullptr;
    guests_->remove(*this);
  }

  /// The home may be gone by now: then nothing of it is touched.
  void begin(const Home& home, std::weak_ptr<void> owner) {
    owner_ = std::move(owner);
    work_ = home.executor;
    if (home.guests->add(*this)) {
      guests_ = home.guests;
    } else {
      work_ = nullptr;
    }
  }
  /// The home waits for this, or ends it itself.
  void end() noexcept {
    if (!guests_ || ended_.exchange(true)) return;
    work_ = nullptr;
    guests_->remove(*this);
  }

 private:
  void entered() override { work_ = tracked(work_); }
  bool claim_to_cut_off() noexcept override { return !ended_.exchange(true); }
  std::shared_ptr<Guest> keep() noexcept override {
    auto owner = owner_.lock();
    return owner ? std::shared_ptr<Guest>(std::move(owner), this) : nullptr;
  }
  void cut_off() noexcept override { work_ = nullptr; }

  std::weak_ptr<void> owner_;
  boost::asio::any_io_executor work_;
  std::shared_ptr<Guests> guests_;
  Atomic<bool> ended_{false};
};

/// A Base, which is an AsyncOperation, with the handler that waits for it.
template <class Base, class Handler>
class AsyncOperationWithHandler final
    : public Base,
      public std::enable_shared_from_this<AsyncOperationWithHandler<Base, Handler>> {
 public:
  template <class... Arguments>
  AsyncOperationWithHandler(const Home& home, std::string_view what, Handler handler,
                            Arguments&&... arguments)
      : Base(what, std::forward<Arguments>(arguments)...), handler_(std::in_place, std::move(handler)) {
    is_home_ = executor_is(home.executor);
    // Given in this call, so its context is there. The home's may be gone: see entered().
    if (!is_home_ || !home.guests) executor_.emplace(tracked(executor_of_handler(home)));
  }
  ~AsyncOperationWithHandler() override {
    handler_.reset();
    executor_.reset();
    leave();
  }

  /// Enters the context on which the handler will be called, and listens to its cancellation slot. False: the
  /// context is gone, and the handler with it.
  bool enter(const Home& home) {
    home_ = &home;
    const auto own = is_home_ && home.guests ? home.guests : guests_elsewhere(home);
    runs_at_home_ = home.guests != nullptr && own == home.guests;
    Guests* const guests = own ? own.get() : home.guests.get();
    if (guests != nullptr && !guests->add(*this)) {
      drop_handler();
      return false;
    }
    home_ = nullptr;
    guests_ = guests;
    if (home.guests && !runs_at_home_) work_at_home_.begin(home, this->weak_from_this());
    listen();
    return true;
  }

  /// Whether its executor is known: what has failed before that cannot be reported.
  [[nodiscard]] bool can_be_told() const noexcept { return executor_.has_value(); }

 private:
  using HandlerExecutor = boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor>;
  using TrackedExecutor = decltype(tracked(std::declval<HandlerExecutor>()));

  /// What is posted. A context that ends before it runs destroys it, and the handler must go with it then,
  /// not with the last reference: that may be held by the thread that did the work, for longer than the
  /// context is there. Copies are counted, since a post that finds no memory is made again of one.
  class Call {
   public:
    explicit Call(std::shared_ptr<AsyncOperationWithHandler> self) noexcept : self_(std::move(self)) {
      self_->calls_.fetch_add(1);
    }
    Call(const Call& other) noexcept : self_(other.self_) {
      if (self_) self_->calls_.fetch_add(1);
    }
    Call(Call&& other) noexcept = default;
    Call& operator=(const Call&) = delete;
    Call& operator=(Call&&) = delete;
    ~Call() {
      if (self_ && self_->calls_.fetch_sub(1) == 1) self_->let_handler_go();
    }

    // Stays counted: no other copy takes the handler away meanwhile.
    void operator()() { call(std::move(self_)); }

   private:
    std::shared_ptr<AsyncOperationWithHandler> self_;
  };

  [[nodiscard]] bool executor_is(const boost::asio::any_io_executor& home) const {
    if constexpr (std::is_same_v<HandlerExecutor, boost::asio::any_io_executor>) {
      return boost::asio::get_associated_executor(*handler_, home) == home;
    } else {
      return false;
    }
  }

  std::shared_ptr<Guests> guests_elsewhere(const Home& home) const {
    return guests_of(executor_of_handler(home));
  }
  [[nodiscard]] HandlerExecutor executor_of_handler(const Home& home) const {
    return boost::asio::get_associated_executor(*handler_, home.executor);
  }
  void entered() override {
    if (!executor_) executor_.emplace(tracked(executor_of_handler(*home_)));
  }

  // The slot holds no reference that would keep this alive.
  void listen() {
    auto slot = boost::asio::get_associated_cancellation_slot(*handler_);
    if (!slot.is_connected()) return;
    slot.assign([weak = this->weak_from_this()](boost::asio::cancellation_type /*all mean the same*/) {
      if (const auto self = weak.lock()) self->cancel();
    });
  }

  std::shared_ptr<Guest> keep() noexcept override { return this->weak_from_this().lock(); }
  void leave() noexcept {
    if (Guests* const guests = std::exchange(guests_, nullptr)) guests->remove(*this);
  }

  // Where this thread runs the handler's context, nobody ends it meanwhile. Else it must not end before the
  // post is made, and the work on it is let go.
  void deliver(bool at_home) override {
    auto self = this->shared_from_this();
    TrackedExecutor executor = *std::exchange(executor_, std::nullopt);
    if (at_home && runs_at_home_) {
      leave();
      if (is_home_) return call(std::move(self));
      Reserve& reserve = reserve_;
      return dispatch_reserved(executor, reserve, Call(std::move(self)));
    }
    {
      const TrackedExecutor posts = std::move(executor);
      post_reserved(posts, reserve_, Call(self));
    }
    work_at_home_.end();
    leave();
  }

  static void call(std::shared_ptr<AsyncOperationWithHandler> self) {
    // The slot belongs to this executor; a late signal must find nothing here.
    if (auto slot = boost::asio::get_associated_cancellation_slot(*self->handler_); slot.is_connected()) {
      slot.clear();
    }
    Handler handler = *std::move(self->handler_);
    self->handler_.reset();
    // NOLINTNEXTLINE(misc-const-correctness): is moved from
    Result<typename Base::Value> outcome = self->take_outcome();
    self.reset();  // memory is given back before the handler goes on
    std::move(handler)(std::move(outcome));
  }

  void drop_handler() noexcept override {
    guests_ = nullptr;
    let_handler_go();
    executor_.reset();
    work_at_home_.end();
  }
  // Out of its place first: what its destructor does may come back here.
  void let_handler_go() noexcept {
    [[maybe_unused]] const auto dropped = std::exchange(handler_, std::nullopt);
  }

  std::optional<TrackedExecutor> executor_;
  std::optional<Handler> handler_;
  Atomic<unsigned> calls_{0};   // copies of Call that may still run
  const Home* home_ = nullptr;  // while it enters
  Guests* guests_ = nullptr;    // whose guest this is; valid until it leaves
  bool is_home_ = false;        // the handler's executor is the home's
  bool runs_at_home_ = false;   // its context is
  WorkAtHome work_at_home_;
  Reserve reserve_;
};

/// Starts an operation with any completion token: `start(std::shared_ptr<Base>)` begins it, and must see to
/// it that the pending one is resolved. It must not throw. `what`: a literal, for the error of a
/// cancellation. `arguments`: for the constructor of Base, after `what`. May throw bad_alloc, when it is
/// called: nothing is begun then.
template <class Base, class Token, class Start, class... Arguments>
auto initiate(Home home, std::string_view what, Start start, Token&& token, Arguments... arguments) {
  return boost::asio::async_initiate<Token, void(Result<typename Base::Value>)>(
      [home = std::move(home), what](auto handler, Room room, auto begin, auto&&... rest) {
        using Waiting = AsyncOperationWithHandler<Base, decltype(handler)>;
        auto pending =
            std::allocate_shared<Waiting>(RoomAllocator<Waiting>(room), home, what, std::move(handler),
                                          std::forward<decltype(rest)>(rest)...);
        try {
          if (!pending->enter(home)) return;
        } catch (const std::bad_alloc&) {
          if (!pending->can_be_told()) throw;
          return pending->resolve(out_of_memory());
        }
        begin(std::shared_ptr<Base>(std::move(pending)));
      },
      token, Room::of<Base>(), std::move(start), std::move(arguments)...);
}

}  // namespace durability::async
