#pragma once

// An open file of a Directory. All reading, writing, sizing and syncing of the library goes through
// this interface, so that a test can simulate a fault or a crash at every call, and so that a sync
// always goes through the handle that wrote (a failed write-back is reported to a handle once).

#include <cstdint>
#include <span>
#include <string>

#include "durability/base/bytes.hpp"
#include "durability/base/result.hpp"

namespace durability {

/// Move nothing, copy nothing: owned through a std::unique_ptr or std::shared_ptr. Every error names the file
/// and, where there is one, the offset.
///
/// Thread safety: all calls but close() may run at the same time from several threads.
/// - A sync covers the writes, appends and truncations that returned before it began; what runs beside it, it
///   may cover or not.
/// - Of what overlaps (two writes to one byte; a truncation, and a read or write at or past its size; a
///   write_at past the end, and an append) the outcome is either order's, or for bytes within a write any
///   mixture of the two: keep them apart.
/// - close(), and the destructor, need the file to themselves.
class File {
 public:
  virtual ~File() = default;  ///< closes; use close() to hear of errors
  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  /// Writes the pieces one after the other from `offset` on, growing the file where it must (a hole
  /// left before `offset` reads as zeros). All of it, or an error after which any part may be there.
  /// Survives a process crash once it returns; a power loss only after sync_data().
  virtual Status write_at(std::uint64_t offset, std::span<const ByteView> pieces) = 0;
  Status write_at(std::uint64_t offset, ByteView piece) { return write_at(offset, std::span(&piece, 1)); }

  /// Writes after the last byte of the file, wherever that is. Otherwise as write_at(). Appends to one file
  /// from any threads of this process, through any handles and Directory objects, stand one after the other,
  /// each whole unless it failed. Those of other processes do not keep out of their way: have a lock among
  /// processes.
  virtual Status append(ByteView bytes) = 0;

  /// Reads from `offset` on into all of `into`; fewer bytes only where the file ends. Returns how many.
  virtual Result<std::size_t> read_at(std::uint64_t offset, MutableByteView into) = 0;

  /// Returns when the file's bytes and its size are on stable storage (fdatasync; after a truncation
  /// fsync). After an error (an interruption by a signal is one) nothing is known of what was written since
  /// the last success, and a later success would prove nothing: give the file up. A handle of an FsDirectory
  /// whose sync has failed never syncs successfully again. The file's *name* is made durable by
  /// Directory::sync_directory.
  virtual Status sync_data() = 0;

  /// Asks the system to begin to write [offset, offset + length) to the device, so that a later sync_data()
  /// finds less left to do. A hint: it promises nothing and waits for nothing. Beside read_at, write_at and
  /// sync_data.
  virtual void start_write_back(std::uint64_t /*offset*/, std::uint64_t /*length*/) noexcept {}

  /// Says that the file has this name now: later errors name it so. Not beside another call.
  // NOLINTNEXTLINE(performance-unnecessary-value-param): who keeps it moves it
  virtual void now_called(std::string /*path*/) noexcept {}

  virtual Result<std::uint64_t> size() = 0;
  /// How many names lead to the file: 0 where its own, that of open or now_called, does not (it was removed,
  /// replaced, moved), more than 1 where there are hard links. Beside any other call but now_called().
  virtual Result<std::uint64_t> links() = 0;
  /// Cuts the file, or extends it with a hole that reads as zeros. Survives a power loss after sync_data().
  virtual Status truncate(std::uint64_t size) = 0;
  /// Writes real zeros over [offset, offset + length): unlike fallocate it leaves no unwritten extents
  /// that a later fdatasync would have to convert.
  virtual Status preallocate(std::uint64_t offset, std::uint64_t length) = 0;
  /// Sets space aside for [offset, offset + length), which lies past the file's end, so that writing there
  /// does not fail for lack of it. The file does not grow; where there is nothing of the kind, zeros are
  /// written and it does. Quicker than preallocate(), but a sync after a write finds more to do.
  virtual Status reserve(std::uint64_t offset, std::uint64_t length) { return preallocate(offset, length); }
  /// Asks the system to forget cached pages that are clean, so that the next read comes from the
  /// device. A hint: no error where it cannot be done.
  virtual Status drop_cached_pages() = 0;

  /// Closes and reports what the system says. Every later call is `closed`; a second close is ok.
  virtual Status close() = 0;
};

}  // namespace durability
