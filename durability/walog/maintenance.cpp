#include "durability/walog/maintenance.hpp"

#include <algorithm>

#include "durability/walog/format/segment_name.hpp"
#include "durability/walog/read/scan.hpp"
#include "durability/walog/repair/apply.hpp"
#include "durability/walog/repair/plan.hpp"

namespace durability {
namespace {

Result<walog::Scan> scan(Directory& directory, walog::Mode mode = walog::Mode::kBestEffort) {
  const walog::ScanOptions options{.mode = mode, .trust_seals = mode == walog::Mode::kBestEffort};
  return walog::scan_log(directory, options,
                         [](const WalEntryView&) -> Result<Flow> { return Flow::kContinue; });
}

SegmentStatus status_of(const walog::ScannedSegment& segment) {
  return {.id = segment.header.segment_id,
          .format = segment.format,
          .state = segment.sealed ? SegmentState::kSealed : SegmentState::kActive,
          .first = segment.header.start,
          .entries = segment.next.value() - segment.header.start.value(),
          .file_bytes = segment.file_bytes,
          .padding_bytes = segment.file_bytes > segment.end ? segment.file_bytes - segment.end : 0,
          .created_at = segment.header.created_at,
          .read_whole = segment.read_whole};
}

Result<std::vector<SegmentRange>> ranges_in(Directory& directory, walog::Mode mode) {
  DURABILITY_TRY_ASSIGN(const auto found, scan(directory, mode));
  if (found.verdict(mode).action == walog::Action::kRefuse) return found.error(mode);
  std::vector<SegmentRange> ranges;
  ranges.reserve(found.segments.size());
  for (const auto& segment : found.segments) {
    ranges.push_back({.segment = segment.header.segment_id,
                      .first = segment.header.start,
                      .entries = segment.next.value() - segment.header.start.value(),
                      .sealed = segment.sealed});
  }
  return ranges;
}

}  // namespace

Result<std::vector<SegmentRange>> WalMaintenance::segment_ranges() const {
  return ranges_in(*directory_, walog::Mode::kBestEffort);
}

Result<std::vector<SegmentRange>> WalMaintenance::segment_ranges_strict() const {
  return ranges_in(*directory_, walog::Mode::kStrict);
}

Status WalMaintenance::check_there_is_one() const {
  DURABILITY_TRY_ASSIGN(const auto ids, walog::list_segments(*directory_));
  if (!ids.empty()) return {};
  DURABILITY_TRY_ASSIGN(const auto names, directory_->list(""));
  const bool is_inside = std::ranges::any_of(
      names, [](const std::string& name) { return walog::parse_segment_name(name).has_value(); });
  return Error(ErrorCode::kNotFound, "there is no log here: no segments")
      .in_file(walog::kWalDirectory)
      .advise(is_inside
                  ? "nothing was changed; segments lie in this very directory: name the one that it is in"
                  : "nothing was changed; name the directory that holds `wal/`");
}

Result<WalInspection> WalMaintenance::inspect() const {
  DURABILITY_TRY_ASSIGN(const auto found, scan(*directory_));
  DURABILITY_TRY_ASSIGN(const auto ids, walog::list_segments(*directory_));
  WalInspection inspection;
  const bool damaged = found.verdict(walog::Mode::kBestEffort).action == walog::Action::kRefuse;
  if (found.verdict(walog::Mode::kStrict).action == walog::Action::kRefuse) {
    inspection.error = found.error(walog::Mode::kStrict);
  }
  for (const SegmentId id : ids) {
    const auto read =
        std::ranges::find(found.segments, id, [](const auto& s) { return s.header.segment_id; });
    SegmentStatus status{.id = id, .state = damaged ? SegmentState::kUnread : SegmentState::kSpare};
    if (read != found.segments.end()) status = status_of(*read);
    if (std::ranges::find(found.spares, id) != found.spares.end()) status.state = SegmentState::kSpare;
    if (id == found.segment && found.torn_tail()) status.state = SegmentState::kTorn;
    if (id == found.segment && damaged) status.state = SegmentState::kDamaged;
    if (status.file_bytes == 0) {
      DURABILITY_TRY_ASSIGN(const auto file, directory_->open(walog::segment_path(id)));
      DURABILITY_TRY_ASSIGN(status.file_bytes, file->size());
    }
    inspection.segments.push_back(status);
  }
  if (found.finding == walog::Finding::kSegmentGap) {
    const auto place = std::ranges::lower_bound(inspection.segments, found.segment, {}, &SegmentStatus::id);
    inspection.segments.insert(
        place, {.id = found.segment, .format = found.format, .state = SegmentState::kMissing});
  }
  return inspection;
}

Result<WalTruncation> WalMaintenance::truncate_prefix(DurableId upto) const {
  DURABILITY_TRY_ASSIGN(auto writer,
                        walog::ByteWriter::open(directory_, options_, walog::OpenIntent::kResume));
  DURABILITY_TRY_ASSIGN(auto truncation, writer->truncate_prefix(upto));
  DURABILITY_TRY(writer->close());
  return truncation;
}

Result<std::optional<WalRepairPlan>> WalMaintenance::repair_plan() const {
  DURABILITY_TRY(options_.validate());
  WalOptions options = options_;
  DURABILITY_TRY(options.fill_in_defaults());
  DURABILITY_TRY_ASSIGN(auto planned, walog::plan_repair(*directory_, options));
  if (!planned) return std::optional<WalRepairPlan>{};
  return std::optional(std::move(planned->plan));
}

Result<std::string> WalMaintenance::repair(const WalRepairPlan& plan, WalRepairConsent consent) const {
  DURABILITY_TRY(options_.validate());
  WalOptions options = options_;
  DURABILITY_TRY(options.fill_in_defaults());
  return walog::apply_repair(*directory_, options, plan, consent);
}

Result<std::string> WalMaintenance::undo_repair() const { return walog::undo_repair(*directory_); }

}  // namespace durability
