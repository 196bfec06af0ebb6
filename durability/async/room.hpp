#pragma once

// Memory for an operation, taken in the call that makes it. A coroutine's operation begins later, when it is
// awaited and its frame has been handed over: a bad_alloc there would find nobody to catch it.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace durability::async {

template <class Base, class Handler>
class AsyncOperationWithHandler;

/// Owns a piece of memory. Copying it takes another.
class Room {
 public:
  /// For an AsyncOperationWithHandler of this Base whose handler is small, as those of coroutines are.
  template <class Base>
  static Room of() {
    struct Small {
      void* words[8];
    };
    constexpr std::size_t kOfSharing = 4 * sizeof(void*);  // what allocate_shared adds
    return Room(sizeof(AsyncOperationWithHandler<Base, Small>) + kOfSharing);
  }

  Room(Room&& other) noexcept : place_(std::exchange(other.place_, nullptr)), bytes_(other.bytes_) {}
  Room(const Room& other) : Room(other.bytes_) {}
  Room& operator=(const Room&) = delete;
  Room& operator=(Room&&) = delete;
  ~Room() { ::operator delete(place_); }

  /// So many bytes for ::operator delete: from here, where they are enough.
  void* take(std::size_t bytes) {
    if (bytes <= bytes_ && place_ != nullptr) return std::exchange(place_, nullptr);
    return ::operator new(bytes);
  }

 private:
  explicit Room(std::size_t bytes) : place_(::operator new(bytes)), bytes_(bytes) {}

  void* place_;
  std::size_t bytes_;
};

/// For one allocate_shared.
template <class T>
class RoomAllocator {
 public:
  using value_type = T;

  explicit RoomAllocator(Room& room) noexcept : room_(&room) {}
  template <class U>
  RoomAllocator(const RoomAllocator<U>& other) noexcept  // NOLINT(google-explicit-constructor)
      : room_(&other.room()) {}

  [[nodiscard]] T* allocate(std::size_t count) { return static_cast<T*>(room_->take(count * sizeof(T))); }
  // The room is gone by now, which does not matter.
  void deallocate(T* place, std::size_t /*count*/) noexcept { ::operator delete(place); }
  [[nodiscard]] Room& room() const noexcept { return *room_; }
  bool operator==(const RoomAllocator& other) const noexcept = default;

 private:
  Room* room_;
};

}  // namespace durability::async
