#include "durability/walog/read/classify.hpp"

#include "durability/walog/read/frame_search.hpp"
#include "durability/walog/read/segment_listing.hpp"

namespace durability::walog {
namespace {

SegmentFinding found(Finding finding, const WalkEnd& end) {
  return {.finding = finding, .offset = end.offset, .missing = end.missing};
}

std::optional<Finding> broken(const WalkEnd& end) noexcept {
  if (end.stop == WalkStop::kRuleBroken) return Finding::kRuleBroken;
  if (end.stop == WalkStop::kSealMismatch) return Finding::kSealMismatch;
  return std::nullopt;
}

Result<SegmentFinding> classify_after_seal(FileWindow& window, const CheckedHeader& header,
                                           std::size_t spares, const WalkState& state, const WalkEnd& end) {
  if (spares == 0) {
    return SegmentFinding{
        .finding = Finding::kSealedWithoutSuccessor, .offset = state.offset, .missing = end.missing};
  }
  DURABILITY_TRY_ASSIGN(const bool zeros, window.zeros_from(state.offset));
  return SegmentFinding{.finding = zeros && !header.lost ? Finding::kSealedEnd : Finding::kTorn,
                        .offset = state.offset,
                        .missing = end.missing,
                        .sealed = true};
}

Result<SegmentFinding> classify_open_end(FileWindow& window, const CheckedHeader& header,
                                         const WalkEnd& end) {
  DURABILITY_TRY_ASSIGN(const bool zeros, window.zeros_from(end.offset));
  // No writer cuts off whole entries: a file that is shorter than what was read from it ends in a tear.
  const bool was_cut = window.size() < end.offset;
  if (zeros && !was_cut && !end.open_batch) return found(header.lost ? Finding::kTorn : Finding::kEnd, end);
  const FrameReader frames(window, header.header);
  DURABILITY_TRY_ASSIGN(const auto search, search_past(frames, end.offset, end.missing));
  if (search.vouched && *search.vouched >= end.missing) return found(Finding::kAcknowledgedDamage, end);
  return found(search.budget_spent ? Finding::kSearchBudgetSpent : Finding::kTorn, end);
}

}  // namespace

Result<SegmentFinding> classify_before_final(FileWindow& window, const WalkState& state, const WalkEnd& end) {
  if (const auto finding = broken(end)) return found(*finding, end);
  if (end.stop != WalkStop::kSealed) return found(Finding::kDamageBeforeFinal, end);
  DURABILITY_TRY_ASSIGN(const bool zeros, window.zeros_from(state.offset));
  if (zeros) return SegmentFinding{.sealed = true};
  return SegmentFinding{
      .finding = Finding::kDamageBeforeFinal, .offset = state.offset, .missing = end.missing, .sealed = true};
}

Result<SegmentFinding> classify_final(FileWindow& window, const CheckedHeader& header, std::size_t spares,
                                      const WalkState& state, const WalkEnd& end) {
  if (const auto finding = broken(end)) return found(*finding, end);
  if (end.stop == WalkStop::kSealed) return classify_after_seal(window, header, spares, state, end);
  if (spares == kMaxSpares) return found(Finding::kUnsealedBeforeTwoSpares, end);
  return classify_open_end(window, header, end);
}

Result<SegmentFinding> classify_v3(FileWindow& window, WalFormat format, Mode mode, const WalkEndV3& end,
                                   bool final) {
  SegmentFinding result{.finding = end.finding, .offset = end.offset, .missing = end.missing};
  if (end.finding == Finding::kEnd && !final) result.finding.reset();
  const bool would_be_cut = end.finding == Finding::kCutFrame || end.finding == Finding::kZerosThenData;
  if (mode != Mode::kResume || !would_be_cut) return result;
  DURABILITY_TRY_ASSIGN(const auto after, frames_after_v3(window, end.offset, end.missing, format));
  if (after.first) result.finding = Finding::kFramesAfterDamage;
  if (after.budget_spent) result.finding = Finding::kSearchBudgetSpent;
  return result;
}

Result<Finding> classify_skipping_v3(FileWindow& window, const v3::SegmentHeader& header, Mode mode,
                                     EntryId due) {
  WalkState state{.offset = v3::kHeaderBytes, .due = header.start};
  DURABILITY_TRY_ASSIGN(
      WalkEndV3 end,
      walk_segment_v3(window, header, true, state, [](const auto&) -> Result<Flow> { return Flow::kStop; }));
  const bool holds_a_frame = end.sink_stopped;
  if (holds_a_frame || mode == Mode::kStrict) return Finding::kStartMismatch;
  end.missing = due;
  DURABILITY_TRY_ASSIGN(const SegmentFinding judged, classify_v3(window, header.format, mode, end, true));
  const bool torn = *judged.finding == Finding::kCutFrame || *judged.finding == Finding::kZerosThenData ||
                    *judged.finding == Finding::kEnd;
  return torn ? Finding::kSkippingHeader : *judged.finding;
}

}  // namespace durability::walog
