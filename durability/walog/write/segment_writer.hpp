#pragma once

// Encodes the frames of the segment that is being written, and hands them to its file: always at the
// computed offset, never 'at the end of the file', so that what a failed writer left past the end cannot
// shift what follows.

#include <memory>
#include <optional>

#include "durability/storage/file.hpp"
#include "durability/walog/read/header_check.hpp"
#include "durability/walog/read/walk_v4.hpp"
#include "durability/walog/write/frame_buffer.hpp"

namespace durability::walog {

/// The seal of a version-4 segment that was read up to `state`, as it stands in the file.
[[nodiscard]] Bytes encode_seal_frame(const SegmentHeader& header, const WalkState& state, std::uint32_t lag);

class SegmentWriter {
 public:
  /// With room for what is written out at once, a header before it and a seal after it.
  static FrameBuffer make_buffer(std::size_t buffer_bytes);
  /// A segment whose file is new: its header goes out with its first frames.
  static SegmentWriter begin(std::shared_ptr<File> file, const SegmentHeader& header, FrameBuffer buffer);
  /// A segment that holds frames up to `state`.
  static SegmentWriter go_on(std::shared_ptr<File> file, WalFormat format, const SegmentHeader& header,
                             const WalkState& state, FrameBuffer buffer);

  [[nodiscard]] const SegmentHeader& header() const noexcept { return header_; }
  [[nodiscard]] WalFormat format() const noexcept { return format_; }
  [[nodiscard]] const std::shared_ptr<File>& file() const noexcept { return file_; }
  /// Where the next frame goes.
  [[nodiscard]] std::uint64_t offset() const noexcept { return flushed_ + buffer_.size(); }
  [[nodiscard]] std::uint64_t entries() const noexcept { return tally_.entries(); }
  [[nodiscard]] std::size_t buffered() const noexcept { return buffer_.size(); }

  /// Appends a frame to the buffer; marks and seals are version 4's. Its checksum comes with flush().
  void add(const v4::FrameFields& fields, ByteView payload);
  /// Appends the seal. Nothing is added after it.
  void add_seal(EntryId last, std::uint32_t lag);
  /// True where the buffer is to be written out before so many bytes more: at about `buffer_bytes`, and so
  /// that writes begin and end where the page cache likes them to.
  [[nodiscard]] bool is_full_for(std::uint64_t span, std::size_t buffer_bytes) const noexcept {
    return offset() + span > end_of_write(buffer_bytes);
  }
  /// Writes the buffer out; on an error it is kept, and the file may hold any part of it.
  Status flush();
  /// The same because it is full; in version 4 followed by zeros, to where writes end, if that is not far and
  /// no further than `limit`.
  Status flush_full(std::size_t buffer_bytes, std::uint64_t limit);
  /// Writes a frame too large for the buffer, which is empty, from the caller's memory.
  Status write_through(const v4::FrameFields& fields, ByteView payload);
  /// Versions 2 and 3, everything flushed: fewer than 4 bytes of padding after the last frame would read
  /// as a torn length field, so they are cut off. Says whether they were: that is to be synced.
  Result<bool> cut_short_padding();

  /// The buffer, for the next segment; empty.
  [[nodiscard]] FrameBuffer take_buffer() noexcept;

 private:
  SegmentWriter(std::shared_ptr<File> file, WalFormat format, const SegmentHeader& header,
                FrameBuffer buffer);

  void sum_frames() noexcept;
  [[nodiscard]] std::uint64_t end_of_write(std::size_t buffer_bytes) const noexcept;
  Status write_out(ByteView zeros);

  std::shared_ptr<File> file_;
  WalFormat format_;
  SegmentHeader header_;
  std::uint32_t seed_;
  FrameBuffer buffer_;
  std::size_t summed_ = 0;     // in the buffer: what follows has no checksums yet
  std::uint64_t flushed_ = 0;  // file offset at which the buffer begins
  v4::SealTallyBuilder tally_;
};

}  // namespace durability::walog
