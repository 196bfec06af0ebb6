#pragma once

// Descriptors: owned, kept from children, kept open.

#include <fcntl.h>
#include <sys/stat.h>

#include <string>
#include <utility>

#include "durability/base/result.hpp"
#include "durability/storage/system_calls.hpp"

namespace durability::internal {

/// Owns a descriptor, or none (a negative number).
class UniqueFd {
 public:
  UniqueFd(int fd, const SystemCalls& calls) noexcept : calls_(&calls), fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : calls_(other.calls_), fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(calls_, other.calls_);
    std::swap(fd_, other.fd_);
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  /// Closes without a word: right only where nothing was written.
  ~UniqueFd() {
    if (fd_ >= 0) calls_->close(fd_);
  }

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

 private:
  const SystemCalls* calls_;
  int fd_;
};

using FileStatus = struct stat;

[[nodiscard]] inline bool same_inode(const FileStatus& one, const FileStatus& other) noexcept {
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/// No fork() comes while it lives: what happens meanwhile a child sees whole or not at all. For short steps.
class ForksWait {
 public:
  ForksWait();
  ~ForksWait();
  ForksWait(const ForksWait&) = delete;
  ForksWait& operator=(const ForksWait&) = delete;
};

/// A descriptor that fork() does not hand on: the child's copy is closed before fork() returns there, and is
/// none from then on. (exec closes it too.) A child made past the C library (vfork, clone, _Fork) keeps it.
class ParentsFd {
 public:
  ParentsFd() = default;
  ~ParentsFd();
  ParentsFd(const ParentsFd&) = delete;
  ParentsFd& operator=(const ParentsFd&) = delete;

  /// Takes what `open_one()` returns, a Result<UniqueFd>; closes what it had. No fork comes in between.
  template <class Open>
  Status open(Open open_one) {
    const ForksWait no_fork;
    DURABILITY_TRY_ASSIGN(UniqueFd opened, open_one());
    take(std::move(opened));
    return {};
  }

  [[nodiscard]] int get() const noexcept { return fd_.get(); }

 private:
  friend struct ParentsFds;

  void take(UniqueFd opened) noexcept;

  UniqueFd fd_{-1, real_system_calls()};
  ParentsFd* previous_ = nullptr;  // in the list of all that are open
  ParentsFd* next_ = nullptr;
};

}  // namespace durability::internal
