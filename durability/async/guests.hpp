#pragma once

// Who would come back to an execution context (an io_context, say), so that none of them does once it is
// gone.
//
// An operation lives outside of its context while a thread of ours works on it: the context's own destructor,
// which destroys the handlers that it knows, cannot know of it. So each operation, and all else that posts,
// is a guest of the context to which it will post, from its beginning until it has posted. A service of the
// context holds the list. When the context ends (its shutdown, the first thing its destructor does), every
// guest that nobody is completing is cut off: its handler is destroyed uncalled, as those of Asio's own
// operations are, and what comes of the work later is dropped. Who is being completed at that moment by
// another thread is waited for, for as long as a post takes.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>
#include <boost/intrusive/list.hpp>
#include <concepts>
#include <memory>

#include "durability/base/result.hpp"
#include "durability/base/sync.hpp"

namespace durability::async {

/// Owned through std::shared_ptr. The most derived class leaves its context in its destructor.
class Guest {
 public:
  virtual ~Guest() = default;
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

 protected:
  Guest() = default;

 private:
  friend class Guests;

  /// Called by Guests::add with the list's lock held: the context is there, and is not gone before this
  /// returns.
  virtual void entered() {}
  /// Called with the list's lock held. False: somebody completes it, and will leave by himself.
  virtual bool claim_to_cut_off() noexcept = 0;
  /// Null: its destructor runs.
  virtual std::shared_ptr<Guest> keep() noexcept = 0;
  /// Not in the list any more, and claimed: lets go of everything that belongs to the context.
  virtual void cut_off() noexcept = 0;

  boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> hook_;
};

/// The guests of one context. Thread-safe.
class Guests {
 public:
  /// Those of the context. May throw bad_alloc where it has had none yet.
  static std::shared_ptr<Guests> of(boost::asio::execution_context& context);

  /// False: the context is gone.
  [[nodiscard]] bool add(Guest& guest);
  /// The last that a guest has to do with it. Also of one that is not in the list.
  void remove(Guest& guest) noexcept;
  /// The context ends. Returns when nobody is left.
  void cut_off_all() noexcept;

 private:
  using List = boost::intrusive::list<
      Guest,
      boost::intrusive::member_hook<
          Guest,
          boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>,
          &Guest::hook_>,
      boost::intrusive::constant_time_size<false>>;

  Mutex mutex_;
  Condition changed_;
  List inside_ DURABILITY_GUARDED_BY(mutex_);
  bool gone_ DURABILITY_GUARDED_BY(mutex_) = false;
};

/// The guests of an executor's context; null of an executor that does not name its context.
template <class Executor>
std::shared_ptr<Guests> guests_of(const Executor& executor) {
  if constexpr (requires {
                  {
                    boost::asio::query(executor, boost::asio::execution::context)
                  } -> std::convertible_to<boost::asio::execution_context&>;
                }) {
    return Guests::of(boost::asio::query(executor, boost::asio::execution::context));
  } else if constexpr (requires {
                         { executor.context() } -> std::convertible_to<boost::asio::execution_context&>;
                       }) {
    return Guests::of(executor.context());
  } else {
    return nullptr;
  }
}

/// Where an object's outcomes go if a handler names no executor, and that context's guests: looked up once.
struct Home {
  boost::asio::any_io_executor executor;
  std::shared_ptr<Guests> guests{};
};

/// Of an executor that the user gave. An empty one has no context to ask, and nothing can be reported on it:
/// then the system's own, for the refusal (need_executor).
[[nodiscard]] Home home_of(boost::asio::any_io_executor executor);
/// `invalid_config` of an empty executor.
[[nodiscard]] Status need_executor(const boost::asio::any_io_executor& executor);

}  // namespace durability::async
