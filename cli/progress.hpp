#pragma once

// How far a long piece of work is, for a person who waits at a terminal.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "durability/storage/directory.hpp"

namespace durability::cli {

/// One line on standard error, kept up to date, once the work has taken a second; nothing at all where
/// that is no terminal. Not thread-safe.
class Progress {
 public:
  explicit Progress(std::string_view doing, std::optional<std::uint64_t> total_bytes = {});
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void advance(std::uint64_t bytes) {
    done_ += bytes;
    if (on_terminal_) show();
  }

 private:
  void show();

  std::string_view doing_;
  std::optional<std::uint64_t> total_;
  std::uint64_t done_ = 0;
  bool on_terminal_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point begin_;
  std::chrono::steady_clock::time_point due_;
};

/// Size of all segments of the log; 0 where it cannot be found out.
[[nodiscard]] std::uint64_t log_bytes(Directory& directory);

}  // namespace durability::cli
