#pragma once

// Encodes the frames of the segment that is being written, and hands them to its file: always at the
// computed offset, never 'at the end of the file', so that what a failed writer left behind the end cannot
// shift what follows.

#include <memory>
#include <optional>

#include "durability/storage/file.hpp"
#include "durability/walog/segment_walk.hpp"

namespace durability::walog {

class SegmentWriter {
 public:
  /// A segment whose file is new: its header goes out with its first frames.
  static SegmentWriter begin(std::shared_ptr<File> file, const v4::SegmentHeader& header, Bytes buffer);
  /// A segment that holds frames up to `state`.
  static SegmentWriter go_on(std::shared_ptr<File> file, const v4::SegmentHeader& header,
                             const WalkState& state, Bytes buffer);

  [[nodiscard]] const v4::SegmentHeader& header() const noexcept { return header_; }
  [[nodiscard]] const std::shared_ptr<File>& file() const noexcept { return file_; }
  /// Where the next frame goes.
  [[nodiscard]] std::uint64_t offset() const noexcept { return flushed_ + buffer_.size(); }
  [[nodiscard]] std::uint64_t entries() const noexcept { return tally_.entries; }
  [[nodiscard]] std::size_t buffered() const noexcept { return buffer_.size(); }
  [[nodiscard]] bool header_is_written() const noexcept { return flushed_ > 0; }

  /// Appends a frame to the buffer.
  void add(const v4::FrameFields& fields, ByteView payload);
  /// Appends the seal. Nothing is added behind it.
  void add_seal(EntryId last, std::uint32_t lag);
  /// Writes the buffer out; on an error it is kept, and the file may hold any part of it.
  Status flush();
  /// Writes a frame too large for the buffer, which is empty, from the caller's memory.
  Status write_through(const v4::FrameFields& fields, ByteView payload);

  /// The buffer, for the next segment; empty.
  [[nodiscard]] Bytes take_buffer() noexcept;

 private:
  SegmentWriter(std::shared_ptr<File> file, const v4::SegmentHeader& header, Bytes buffer);

  std::shared_ptr<File> file_;
  v4::SegmentHeader header_;
  std::uint32_t seed_;
  Bytes buffer_;
  std::uint64_t flushed_ = 0;  // file offset at which the buffer begins
  v4::SealTally tally_;
};

}  // namespace durability::walog
