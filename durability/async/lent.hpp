#pragma once

// What an owner lends to tasks that may be run later than he lives: they find out that it is too late, and he
// waits for those who are using it.

#include <memory>
#include <utility>

#include "durability/base/process.hpp"
#include "durability/base/sync.hpp"

namespace durability::async {

/// Thread-safe. Owned through std::shared_ptr.
template <class T>
class Lent : public std::enable_shared_from_this<Lent<T>> {
 public:
  explicit Lent(std::shared_ptr<T> object) noexcept : object_(std::move(object)) {}

  /// Holds the object in use while it lives; none, once it was recalled.
  class Use {
   public:
    explicit Use(std::shared_ptr<Lent> lent) noexcept : lent_(std::move(lent)) {}
    Use(Use&&) noexcept = default;
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    Use& operator=(Use&&) = delete;
    ~Use() {
      if (lent_) lent_->give_back();
    }
    [[nodiscard]] explicit operator bool() const noexcept { return lent_ != nullptr; }
    [[nodiscard]] T& operator*() const noexcept { return *lent_->object_; }

   private:
    std::shared_ptr<Lent> lent_;
  };

  [[nodiscard]] Use borrow() {
    const LockGuard lock(mutex_);
    if (recalled_) return Use(nullptr);
    ++users_;
    return Use(this->shared_from_this());
  }
  /// Returns when nobody uses it any more; nobody will.
  void recall() noexcept {
    if (process_.left()) return;  // a child of fork() has no thread that would give it back
    const LockGuard lock(mutex_);
    recalled_ = true;
    changed_.wait(mutex_, [this]() DURABILITY_REQUIRES(mutex_) { return users_ == 0; });
    object_.reset();
  }

 private:
  void give_back() noexcept {
    const LockGuard lock(mutex_);
    if (--users_ == 0) changed_.notify_all();
  }

  const durability::internal::OpeningProcess process_;
  Mutex mutex_;
  Condition changed_;
  std::shared_ptr<T> object_;
  std::size_t users_ DURABILITY_GUARDED_BY(mutex_) = 0;
  bool recalled_ DURABILITY_GUARDED_BY(mutex_) = false;
};

}  // namespace durability::async
