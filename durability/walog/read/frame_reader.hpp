#pragma once

// The frames of one version-4 segment, read from its file: what the walk, the searches and the survey of a
// damaged log have in common.

#include "durability/storage/file_window.hpp"
#include "durability/walog/format/v4.hpp"

namespace durability::walog {

/// `window` must outlive it. A frame's payload lives until the window's next use.
class FrameReader {
 public:
  FrameReader(FileWindow& window, const SegmentHeader& header) noexcept
      : window_(window), segment_(header.segment_id), seed_(v4::crc_seed(header.log_id, header.segment_id)) {}

  [[nodiscard]] FileWindow& window() const noexcept { return window_; }
  [[nodiscard]] SegmentId segment() const noexcept { return segment_; }

  /// Whether a whole frame stands at `offset` in what the window's buffer holds already.
  [[nodiscard]] bool holds_frame_at(std::uint64_t offset, v4::Frame& frame) const noexcept {
    return v4::read_frame(window_.held_from(offset), seed_, frame) == v4::FrameState::kWhole;
  }
  Result<v4::FrameState> frame_at(std::uint64_t offset, v4::Frame& frame) const;

 private:
  FileWindow& window_;
  SegmentId segment_;
  std::uint32_t seed_;
};

}  // namespace durability::walog
