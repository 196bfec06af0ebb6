#include "durability/walog/read/walk_v2_v3.hpp"

#include "durability/walog/read/frame_search.hpp"

namespace durability::walog {
namespace {

Result<v3::FrameState> read_frame_v3(FileWindow& window, std::uint64_t offset, WalFormat format,
                                     v3::Frame& frame) {
  DURABILITY_TRY_ASSIGN(const ByteView bytes, window.view(offset, v3::kFrameHeadBytes));
  if (window.size() < offset) return v3::FrameState::kCut;  // after what was read before had been there
  const auto head = v3::read_head(bytes, window.size() - offset);
  if (head.state != v3::FrameState::kWhole) return head.state;
  DURABILITY_TRY_ASSIGN(const ByteView whole, window.view(offset, head.length));
  if (whole.size() < head.length) return v3::FrameState::kCut;
  return v3::read_frame(whole, format, frame);
}

Finding finding_of(v3::FrameState state, bool final) noexcept {
  switch (state) {
    case v3::FrameState::kCut: return final ? Finding::kCutFrame : Finding::kCutBeforeFinal;
    case v3::FrameState::kZeroLength: return final ? Finding::kZerosThenData : Finding::kBadBytes;
    case v3::FrameState::kCrcMismatch: return Finding::kCrcMismatch;
    case v3::FrameState::kBadLength:
    case v3::FrameState::kOverCap: return Finding::kBadBytes;
    case v3::FrameState::kNothing:
    case v3::FrameState::kWhole: break;
  }
  return Finding::kEnd;
}

bool could_be_frame(ByteView head, EntryId missing, std::uint64_t distance, std::uint64_t remaining,
                    WalFormat format) noexcept {
  const auto read = v3::read_head(head, remaining);
  if (read.state != v3::FrameState::kWhole) return false;
  if (format == WalFormat::kV2 && read.length == v3::kFrameHeadBytes) return false;
  const auto id = load_le<std::uint64_t>(head, 4);
  return id >= missing.value() && id - missing.value() <= distance / v3::kFrameHeadBytes + 1;
}

}  // namespace

Result<WalkEndV3> walk_segment_v3(FileWindow& window, const v3::SegmentHeader& header, bool final,
                                  WalkState& state, const EntrySink& sink) {
  v3::Frame frame;
  while (true) {
    DURABILITY_TRY_ASSIGN(const auto read, read_frame_v3(window, state.offset, header.format, frame));
    WalkEndV3 end{.finding = finding_of(read, final), .offset = state.offset, .missing = state.due};
    if (read == v3::FrameState::kZeroLength) {
      DURABILITY_TRY_ASSIGN(const bool zeros, window.zeros_from(state.offset));
      if (zeros) end.finding = Finding::kEnd;
    }
    if (read == v3::FrameState::kCrcMismatch) end.crcs = {frame.stored_crc, frame.actual_crc};
    if (read == v3::FrameState::kWhole && frame.id != state.due) end.finding = Finding::kBadBytes;
    if (read != v3::FrameState::kWhole || end.finding != Finding::kEnd) return end;

    DURABILITY_TRY_ASSIGN(const EntryId next, state.due.next());
    DURABILITY_TRY_ASSIGN(const Flow flow, sink({.id = frame.id,
                                                 .segment = header.segment_id,
                                                 .offset = state.offset,
                                                 .payload = frame.payload}));
    state.offset += frame.length;
    state.due = next;
    ++state.tally.entries;
    if (flow == Flow::kStop) return WalkEndV3{.offset = state.offset, .missing = next, .sink_stopped = true};
  }
}

Result<FramesAfter> frames_after_v3(FileWindow& window, std::uint64_t offset, EntryId missing,
                                    WalFormat format) {
  const std::uint64_t begin = offset;
  const std::uint64_t searched = window.size() > begin ? window.size() - begin : 0;
  std::uint64_t budget = kSearchBudgetFactor * searched;
  while (offset + v3::kFrameHeadBytes <= window.size()) {
    DURABILITY_TRY_ASSIGN(const ByteView bytes, window.view(offset, kSearchStepBytes));
    std::size_t index = 0;
    for (; index + v3::kFrameHeadBytes <= bytes.size(); ++index) {
      const ByteView head = bytes.subspan(index, v3::kFrameHeadBytes);
      const std::uint64_t at = offset + index;
      if (could_be_frame(head, missing, at - begin, window.size() - at, format)) break;
    }
    offset += index;
    if (index + v3::kFrameHeadBytes > bytes.size()) {
      if (bytes.size() < kSearchStepBytes) break;
      continue;
    }
    v3::Frame frame;
    const auto length = load_le<std::uint32_t>(bytes, index);
    if (length > budget) return FramesAfter{.budget_spent = true};
    budget -= length;
    DURABILITY_TRY_ASSIGN(const auto state, read_frame_v3(window, offset, format, frame));
    if (state == v3::FrameState::kWhole) return FramesAfter{.first = {{offset, frame.id}}};
    ++offset;
  }
  return FramesAfter{};
}

}  // namespace durability::walog
