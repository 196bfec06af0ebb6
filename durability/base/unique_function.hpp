#pragma once

// A callable that is owned and called once or more: what std::move_only_function is in C++23. Small ones are
// kept in place, so that handing one on allocates nothing.

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

#include "durability/base/callable.hpp"

namespace durability {

template <class Signature>
class UniqueFunction;

/// Holds anything that can be called with these arguments, also what cannot be copied. It is empty where that
/// calls nothing: a null pointer to a function, an empty std::function. Larger callables than kInlineBytes,
/// and those whose move may throw, cost one allocation. Thread safety: as of what it holds.
template <class R, class... Arguments>
class UniqueFunction<R(Arguments...)> {
 public:
  static constexpr std::size_t kInlineBytes = 48;

  UniqueFunction() = default;

  template <class Callable>
    requires(!std::is_same_v<std::remove_cvref_t<Callable>, UniqueFunction> &&
             std::is_invocable_r_v<R, std::remove_cvref_t<Callable>&, Arguments...>)
  UniqueFunction(Callable&& callable) {  // NOLINT(google-explicit-constructor): as std::function
    using Held = std::remove_cvref_t<Callable>;
    if (calls_nothing(callable)) return;
    if constexpr (kFits<Held>) {
      ::new (static_cast<void*>(&place_)) Held(std::forward<Callable>(callable));
      actions_ = &kInPlace<Held>;
    } else {
      ::new (static_cast<void*>(&place_)) Held*(new Held(std::forward<Callable>(callable)));
      actions_ = &kOnHeap<Held>;
    }
  }

  UniqueFunction(UniqueFunction&& other) noexcept { take(other); }
  UniqueFunction& operator=(UniqueFunction&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }
  UniqueFunction(const UniqueFunction&) = delete;
  UniqueFunction& operator=(const UniqueFunction&) = delete;
  ~UniqueFunction() { reset(); }

  [[nodiscard]] explicit operator bool() const noexcept { return actions_ != nullptr; }

  /// There must be something to call.
  // NOLINTNEXTLINE(performance-unnecessary-value-param): forwarded below
  R operator()(Arguments... arguments) {
    return actions_->call(&place_, std::forward<Arguments>(arguments)...);
  }

 private:
  struct Place {
    alignas(std::max_align_t) std::byte bytes[kInlineBytes];
  };
  struct Actions {
    R (*call)(void* place, Arguments&&... arguments);
    void (*move)(void* from, void* to) noexcept;  // and ends what was at `from`
    void (*destroy)(void* place) noexcept;
  };

  template <class Held>
  static constexpr bool kFits = sizeof(Held) <= sizeof(Place) && alignof(Held) <= alignof(Place) &&
                                std::is_nothrow_move_constructible_v<Held>;

  template <class Held>
  static Held& in_place(void* place) {
    return *std::launder(static_cast<Held*>(place));
  }
  template <class Held>
  static Held*& on_heap(void* place) {
    return *std::launder(static_cast<Held**>(place));
  }

  template <class Held>
  static constexpr Actions kInPlace{[](void* place, Arguments&&... arguments) -> R {
                                      return in_place<Held>(place)(std::forward<Arguments>(arguments)...);
                                    },
                                    [](void* from, void* to) noexcept {
                                      ::new (to) Held(std::move(in_place<Held>(from)));
                                      in_place<Held>(from).~Held();
                                    },
                                    [](void* place) noexcept { in_place<Held>(place).~Held(); }};

  template <class Held>
  static constexpr Actions kOnHeap{
      [](void* place, Arguments&&... arguments) -> R {
        return (*on_heap<Held>(place))(std::forward<Arguments>(arguments)...);
      },
      [](void* from, void* to) noexcept { ::new (to) Held*(on_heap<Held>(from)); },
      [](void* place) noexcept { delete on_heap<Held>(place); }};

  void take(UniqueFunction& other) noexcept {
    if (other.actions_ == nullptr) return;
    other.actions_->move(&other.place_, &place_);
    actions_ = std::exchange(other.actions_, nullptr);
  }
  void reset() noexcept {
    if (actions_ != nullptr) std::exchange(actions_, nullptr)->destroy(&place_);
  }

  Place place_;
  const Actions* actions_ = nullptr;
};

}  // namespace durability
