#pragma once

// The one place where a writer ends: after a failed write or sync nothing is known about what the disk holds,
// so nothing further may be acknowledged, and a failed sync is never tried again. The flag is set before
// anything that can throw: where there is no memory left for the error, the writer has ended all the same.

#include <optional>
#include <string_view>
#include <utility>

#include "durability/base/error.hpp"
#include "durability/base/sync.hpp"

namespace durability {

/// Set once, never reset; of several failures the first is the one that is reported. Thread-safe.
class FailureLatch {
 public:
  [[nodiscard]] bool failed() const noexcept { return failed_.load(std::memory_order_acquire); }

  void fail() noexcept { failed_.store(true, std::memory_order_release); }
  /// Keeps a copy of `error`, if it is the first and there is memory for it.
  void fail(const Error& error) noexcept;
  /// The first error; a general one where there was no memory to keep it. Only once failed() says so.
  [[nodiscard]] Error error() const;
  /// What every later call is refused with: the first error as the cause, in its file, else in `file`.
  [[nodiscard]] Error poisoned(std::string_view file) const;

  /// Calls `work`, which yields a Result, and fails where it yields an error or throws.
  template <class Work>
  auto watch(Work&& work) -> decltype(work()) {
    Armed armed(*this);
    auto result = std::forward<Work>(work)();
    if (result) {
      armed.disarm();
    } else {
      fail(result.error());
    }
    return result;
  }

  /// Calls `work`, and fails where it throws: what was half done must not be gone on from.
  template <class Work>
  auto watch_exceptions(Work&& work) -> decltype(work()) {
    Armed armed(*this);
    auto result = std::forward<Work>(work)();
    armed.disarm();
    return result;
  }

 private:
  class Armed {
   public:
    explicit Armed(FailureLatch& latch) noexcept : latch_(&latch) {}
    ~Armed() {
      if (latch_ != nullptr) latch_->fail();
    }
    Armed(const Armed&) = delete;
    Armed& operator=(const Armed&) = delete;
    void disarm() noexcept { latch_ = nullptr; }

   private:
    FailureLatch* latch_;
  };

  Atomic<bool> failed_{false};
  mutable Mutex mutex_;
  std::optional<Error> error_ DURABILITY_GUARDED_BY(mutex_);
};

}  // namespace durability
