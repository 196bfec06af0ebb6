#pragma once

// Lines of a stream, handed out to many threads.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
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

/// What else a LineReader looks at than its input.
struct LineReaderOptions {
  std::size_t max_line_mib = 16;  ///< a longer line, in MiB, is refused; what an entry may have
  int end_event = -1;             ///< once this is readable the input ends with the last line that was read
  /// Called, by whichever thread waits, before it waits for input that is not there. A failure ends the
  /// lines.
  std::function<Status()> on_pause;
};

/// Reads a descriptor, which stays open, through a buffer that grows to the longest line. Thread-safe.
class LineReader {
 public:
  /// `progress` hears of every byte.
  static Result<std::unique_ptr<LineReader>> open(int fd, Progress& progress, LineReaderOptions options = {});
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  /// Waits for the next line, and takes up to `count` of those that are there. False where there are none: at
  /// the end, when stopped, or after a failure.
  bool next(std::size_t count, Lines& lines);

  /// Wakes whoever waits for input; from now on there is none.
  void stop() noexcept;

  /// Some thread waits for input, or is about to: on_pause has been called, or will be. Whoever sees false
  /// after it did something with a line is followed by an on_pause if input pauses.
  [[nodiscard]] bool paused() const noexcept { return paused_; }

  /// Bytes of an unfinished line that the end event cut off; it is in no line that was handed out.
  [[nodiscard]] std::size_t unfinished_bytes() const;

  /// Why lines ended early: a line that is too long, or the system.
  [[nodiscard]] std::optional<Error> failure() const;

 private:
  LineReader(int fd, int stop_event, Progress& progress, LineReaderOptions options)
      : fd_(fd), stop_event_(stop_event), progress_(progress), options_(std::move(options)) {}

  [[nodiscard]] std::size_t max_line_bytes() const noexcept { return options_.max_line_mib << 20U; }

  bool next_line(Lines& lines);
  bool take(std::size_t length, std::size_t newline, Lines& lines);
  bool read_more(bool may_wait);
  void make_room();
  bool wait_for_input(bool may_wait);
  bool pause();
  void end_here();
  bool fail(Error error);

  const int fd_;
  const int stop_event_;
  Progress& progress_;
  const LineReaderOptions options_;
  std::atomic<bool> stopped_ = false;
  std::atomic<bool> paused_ = false;

  mutable std::mutex mutex_;  // of all below
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;    // of the line that is next
  std::size_t scanned_ = 0;  // no newline in [begin_, scanned_)
  std::size_t end_ = 0;      // of what was read
  bool at_end_ = false;
  std::uint64_t line_number_ = 0;
  std::uint64_t line_offset_ = 0;
  std::size_t unfinished_bytes_ = 0;
  std::optional<Error> failure_;
};

}  // namespace durability::cli
