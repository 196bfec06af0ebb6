#include "durability/walog/repair/plan.hpp"

#include <algorithm>
#include <utility>

#include "durability/base/crc32.hpp"
#include "durability/walog/format/segment_name.hpp"
#include "durability/walog/read/segment_listing.hpp"
#include "durability/walog/repair/salvaging_directory.hpp"
#include "durability/walog/repair/survey.hpp"
#include "durability/walog/write/segment_copy.hpp"
#include "durability/walog/write/segment_writer.hpp"

namespace durability::walog {
namespace {

// The name or header says that this is another file than the one that is due: then a segment number 1 does
// not mean that the log began there.
bool is_misplaced(Finding finding) noexcept {
  return finding == Finding::kStartMismatch || finding == Finding::kSegmentIdMismatch;
}

class Planner {
 public:
  Planner(Directory& directory, const WalOptions& options, Scan scan)
      : directory_(directory), options_(options), scan_(std::move(scan)) {}

  Result<PlannedRepair> run() {
    const Error error = scan_.error(Mode::kResume);
    plan_.code = error.code();
    plan_.reason = error.message();
    plan_.damaged_segment = scan_.segment;
    plan_.damaged_offset = scan_.offset;
    DURABILITY_TRY_ASSIGN(ids_, list_segments(directory_));
    DURABILITY_TRY(decide());
    DURABILITY_TRY(tell_losses());
    DURABILITY_TRY(list_files());
    return PlannedRepair{.plan = std::move(plan_), .builds = std::move(builds_)};
  }

 private:
  Status decide() {
    if (scan_.segments.empty()) return begin_anew();
    const ScannedSegment& last = scan_.segments.back();
    plan_.format = last.format;
    plan_.next = scan_.final_state.due;
    plan_.first_lost = plan_.next;
    if (last.format == WalFormat::kV4) return cut_v4(last);
    return cut_v3(last);
  }

  // Sealed at the cut, with a spare after it: what opening leaves of a torn tail.
  Status cut_v4(const ScannedSegment& last) {
    DURABILITY_TRY_ASSIGN(const SegmentId spare, last.header.segment_id.next());
    const WalkState& state = scan_.final_state;
    const bool damaged_here = last.header.segment_id == scan_.segment;
    const bool whole = state.sealed && !last.header_lost && (!damaged_here || last.end == last.file_bytes);
    if (!whole) {
      Bytes head = last.header_lost ? encode_header(WalFormat::kV4, stamped(last.header)) : Bytes();
      const Bytes seal = state.sealed ? Bytes() : encode_seal_frame(last.header, state, 0);
      NewContents cut{.segment = last.header.segment_id, .contents = frames_of(last, std::move(head), seal)};
      builds_.push_back(std::move(cut));
    }
    builds_.push_back({.segment = spare});
    cut_at(whole ? spare : last.header.segment_id, whole ? 0 : last.end);
    return {};
  }

  Status cut_v3(const ScannedSegment& last) {
    // Where the damage lies after the final segment, that one may have a torn tail besides.
    const bool was_final = std::ranges::none_of(ids_, [&](SegmentId id) {
      return id > last.header.segment_id && std::ranges::find(scan_.spares, id) == scan_.spares.end();
    });
    if (last.header.segment_id == scan_.segment || was_final) {
      builds_.push_back({.segment = last.header.segment_id, .contents = {.keep_to = last.end}});
      cut_at(last.header.segment_id, last.end);
      return {};
    }
    // The damage is the next segment's header, or that it is missing: a header without entries replaces it.
    DURABILITY_TRY_ASSIGN(const SegmentId next, last.header.segment_id.next());
    builds_.push_back({.segment = next,
                       .contents = {.head = encode_header(
                                        last.format, {.segment_id = next, .start = scan_.final_state.due})}});
    cut_at(next, 0);
    return {};
  }

  // Not even the first segment's header is sound. Ids never begin at 1 again unless the log did.
  Status begin_anew() {
    const SegmentId first = ids_.front();
    const EntryId start = options_.first_entry_id;
    if (start.value() == 1) {
      if (first.value() != 1 || is_misplaced(scan_.finding)) return beginning_unknown();
      plan_.first_lost = start;
    }
    plan_.next = start;
    // A log that does not begin at entry 1 has no segment number 1.
    fresh_ = start.value() == 1 ? first : std::max(first, SegmentId(2));
    cut_at(first, 0);
    return {};
  }

  Error beginning_unknown() const {
    const Error error = scan_.error(Mode::kResume);
    return Error(ErrorCode::kInvalidState,
                 fmt::format("{}; nothing that survives says at which entry the log began", error.message()))
        .in_file(error.path())
        .at_offset(scan_.offset)
        .advise(
            "nothing was changed; restore a copy, or say where it goes on: after the newest checkpoint "
            "(wal repair --restart-at, WalOptions::first_entry_id)");
  }

  // Its version is the first one that anything still states.
  void build_fresh(std::optional<WalFormat> stated) {
    plan_.format = stated.value_or(options_.format.value_or(WalFormat::kV4));
    SegmentHeader header{.segment_id = *fresh_, .start = plan_.next};
    store_le(header.log_id, 0, options_.random->next_u64());
    store_le(header.log_id, 8, options_.random->next_u64());
    builds_.push_back(
        {.segment = *fresh_, .contents = {.head = encode_header(plan_.format, stamped(header))}});
  }

  [[nodiscard]] SegmentHeader stamped(SegmentHeader header) const {
    header.created_at = static_cast<std::uint64_t>(options_.clock->since_unix_epoch().count());
    return header;
  }

  void cut_at(SegmentId segment, std::uint64_t offset) {
    plan_.cut_segment = segment;
    plan_.cut_offset = offset;
  }

  Status tell_losses() {
    std::vector<SegmentId> later = ids_;
    if (!scan_.segments.empty()) {
      const SegmentId last = scan_.segments.back().header.segment_id;
      std::erase_if(later, [&](SegmentId id) { return id <= last; });
    }
    DURABILITY_TRY_ASSIGN(Survey survey, survey_lost(directory_, scan_, later));
    if (fresh_) build_fresh(survey.format);
    plan_.sound_after = std::move(survey.sound);
    const EntryId floor = plan_.first_lost.value_or(EntryId(1));
    if (survey.last && *survey.last >= floor) plan_.last_lost_seen = survey.last;
    if (survey.acknowledged && *survey.acknowledged >= floor) plan_.acknowledged = survey.acknowledged;
    return {};
  }

  Status list_files() {
    std::vector<SegmentId> touched;
    touched.reserve(builds_.size() + ids_.size());
    for (const NewContents& build : builds_) touched.push_back(build.segment);
    std::ranges::copy_if(ids_, std::back_inserter(touched),
                         [&](SegmentId id) { return id >= plan_.cut_segment; });
    std::ranges::sort(touched);
    touched.erase(std::ranges::unique(touched).begin(), touched.end());
    for (const SegmentId id : touched) {
      WalRepairFile file{.segment = id};
      if (std::ranges::binary_search(ids_, id)) {
        DURABILITY_TRY_ASSIGN(file.before, image_of(directory_, segment_path(id)));
      }
      const auto build = std::ranges::find(builds_, id, &NewContents::segment);
      if (build != builds_.end()) file.bytes_after = build->contents.bytes();
      plan_.files.push_back(file);
    }
    std::erase_if(ids_, [&](SegmentId id) { return id >= plan_.files.front().segment; });
    DURABILITY_TRY_ASSIGN(plan_.kept_crc, fingerprint_of(directory_, ids_));
    return {};
  }

  Directory& directory_;
  const WalOptions& options_;
  Scan scan_;
  std::vector<SegmentId> ids_;
  std::optional<SegmentId> fresh_;  // a segment that begins the log anew
  WalRepairPlan plan_;
  std::vector<NewContents> builds_;
};

}  // namespace

namespace {

Result<Scan> scan_for_opening(Directory& directory, const ScanOptions& options) {
  return scan_log(directory, options, [](const WalEntryView&) -> Result<Flow> { return Flow::kContinue; });
}

Result<bool> opens_as_it_is(Directory& directory, const WalRepairPlan& plan) {
  const auto scan = scan_for_opening(directory, {.mode = Mode::kResume, .trust_seals = true});
  if (scan) return scan->verdict(Mode::kResume).action != Action::kRefuse;
  if (is_unreadable(scan.error()) && !plan.unreadable.empty()) return false;
  return scan.error();
}

Result<std::optional<PlannedRepair>> plan_by(Directory& directory, const WalOptions& options,
                                             std::function<bool(SegmentId)> unreadable) {
  DURABILITY_TRY_ASSIGN(
      Scan scan, scan_for_opening(directory, {.mode = Mode::kResume, .unreadable = std::move(unreadable)}));
  if (scan.verdict(Mode::kResume).action != Action::kRefuse) return std::optional<PlannedRepair>{};
  DURABILITY_TRY_ASSIGN(auto planned, Planner(directory, options, std::move(scan)).run());
  return std::optional(std::move(planned));
}

// What the device cannot read counts as damage. An error that does not come again is one all the same.
Result<std::optional<PlannedRepair>> plan_around(Directory& directory, const WalOptions& options,
                                                 Error unreadable) {
  SalvagingDirectory salvaging(directory);
  DURABILITY_TRY_ASSIGN(auto planned, plan_by(salvaging, options, [&](SegmentId id) {
                          return !salvaging.holes(segment_path(id)).empty();
                        }));
  if (!planned || !salvaging.has_holes()) return unreadable;
  DURABILITY_TRY_ASSIGN(const auto ids, list_segments(directory));
  for (const SegmentId id : ids) {
    for (const auto& hole : salvaging.holes(segment_path(id))) {
      planned->plan.unreadable.push_back({.segment = id, .offset = hole.offset, .bytes = hole.bytes});
    }
  }
  return planned;
}

}  // namespace

Result<std::optional<PlannedRepair>> plan_repair(Directory& directory, const WalOptions& options) {
  auto planned = plan_by(directory, options, {});
  if (!planned && is_unreadable(planned.error())) {
    planned = plan_around(directory, options, std::move(planned).error());
  }
  if (!planned || !*planned) return planned;
  WalRepairPlan& plan = (*planned)->plan;
  DURABILITY_TRY_ASSIGN(plan.opens, opens_as_it_is(directory, plan));
  return planned;
}

Result<WalFileImage> image_of(Directory& directory, const std::string& path) {
  DURABILITY_TRY_ASSIGN(std::shared_ptr<File> file, directory.open(path));
  DURABILITY_TRY_ASSIGN(const std::uint64_t size, file->size());
  FileWindow window(std::move(file), size);
  DURABILITY_TRY_ASSIGN(const std::uint32_t crc, window.checksum_from(0));
  return WalFileImage{.bytes = window.size(), .crc = crc};
}

Result<std::uint32_t> fingerprint_of(Directory& directory, const std::vector<SegmentId>& ids) {
  std::uint32_t sum = 0;
  for (const SegmentId id : ids) {
    DURABILITY_TRY_ASSIGN(const WalFileImage image, image_of(directory, segment_path(id)));
    std::array<std::byte, 20> fixed{};
    store_le(fixed, 0, id.value());
    store_le(fixed, 8, image.bytes);
    store_le(fixed, 16, image.crc);
    sum = crc32(fixed, sum);
  }
  return sum;
}

}  // namespace durability::walog
