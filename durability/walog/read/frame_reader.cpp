#include "durability/walog/read/frame_reader.hpp"

namespace durability::walog {

Result<v4::FrameState> FrameReader::frame_at(std::uint64_t offset, v4::Frame& frame) const {
  DURABILITY_TRY_ASSIGN(const ByteView head, window_.view(offset, v4::kFrameHeadBytes));
  if (head.size() < v4::kFrameHeadBytes) return v4::FrameState::kNotWhole;
  const auto length = v4::plausible_length(head);
  // Nothing is read, and no buffer grows, for a length that the file does not hold.
  if (!length || *length > window_.size() - offset) return v4::FrameState::kNotWhole;
  DURABILITY_TRY_ASSIGN(const ByteView bytes, window_.view(offset, *length));
  return v4::read_frame(bytes, seed_, frame);
}

}  // namespace durability::walog
