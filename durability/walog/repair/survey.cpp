#include "durability/walog/repair/survey.hpp"

#include <algorithm>

#include "durability/walog/read/frame_search.hpp"
#include "durability/walog/read/header_check.hpp"
#include "durability/walog/read/segment_listing.hpp"
#include "durability/walog/read/walk_v2_v3.hpp"

namespace durability::walog {
namespace {

void raise(std::optional<EntryId>& highest, std::optional<EntryId> id) {
  if (id) highest = std::max(highest.value_or(EntryId(0)), *id);
}

EntryId before(EntryId id) noexcept { return EntryId(id.value() - 1); }

class Surveyor {
 public:
  Surveyor(Directory& directory, std::optional<LogId> log_id) : directory_(directory), log_id_(log_id) {}

  // After the last whole batch of the segment in which the scan stopped.
  Status look_past(const ScannedSegment& segment, const WalkState& state) {
    DURABILITY_TRY_ASSIGN(auto window,
                          open_segment(directory_, segment.header.segment_id, FileWindow::kDefaultBytes));
    if (segment.format == WalFormat::kV4) return search_v4(window, segment.header, state.offset, state.due);
    return search_v3(window, segment, state);
  }

  Status look_into(SegmentId id) {
    DURABILITY_TRY_ASSIGN(auto window, open_segment(directory_, id, FileWindow::kDefaultBytes));
    DURABILITY_TRY_ASSIGN(const ByteView bytes, window.view(0, v4::kHeaderBytes));
    const auto format = stated_format(bytes);
    if (!format) return {};
    if (!survey.format) survey.format = format;
    if (*format != WalFormat::kV4) return look_into_v3(window, bytes);
    const v4::HeaderReading reading = v4::read_header(bytes);
    if (reading.state != v4::HeaderState::kSound || reading.header.start.value() == 0) return {};
    if (log_id_ && *log_id_ != reading.header.log_id) return {};  // another log's
    log_id_ = reading.header.log_id;
    // A segment begins only when the one before it is durable to its end.
    raise(survey.last, before(reading.header.start));
    raise(survey.acknowledged, before(reading.header.start));
    WalkState state{.due = reading.header.start};
    DURABILITY_TRY(walk_v4(window, reading.header, state));
    return search_v4(window, reading.header, state.offset, state.due);
  }

  Survey survey;

 private:
  Status search_v4(FileWindow& window, const SegmentHeader& header, std::uint64_t offset, EntryId due) {
    DURABILITY_TRY_ASSIGN(const TailSearch found, search_past({window, header}, offset, due));
    raise(survey.last, found.highest);
    raise(survey.acknowledged, found.vouched);
    if (!found.first) return {};
    WalkState state{.offset = found.first->first, .due = found.first->second};
    return walk_v4(window, header, state);
  }

  // Counts what stands whole from there on; its seal may not fit: the frames before were left out.
  Status walk_v4(FileWindow& window, const SegmentHeader& header, WalkState& state) {
    const EntryId first = state.due;
    DURABILITY_TRY(walk_segment({window, header}, state, count_only));
    raise(survey.acknowledged, state.vouched.value() == 0 ? std::nullopt : std::optional(state.vouched));
    add_sound(header.segment_id, first, state);
    return {};
  }

  static Result<Flow> count_only(const WalEntryView& /*entry*/) { return Flow::kContinue; }

  void add_sound(SegmentId segment, EntryId first, const WalkState& state) {
    if (state.due == first) return;
    raise(survey.last, before(state.due));
    survey.sound.push_back({.segment = segment,
                            .first = first,
                            .entries = state.due.value() - first.value(),
                            .sealed = state.sealed});
  }

  Status look_into_v3(FileWindow& window, ByteView bytes) {
    log_id_.reset();  // a run of version 4 after this one is a new one
    if (bytes.size() < v3::kHeaderBytes) return {};
    const v3::SegmentHeader header = v3::decode_header(bytes);
    if (header.start.value() == 0) return {};
    raise(survey.last, before(header.start));
    return walk_v3(window, header, {.offset = v3::kHeaderBytes, .due = header.start});
  }

  Status walk_v3(FileWindow& window, const v3::SegmentHeader& header, WalkState state) {
    const EntryId first = state.due;
    DURABILITY_TRY(walk_segment_v3(window, header, true, state, count_only));
    add_sound(header.segment_id, first, state);
    return {};
  }

  // Its length says nothing of where the next one begins: it may be what is damaged. So every byte is looked
  // at, as when damage is distinguished from a torn tail.
  Status search_v3(FileWindow& window, const ScannedSegment& segment, const WalkState& state) {
    DURABILITY_TRY_ASSIGN(const FramesAfter after,
                          frames_after_v3(window, state.offset, state.due, segment.format));
    if (!after.first) return {};
    const auto [offset, id] = *after.first;
    const v3::SegmentHeader header{
        .format = segment.format, .start = id, .segment_id = segment.header.segment_id};
    return walk_v3(window, header, {.offset = offset, .due = id});
  }

  Directory& directory_;
  std::optional<LogId> log_id_;  // of the run of version 4 that is being looked at
};

}  // namespace

Result<Survey> survey_lost(Directory& directory, const Scan& scan, const std::vector<SegmentId>& later) {
  std::optional<LogId> log_id;
  if (!scan.segments.empty() && scan.segments.back().format == WalFormat::kV4) {
    log_id = scan.segments.back().header.log_id;
  }
  Surveyor surveyor(directory, log_id);
  if (!scan.segments.empty()) DURABILITY_TRY(surveyor.look_past(scan.segments.back(), scan.final_state));
  for (const SegmentId id : later) DURABILITY_TRY(surveyor.look_into(id));
  return surveyor.survey;
}

}  // namespace durability::walog
