#pragma once

// A file seen through one buffer: the only way in which logs are read. Memory is the buffer, 256 KiB
// unless a single frame needs more; it never grows past what the file holds. With a ReadAhead what follows
// the buffer is read by a second thread, in chunks that the window then shows where they lie.

#include <memory>
#include <string>

#include "durability/storage/file.hpp"
#include "durability/storage/read_ahead.hpp"

namespace durability {

class FileWindow {
 public:
  static constexpr std::size_t kDefaultBytes = 256U << 10U;

  /// `size` bytes of the file count; what a live writer adds later does not.
  FileWindow(std::shared_ptr<File> file, std::uint64_t size, std::size_t buffer_bytes = kDefaultBytes);

  FileWindow(FileWindow&&) noexcept = default;
  FileWindow& operator=(FileWindow&&) noexcept = default;
  FileWindow(const FileWindow&) = delete;
  FileWindow& operator=(const FileWindow&) = delete;
  ~FileWindow() = default;

  /// From here on reads what follows ahead, until more than a chunk is asked for at once. `ahead` serves one
  /// window at a time, and outlives its use.
  void read_ahead(ReadAhead& ahead);

  /// Shrinks where somebody cuts the file while it is read: to less than was read before, it may be.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

  /// Up to `length` bytes at `offset`; fewer where the file ends. The view lives until the next call.
  Result<ByteView> view(std::uint64_t offset, std::size_t length);

  /// The same into the caller's memory, past the buffer: for a few bytes that nothing else is read beside.
  Result<ByteView> look(std::uint64_t offset, MutableByteView into);

  /// What the buffer holds from `offset` on, without reading; often more than is asked for, and often
  /// nothing.
  [[nodiscard]] ByteView held_from(std::uint64_t offset) const noexcept {
    if (offset < begin_ || offset >= end()) return {};
    return held_.subspan(static_cast<std::size_t>(offset - begin_));
  }

  /// True where [offset, size) is all zeros; true for none.
  Result<bool> zeros_from(std::uint64_t offset);
  /// Offset past the last byte that is not zero, not looking before `floor`; `floor` where there is none.
  Result<std::uint64_t> end_of_data(std::uint64_t floor);
  /// crc32 of [offset, size).
  Result<std::uint32_t> checksum_from(std::uint64_t offset);

 private:
  [[nodiscard]] std::uint64_t end() const noexcept { return begin_ + held_.size(); }
  Status fill(std::uint64_t offset, std::size_t length);
  Result<ByteView> read(std::uint64_t offset, std::size_t wanted);
  void start_ahead();

  std::shared_ptr<File> file_;
  std::uint64_t size_;
  std::size_t buffer_bytes_;
  Bytes buffer_;
  std::uint64_t begin_ = 0;
  ByteView held_;  // [begin_, end()), in the buffer or in a chunk
  ReadAhead* ahead_ = nullptr;
  bool ahead_follows_ = false;  // its next chunk begins at end()
};

}  // namespace durability
