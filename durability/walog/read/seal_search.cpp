#include "durability/walog/read/seal_search.hpp"

#include <algorithm>

#include "durability/walog/read/walk_v4.hpp"

namespace durability::walog {

Result<std::optional<FoundSeal>> find_seal(FileWindow& window, const SegmentHeader& header) {
  DURABILITY_TRY_ASSIGN(const std::uint64_t end, window.end_of_data(v4::kHeaderBytes));
  const std::uint32_t seed = v4::crc_seed(header.log_id, header.segment_id);
  // A seal's last bytes may be zero themselves (its last word always is), never its length field.
  const std::uint64_t earliest = end > v4::kSealBytes ? end - v4::kSealBytes : 0;
  for (std::uint64_t offset = std::max<std::uint64_t>(align8(earliest), v4::kHeaderBytes); offset < end;
       offset += v4::kFrameAlignment) {
    v4::Frame frame;
    DURABILITY_TRY_ASSIGN(const auto state, read_frame_at(window, offset, seed, frame));
    if (state == v4::FrameState::kWhole && frame.fields.kind == v4::FrameKind::kSeal) {
      return FoundSeal{.last = frame.fields.id, .tally = frame.seal()};
    }
  }
  return std::optional<FoundSeal>{};
}

}  // namespace durability::walog
