#pragma once

// Memory that is taken when an operation begins, so that its outcome cannot fail for want of it.
//
// Reporting an outcome is a post to an executor, and a post allocates. It happens on a thread that can report
// to nobody that there was no memory. Executors of an io_context, and strands on one, take the memory for it
// from the reserve that an operation holds; others know no allocators: there a post that finds no memory is
// tried again until it does.

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/require.hpp>
#include <boost/asio/strand.hpp>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include "durability/base/sync.hpp"

namespace durability::async {

/// Memory for one post at a time; a strand takes both blocks. Not thread-safe: a post happens before what it
/// runs.
class Reserve {
 public:
  void* allocate(std::size_t bytes) {
    for (Block& block : blocks_) {
      if (block.taken || bytes > sizeof(block.place)) continue;
      block.taken = true;
      return &block.place;
    }
    return ::operator new(bytes);
  }
  void deallocate(void* place) noexcept {
    for (Block& block : blocks_) {
      if (place != static_cast<void*>(&block.place)) continue;
      block.taken = false;
      return;
    }
    ::operator delete(place);
  }

 private:
  struct Block {
    alignas(std::max_align_t) std::byte place[80];  // not set to anything
    bool taken = false;
  };
  std::array<Block, 2> blocks_;
};

template <class T>
class ReserveAllocator {
 public:
  using value_type = T;

  explicit ReserveAllocator(Reserve& reserve) noexcept : reserve_(&reserve) {}
  template <class U>
  ReserveAllocator(const ReserveAllocator<U>& other) noexcept  // NOLINT(google-explicit-constructor)
      : reserve_(&other.reserve()) {}

  [[nodiscard]] T* allocate(std::size_t count) {
    static_assert(alignof(T) <= alignof(std::max_align_t));
    return static_cast<T*>(reserve_->allocate(count * sizeof(T)));
  }
  void deallocate(T* place, std::size_t /*count*/) noexcept { reserve_->deallocate(place); }
  [[nodiscard]] Reserve& reserve() const noexcept { return *reserve_; }
  bool operator==(const ReserveAllocator& other) const noexcept = default;

 private:
  Reserve* reserve_;
};

template <class Executor>
auto tracked(const Executor& executor) {
  return boost::asio::prefer(executor, boost::asio::execution::outstanding_work.tracked);
}

namespace internal {

using IoExecutor = boost::asio::io_context::executor_type;
using IoStrand = boost::asio::strand<IoExecutor>;

/// Calls `use` with the executor inside, where it is one of these.
template <class... Known, class Use>
bool with_target(const boost::asio::any_io_executor& executor, const Use& use) {
  const auto try_one = [&]<class One>(std::type_identity<One>) {
    const One* const inside = executor.target<One>();
    if (inside != nullptr) use(*inside);
    return inside != nullptr;
  };
  return (try_one(std::type_identity<Known>()) || ...);
}

template <class Executor>
struct TakesAllocators : std::false_type {};
template <std::uintptr_t Bits>
struct TakesAllocators<boost::asio::io_context::basic_executor_type<std::allocator<void>, Bits>>
    : std::true_type {};
template <class Inner>
struct TakesAllocators<boost::asio::strand<Inner>> : TakesAllocators<Inner> {};

/// Calls `use` with an executor that takes memory from a reserve. False: this one does not.
template <class Executor, class Use>
bool with_allocating(const Executor& executor, const Use& use) {
  if constexpr (TakesAllocators<Executor>::value) {
    use(executor);
    return true;
  } else if constexpr (std::is_same_v<Executor, boost::asio::any_io_executor>) {
    return with_target<IoExecutor, decltype(tracked(std::declval<const IoExecutor&>())), IoStrand,
                       decltype(tracked(std::declval<const IoStrand&>()))>(executor, use);
  } else {
    return false;
  }
}

template <class Executor>
auto with_reserve(const Executor& executor, Reserve& reserve) {
  return boost::asio::prefer(executor, boost::asio::execution::allocator(ReserveAllocator<void>(reserve)));
}

}  // namespace internal

/// Posts `function`, which must be cheap to copy. Never runs it inside the call; does not fail.
template <class Executor, class Function>
void post_reserved(const Executor& executor, Reserve& reserve, const Function& function) {
  const bool posted = internal::with_allocating(executor, [&](const auto& known) {
    internal::with_reserve(boost::asio::require(known, boost::asio::execution::blocking.never), reserve)
        .execute(function);
  });
  while (!posted) {
    try {
      boost::asio::post(executor, Function(function));
      return;
    } catch (const std::bad_alloc&) {
      yield();
    }
  }
}

/// The same, from a thread that runs the executor's context: may run it inside the call.
template <class Executor, class Function>
void dispatch_reserved(const Executor& executor, Reserve& reserve, const Function& function) {
  const bool dispatched = internal::with_allocating(
      executor, [&](const auto& known) { internal::with_reserve(known, reserve).execute(function); });
  if (!dispatched) post_reserved(executor, reserve, function);
}

}  // namespace durability::async
