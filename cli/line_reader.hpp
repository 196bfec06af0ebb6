#pragma once

// Lines of a stream, handed out to many threads.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "durability/base/bytes.hpp"
#include "durability/base/result.hpp"
#include "progress.hpp"

namespace durability::cli {

/// Consecutive lines, without their newlines. Its memory is used again.
class Lines {
 public:
  void clear() noexcept;
  void add(std::uint64_t number, ByteView line);

  [[nodiscard]] std::size_t size() const noexcept { return ends_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_.size(); }
  [[nodiscard]] std::uint64_t first_number() const noexcept { return first_number_; }
  [[nodiscard]] ByteView operator[](std::size_t index) const noexcept;

 private:
  std::uint64_t first_number_ = 0;
  Bytes bytes_;
  std::vector<std::size_t> ends_;
};

/// Reads a descriptor, which stays open, through a buffer that grows to the longest line. Thread-safe.
class LineReader {
 public:
  /// `progress` hears of every byte. A longer line than `max_line_mib` MiB, what an entry may have, is
  /// refused.
  static Result<std::unique_ptr<LineReader>> open(int fd, Progress& progress, std::size_t max_line_mib = 16);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  /// Waits for the next `count` lines, or what there is before the end. False where there are none: at the
  /// end, when stopped, or behind a failure.
  bool next(std::size_t count, Lines& lines);

  /// Wakes whoever waits for input; from now on there is none.
  void stop() noexcept;

  /// Why lines ended early: a line that is too long, or the system.
  [[nodiscard]] std::optional<Error> failure() const;

 private:
  LineReader(int fd, int stop_event, Progress& progress, std::size_t max_line_mib)
      : fd_(fd), stop_event_(stop_event), progress_(progress), max_line_mib_(max_line_mib) {}

  [[nodiscard]] std::size_t max_line_bytes() const noexcept { return max_line_mib_ << 20U; }

  bool next_line(Lines& lines);
  bool take(std::size_t length, std::size_t newline, Lines& lines);
  bool read_more();
  bool fail(Error error);

  const int fd_;
  const int stop_event_;
  Progress& progress_;
  const std::size_t max_line_mib_;
  std::atomic<bool> stopped_ = false;

  mutable std::mutex mutex_;  // of all below
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;    // of the line that is next
  std::size_t scanned_ = 0;  // no newline in [begin_, scanned_)
  std::size_t end_ = 0;      // of what was read
  bool at_end_ = false;
  std::uint64_t line_number_ = 0;
  std::uint64_t line_offset_ = 0;
  std::optional<Error> failure_;
};

}  // namespace durability::cli
