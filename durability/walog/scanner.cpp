#include "durability/walog/scanner.hpp"

#include <algorithm>
#include <utility>

#include "durability/base/crc32.hpp"
#include "durability/walog/header_check.hpp"
#include "durability/walog/seal_search.hpp"
#include "durability/walog/segment_name.hpp"
#include "durability/walog/tail_search.hpp"

namespace durability::walog {
namespace {

constexpr int kMaxReadings = 16;
constexpr std::size_t kMaxSpares = 2;

Error missing_range(EntryId first, EntryId behind) {
  return Error(ErrorCode::kInvalidState,
               fmt::format("entries {} to {} are no longer in the log", first, behind.value() - 1))
      .in_file(kWalDirectory)
      .with_values(first.value(), behind.value())
      .advise("nothing was changed; they were truncated away, start from a newer checkpoint");
}

/// What has been read so far. A second reading goes on from here.
struct Current {
  SegmentId id;
  std::optional<v4::LogId> log_id;  // of the segment before
  EntryId due;                      // at the segment's start
  WalkState walk;
};

class Scanner {
 public:
  Scanner(Directory& directory, const ScanOptions& options, const EntrySink& sink)
      : directory_(directory),
        options_(options),
        sink_([this, &sink](const WalEntryView& entry) { return filtered(entry, sink); }) {}

  Result<Scan> run() {
    std::optional<std::uint32_t> last_fingerprint;
    for (int reading = 0; reading < kMaxReadings; ++reading) {
      auto finding = read_on();
      if (!finding) {
        // A segment that was there when the directory was listed: truncation took it. List again.
        if (finding.error().code() == ErrorCode::kNotFound && options_.live_writer) continue;
        return std::move(finding).error();
      }
      scan_.finding = *finding;
      if (scan_.verdict(options_.mode).action != Action::kRefuse || !options_.live_writer) return finish();
      DURABILITY_TRY_ASSIGN(const std::uint32_t fingerprint, fingerprint_of_the_place());
      if (last_fingerprint == fingerprint) return finish();
      last_fingerprint = fingerprint;
    }
    return Error(ErrorCode::kInvalidState, "the log changes faster than it can be read")
        .in_file(kWalDirectory)
        .advise("nothing was changed; read again when the writer is less busy");
  }

 private:
  Scan finish() { return std::move(scan_); }

  Result<Flow> filtered(const WalEntryView& entry, const EntrySink& sink) {
    if (entry.id > options_.up_to) return Flow::kStop;
    if (entry.id >= options_.from) {
      DURABILITY_TRY_ASSIGN(const Flow flow, sink(entry));
      if (flow == Flow::kStop) return flow;
    }
    return entry.id == options_.up_to ? Flow::kStop : Flow::kContinue;
  }

  Finding found(Finding finding, SegmentId segment, std::uint64_t offset, EntryId missing) {
    scan_.segment = segment;
    scan_.offset = offset;
    scan_.missing = missing;
    return finding;
  }

  Result<FileWindow> open_segment(SegmentId id) {
    DURABILITY_TRY_ASSIGN(auto file, directory_.open(segment_path(id)));
    DURABILITY_TRY_ASSIGN(const std::uint64_t size, file->size());
    return FileWindow(std::move(file), size, options_.buffer_bytes);
  }

  // One reading, from where the last one stopped to the end or to something bad.
  Result<Finding> read_on() {
    DURABILITY_TRY_ASSIGN(ids_, list_segments(directory_));
    if (current_ && (ids_.empty() || ids_.front() > current_->id)) return lost_to_truncation();
    if (ids_.empty()) return found(Finding::kNoSegments, SegmentId(0), 0, EntryId(1));
    DURABILITY_TRY(split_off_spares());
    if (scan_.spares.size() > kMaxSpares) {
      return found(Finding::kTooManySpares, scan_.spares.front(), 0, due());
    }
    if (ids_.empty()) {
      const SegmentId first = scan_.spares.front();
      const bool fresh = scan_.spares.size() == 1 && first.value() == 1;
      return found(fresh ? Finding::kFirstSegmentEmpty : Finding::kOnlySpares, first, 0, EntryId(1));
    }
    if (const auto gap = find_gap()) return found(Finding::kSegmentGap, *gap, 0, due());
    return read_segments();
  }

  Result<Finding> read_segments() {
    const auto begin = current_ ? std::ranges::lower_bound(ids_, current_->id) : ids_.begin();
    for (auto id = begin; id != ids_.end(); ++id) {
      DURABILITY_TRY_ASSIGN(const auto finding, read_segment(*id, *id == ids_.back()));
      if (finding) return *finding;
    }
    return found(Finding::kSegmentGap, current_->id, 0, due());  // the current segment is not listed
  }

  [[nodiscard]] EntryId due() const noexcept { return current_ ? current_->walk.due : EntryId(1); }

  Result<Finding> lost_to_truncation() {
    const EntryId first = current_->walk.due;
    if (ids_.empty()) return missing_range(first, EntryId(first.value() + 1));
    DURABILITY_TRY_ASSIGN(auto window, open_segment(ids_.front()));
    DURABILITY_TRY_ASSIGN(const ByteView bytes, window.view(0, v4::kHeaderBytes));
    const auto reading = v4::read_header(bytes);
    const EntryId behind = std::max(EntryId(first.value() + 1), reading.header.start);
    return missing_range(first, behind);
  }

  // Moves the segments of nothing but zeros at the end of ids_ to scan_.spares; one too many is enough.
  Status split_off_spares() {
    scan_.spares.clear();
    while (!ids_.empty() && scan_.spares.size() <= kMaxSpares) {
      DURABILITY_TRY_ASSIGN(auto window, open_segment(ids_.back()));
      DURABILITY_TRY_ASSIGN(const bool zeros, window.zeros_from(0));
      if (!zeros) break;
      scan_.spares.insert(scan_.spares.begin(), ids_.back());
      ids_.pop_back();
    }
    return {};
  }

  [[nodiscard]] std::optional<SegmentId> find_gap() const {
    std::vector<SegmentId> all = ids_;
    all.insert(all.end(), scan_.spares.begin(), scan_.spares.end());
    const auto gap = std::ranges::adjacent_find(
        all, [](SegmentId left, SegmentId right) { return left.value() + 1 != right.value(); });
    if (gap == all.end()) return std::nullopt;
    return *(gap + 1);
  }

  // Nothing where the next segment is to be read.
  Result<std::optional<Finding>> read_segment(SegmentId id, bool final) {
    DURABILITY_TRY_ASSIGN(auto window, open_segment(id));
    DURABILITY_TRY_ASSIGN(const ByteView bytes, window.view(0, v4::kHeaderBytes));
    const auto checked = check_header(bytes, {.name = id,
                                              .log_id = current_ ? current_->log_id : std::nullopt,
                                              .due = current_ ? current_->due : EntryId(1),
                                              .final = final});
    if (const auto* finding = std::get_if<Finding>(&checked)) return found(*finding, id, 0, due());
    const auto& [header, lost] = std::get<CheckedHeader>(checked);
    DURABILITY_TRY(enter(header));
    ScannedSegment segment{.header = header, .header_lost = lost, .file_bytes = window.size()};
    if (current_->walk.due > options_.up_to) return stop(segment);

    if (!final) {
      DURABILITY_TRY_ASSIGN(const bool skipped, skip_whole(window, segment));
      if (skipped) return std::optional<Finding>{};
    }
    DURABILITY_TRY_ASSIGN(const WalkEnd end, walk_segment(window, header, current_->walk, sink_));
    if (end.stop == WalkStop::kSinkStopped) return stop(segment);
    if (final) {
      DURABILITY_TRY_ASSIGN(const Finding finding, judge_final(window, segment, end));
      return finding;
    }
    return judge_inner(window, segment, end);
  }

  // The log begins here, or goes on here.
  Status enter(const v4::SegmentHeader& header) {
    if (current_) return {};
    if (options_.from.value() > 0 && header.start > options_.from) {
      return missing_range(options_.from, header.start);
    }
    scan_.first = header.start;
    current_ = {
        .id = header.segment_id, .log_id = std::nullopt, .due = header.start, .walk = {.due = header.start}};
    return {};
  }

  std::optional<Finding> stop(const ScannedSegment& segment) {
    scan_.stopped = true;
    record(segment);
    return found(Finding::kEnd, segment.header.segment_id, current_->walk.offset, current_->walk.due);
  }

  void record(ScannedSegment segment) {
    segment.end = current_->walk.offset;
    segment.next = current_->walk.due;
    scan_.next = current_->walk.due;
    scan_.final_state = current_->walk;
    if (!scan_.segments.empty() && scan_.segments.back().header.segment_id == segment.header.segment_id) {
      scan_.segments.pop_back();  // read before, and read again
    }
    scan_.segments.push_back(segment);
  }

  void pass(ScannedSegment segment) {
    record(segment);
    current_ = {.id = SegmentId(segment.header.segment_id.value() + 1),
                .log_id = segment.header.log_id,
                .due = current_->walk.due,
                .walk = {.due = current_->walk.due}};
  }

  // Whether the segment need not be read: the header behind it says where it ends, and either nothing in
  // it is asked for, or its seal says the same.
  Result<bool> skip_whole(FileWindow& window, ScannedSegment& segment) {
    const SegmentId next_id(segment.header.segment_id.value() + 1);
    const bool before_range =
        current_->walk.offset == v4::kHeaderBytes && options_.from.value() > segment.header.start.value();
    if (!before_range && !options_.trust_seals) return false;
    DURABILITY_TRY_ASSIGN(auto next_window, open_segment(next_id));
    DURABILITY_TRY_ASSIGN(const ByteView bytes, next_window.view(0, v4::kHeaderBytes));
    const auto next = v4::read_header(bytes);
    if (next.state != v4::HeaderState::kSound || next.header.segment_id != next_id ||
        next.header.log_id != segment.header.log_id || next.header.start < segment.header.start) {
      return false;
    }
    bool skip = before_range && next.header.start <= options_.from;
    if (!skip && options_.trust_seals) {
      DURABILITY_TRY_ASSIGN(const auto seal, find_seal(window, segment.header));
      skip = seal && seal->last.value() + 1 == next.header.start.value() &&
             segment.header.start.value() + seal->tally.entries == next.header.start.value();
    }
    if (!skip) return false;
    segment.sealed = true;
    current_->walk.due = next.header.start;
    current_->walk.offset = window.size();
    pass(segment);
    return true;
  }

  Result<std::optional<Finding>> judge_inner(FileWindow& window, ScannedSegment segment, const WalkEnd& end) {
    const SegmentId id = segment.header.segment_id;
    if (end.stop == WalkStop::kRuleBroken) return found(Finding::kRuleBroken, id, end.offset, end.missing);
    if (end.stop == WalkStop::kSealMismatch)
      return found(Finding::kSealMismatch, id, end.offset, end.missing);
    if (end.stop == WalkStop::kBadPlace) {
      return found(Finding::kDamageBeforeFinal, id, end.offset, end.missing);
    }
    const std::uint64_t behind_seal = current_->walk.offset;
    DURABILITY_TRY_ASSIGN(const bool zeros, window.zeros_from(behind_seal));
    if (!zeros) return found(Finding::kDamageBeforeFinal, id, behind_seal, end.missing);
    segment.sealed = true;
    pass(segment);
    return std::optional<Finding>{};
  }

  Result<Finding> judge_final(FileWindow& window, ScannedSegment segment, const WalkEnd& end) {
    const SegmentId id = segment.header.segment_id;
    segment.sealed = end.stop == WalkStop::kSealed;
    record(segment);
    if (end.stop == WalkStop::kRuleBroken) return found(Finding::kRuleBroken, id, end.offset, end.missing);
    if (end.stop == WalkStop::kSealMismatch)
      return found(Finding::kSealMismatch, id, end.offset, end.missing);
    if (segment.sealed) {
      if (scan_.spares.empty()) return found(Finding::kSealedWithoutSuccessor, id, end.offset, end.missing);
      DURABILITY_TRY_ASSIGN(const bool zeros, window.zeros_from(current_->walk.offset));
      const bool clean = zeros && !segment.header_lost;
      return found(clean ? Finding::kSealedEnd : Finding::kTorn, id, current_->walk.offset, end.missing);
    }
    if (scan_.spares.size() == kMaxSpares) {
      return found(Finding::kUnsealedBeforeTwoSpares, id, end.offset, end.missing);
    }
    return judge_open_end(window, segment, end);
  }

  Result<Finding> judge_open_end(FileWindow& window, const ScannedSegment& segment, const WalkEnd& end) {
    const SegmentId id = segment.header.segment_id;
    DURABILITY_TRY_ASSIGN(const bool zeros, window.zeros_from(end.offset));
    if (zeros && !end.open_batch) {
      return found(segment.header_lost ? Finding::kTorn : Finding::kEnd, id, end.offset, end.missing);
    }
    const std::uint32_t seed = v4::crc_seed(segment.header.log_id, id);
    DURABILITY_TRY_ASSIGN(const auto search, search_behind(window, end.offset, end.missing, seed));
    Finding finding = Finding::kTorn;
    if (search.budget_spent) finding = Finding::kSearchBudgetSpent;
    if (search.vouched && *search.vouched >= end.missing) finding = Finding::kAcknowledgedDamage;
    return found(finding, id, end.offset, end.missing);
  }

  // Everything the last finding was based on and a writer could still be changing.
  Result<std::uint32_t> fingerprint_of_the_place() {
    std::array<std::byte, 24> fixed{};
    store_le(fixed, 0, static_cast<std::uint64_t>(scan_.finding));
    store_le(fixed, 8, scan_.segment.value());
    store_le(fixed, 16, scan_.offset);
    std::uint32_t sum = crc32(fixed);
    DURABILITY_TRY_ASSIGN(const auto ids, list_segments(directory_));
    sum = crc32(std::as_bytes(std::span(ids)), sum);
    sum = crc32(std::as_bytes(std::span(scan_.spares)), sum);
    if (scan_.segment.value() == 0) return sum;
    auto window = open_segment(scan_.segment);
    if (!window) {
      if (window.error().code() == ErrorCode::kNotFound) return sum + 1;
      return std::move(window).error();
    }
    DURABILITY_TRY_ASSIGN(const ByteView header, window->view(0, v4::kHeaderBytes));
    sum = crc32(header, sum);
    DURABILITY_TRY_ASSIGN(const std::uint32_t rest, window->checksum_from(scan_.offset));
    store_le(fixed, 0, std::uint64_t{rest});
    store_le(fixed, 8, window->size());
    return crc32(fixed, sum);
  }

  Directory& directory_;
  const ScanOptions& options_;
  EntrySink sink_;
  Scan scan_;
  std::vector<SegmentId> ids_;
  std::optional<Current> current_;
};

}  // namespace

Error Scan::error(Mode mode) const {
  Error error(verdict(mode).code, fmt::format("{} (entry {} is due here)", describe(finding), missing));
  error.in_file(segment.value() == 0 ? std::string(kWalDirectory) : segment_path(segment));
  return error.at_offset(offset).advise(std::string(advice_for(finding)));
}

Result<Scan> scan_log(Directory& directory, const ScanOptions& options, const EntrySink& sink) {
  return Scanner(directory, options, sink).run();
}

}  // namespace durability::walog
