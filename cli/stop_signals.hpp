#pragma once

// SIGINT and SIGTERM as an end of the input.

#include <memory>

#include "durability/base/result.hpp"

namespace durability::cli {

/// While it lives the two interrupt no call of this thread, nor of those that it starts: they make fd()
/// readable. One that the caller of the tool ignores stays ignored. Made before any other thread.
class StopSignals {
 public:
  static Result<std::unique_ptr<StopSignals>> open();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// Readable when one has come.
  [[nodiscard]] int fd() const noexcept { return fd_; }

  /// "SIGINT" or "SIGTERM" where one has come, else null. From then on another one ends this process at once,
  /// as if nobody had asked for the first.
  [[nodiscard]] const char* received() noexcept;

 private:
  explicit StopSignals(int fd) noexcept : fd_(fd) {}

  int fd_;
};

}  // namespace durability::cli
