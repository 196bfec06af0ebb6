#include "durability/walog/read/scan.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "durability/walog/format/segment_name.hpp"
#include "durability/walog/read/classify.hpp"
#include "durability/walog/read/finding_fingerprint.hpp"
#include "durability/walog/read/frame_search.hpp"
#include "durability/walog/read/parallel_walk.hpp"
#include "durability/walog/read/segment_listing.hpp"

namespace durability::walog {
namespace {

constexpr int kMaxReadings = 16;

Error missing_range(EntryId first, EntryId end) {
  return Error(ErrorCode::kTruncatedAway,
               fmt::format("entries {} to {} are no longer in the log", first, end.value() - 1))
      .in_file(kWalDirectory)
      .with_values(first.value(), end.value())
      .advise("nothing was changed; they were truncated away, start from a newer checkpoint");
}

/// The segment that is being read, and how far. A second reading goes on from here.
struct Current {
  SegmentId id;
  std::optional<WalFormat> predecessor;
  std::optional<LogId> log_id;      // of the predecessor
  EntryId due{};                    // at the segment's start
  std::optional<WalkState> walk{};  // once its header has been read
};

class Scanner {
 public:
  Scanner(Directory& directory, const ScanOptions& options, const EntrySink& sink)
      : directory_(directory),
        options_(options),
        // Most readings want all of it, and pay for no filter.
        sink_(wants_all(options) ? sink : EntrySink([this, &sink](const WalEntryView& entry) {
          return filtered(entry, sink);
        })) {
    if (options.read_ahead) ahead_.emplace(options.buffer_bytes / 2);
    if (options.earlier != nullptr) go_on_after(*options.earlier);
  }

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
      if (!options_.live_writer) return std::move(scan_);
      // A tear too, where it is tolerated: a group that is just being written looks like one.
      if (scan_.verdict(Mode::kStrict).action != Action::kRefuse) {
        DURABILITY_TRY_ASSIGN(const bool sure, end_is_the_logs());
        if (sure) return std::move(scan_);
        continue;
      }
      DURABILITY_TRY_ASSIGN(const std::uint32_t fingerprint,
                            fingerprint_of_finding(directory_, scan_, options_.buffer_bytes));
      if (last_fingerprint == fingerprint) return std::move(scan_);
      last_fingerprint = fingerprint;
    }
    if (scan_.verdict(options_.mode).action != Action::kRefuse) {
      scan_.finding = Finding::kEnd;  // as far as it was read: no tear was seen twice
      return std::move(scan_);
    }
    return Error(ErrorCode::kBusy, "the log changes faster than it can be read")
        .in_file(kWalDirectory)
        .advise("nothing was changed; read again when the writer is less busy");
  }

 private:
  void go_on_after(const Scan& earlier) {
    scan_ = earlier;
    const ScannedSegment& last = scan_.segments.back();
    current_.emplace();
    current_->id = last.header.segment_id;
    current_->due = last.header.start;
    current_->walk = scan_.final_state;
    if (scan_.segments.size() < 2) return;
    const ScannedSegment& front = *(scan_.segments.end() - 2);
    current_->predecessor = front.format;
    if (front.format == WalFormat::kV4) current_->log_id = front.header.log_id;
  }

  static bool wants_all(const ScanOptions& options) noexcept {
    return options.from.value() == 0 && options.up_to == ScanOptions{}.up_to;
  }

  Result<Flow> filtered(const WalEntryView& entry, const EntrySink& sink) {
    if (entry.id > options_.up_to) return Flow::kStop;
    Flow flow = Flow::kContinue;
    if (entry.id >= options_.from) {
      DURABILITY_TRY_ASSIGN(flow, sink(entry));
    }
    return entry.id == options_.up_to ? Flow::kStop : flow;
  }

  // A segment that was truncated away and recycled while it was open here reads as zeros from some point on,
  // as the log's end does. Its name is taken away first, so where that is there, the end is one.
  Result<bool> end_is_the_logs() const {
    if (scan_.stopped || scan_.segment.value() == 0) return true;
    return directory_.exists(segment_path(scan_.segment));
  }

  Finding found(Finding finding, SegmentId segment, std::uint64_t offset, EntryId missing) {
    scan_.segment = segment;
    scan_.offset = offset;
    scan_.missing = missing;
    return finding;
  }

  // One reading, from where the last one stopped to the end or to something bad.
  Result<Finding> read_on() {
    DURABILITY_TRY_ASSIGN(listing_, list_log(directory_, options_.buffer_bytes));
    scan_.spares = listing_.spares;
    // Nothing has been read yet: the log begins wherever it begins now.
    if (current_ && !current_->walk && !current_->predecessor) current_.reset();
    if (current_ && (listing_.empty() || listing_.oldest() > current_->id)) return lost_to_truncation();
    if (listing_.empty()) return found(Finding::kNoSegments, SegmentId(0), 0, EntryId(1));
    if (listing_.segments.empty()) {
      const SegmentId first = scan_.spares.front();
      const bool fresh = scan_.spares.size() == 1 && first.value() == 1;
      return found(fresh ? Finding::kFirstSegmentEmpty : Finding::kOnlySpares, first, 0, EntryId(1));
    }
    DURABILITY_TRY_ASSIGN(const Finding finding, read_segments());
    if (scan_.stopped) return finding;
    // What was found there may be the log's end, before spares.
    const bool before_failure = scan_.segment.value() + kMaxSpares >= listing_.segments.back().value();
    if (listing_.failure && before_failure) return *listing_.failure;
    if (is_damage(finding)) return finding;
    if (scan_.spares.size() > kMaxSpares) {
      return found(Finding::kTooManySpares, scan_.spares.front(), 0, due());
    }
    if (listing_.gap) return report_gap(*listing_.gap);  // among the spares
    for (const SegmentId spare : scan_.spares) {
      if (is_unreadable(spare)) return found(Finding::kUnreadable, spare, 0, due());
    }
    return finding;
  }

  [[nodiscard]] bool is_unreadable(SegmentId id) const {
    return options_.unreadable && options_.unreadable(id);
  }

  // A tear is none: its advice is to open the log, so opening must accept it.
  [[nodiscard]] bool is_damage(Finding finding) const noexcept {
    const Mode mode = options_.mode == Mode::kStrict ? Mode::kBestEffort : options_.mode;
    return judge(finding, mode, scan_.format).action == Action::kRefuse;
  }

  Result<Finding> read_segments() {
    const auto& ids = listing_.segments;
    if (options_.threads > 1 && ids.size() > 2 && wants_all(options_) && !walks_) {
      walks_.emplace(directory_, std::span(ids).first(ids.size() - 1), options_.threads,
                     options_.buffer_bytes);
    }
    const auto begin = current_ ? std::ranges::lower_bound(ids, current_->id) : ids.begin();
    for (auto id = begin; id != ids.end(); ++id) {
      if (listing_.failure && *id == ids.back()) return *listing_.failure;
      if (current_ && *id > current_->id) return report_gap({.missing = current_->id, .next = *id});
      DURABILITY_TRY_ASSIGN(const auto finding, read_segment(*id, *id == ids.back()));
      if (finding) return *finding;
    }
    return found(Finding::kSegmentGap, current_->id, 0, due());  // the current segment is not listed
  }

  [[nodiscard]] EntryId due() const noexcept {
    if (!current_) return EntryId(1);
    return current_->walk ? current_->walk->due : current_->due;
  }

  // A segment that does not state its version is of the one before it.
  Result<Finding> report_gap(const SegmentGap& gap) {
    DURABILITY_TRY_ASSIGN(auto format, format_of(gap.next));
    const auto& ids = listing_.segments;
    const auto place = std::ranges::lower_bound(ids, gap.next);
    if (!format && place != ids.begin()) {
      DURABILITY_TRY_ASSIGN(format, format_of(*(place - 1)));
    }
    scan_.format = format.value_or(WalFormat::kV4);
    return found(Finding::kSegmentGap, gap.missing, 0, due());
  }

  Result<std::optional<WalFormat>> format_of(SegmentId id) {
    DURABILITY_TRY_ASSIGN(auto window, open_segment(directory_, id, options_.buffer_bytes));
    HeaderBytes front{};
    DURABILITY_TRY_ASSIGN(const ByteView bytes, window.look(0, front));
    return stated_format(bytes);
  }

  Result<Finding> lost_to_truncation() {
    EntryId end(due().value() + 1);
    if (!listing_.segments.empty()) {
      DURABILITY_TRY_ASSIGN(auto window,
                            open_segment(directory_, listing_.segments.front(), options_.buffer_bytes));
      HeaderBytes front{};
      DURABILITY_TRY_ASSIGN(const ByteView bytes, window.look(0, front));
      if (bytes.size() >= v3::kHeaderBytes) end = std::max(end, v3::decode_header(bytes).start);
    }
    return missing_range(due(), end);
  }

  // Nothing where the next segment is to be read.
  Result<std::optional<Finding>> read_segment(SegmentId id, bool final) {
    if (!current_)
      current_ = {.id = id, .predecessor = std::nullopt, .log_id = std::nullopt, .due = EntryId(1)};
    DURABILITY_TRY_ASSIGN(auto window, open_segment(directory_, id, options_.buffer_bytes));
    // Where reading goes on further in, the buffer is for what comes there.
    HeaderBytes front{};
    DURABILITY_TRY_ASSIGN(const ByteView bytes,
                          current_->walk ? window.look(0, front) : window.view(0, v4::kHeaderBytes));
    scan_.format = stated_format(bytes).value_or(current_->predecessor.value_or(WalFormat::kV4));
    const ExpectedHeader expected{.name = id,
                                  .predecessor = current_->predecessor,
                                  .log_id = current_->log_id,
                                  .due = current_->due,
                                  .final = final,
                                  .has_spare = !scan_.spares.empty()};
    DURABILITY_TRY_ASSIGN(const auto checked, check(window, bytes, expected));
    if (const auto* finding = std::get_if<Finding>(&checked)) return found(*finding, id, 0, due());
    const auto& header = std::get<CheckedHeader>(checked);
    scan_.format = header.format;
    DURABILITY_TRY(enter(header));
    ScannedSegment segment{.header = header.header,
                           .format = header.format,
                           .header_lost = header.lost,
                           .file_bytes = window.size()};
    if (due() > options_.up_to) return stop(segment, due());
    if (!final && pass_found_whole(header, segment)) return std::optional<Finding>{};
    if (header.format != WalFormat::kV4) return read_v3(window, header, segment, final);
    return read_v4(window, header, segment, final);
  }

  // The header, and for versions 2 and 3 what only the bytes after it can tell.
  Result<std::variant<CheckedHeader, Finding>> check(FileWindow& window, ByteView bytes,
                                                     const ExpectedHeader& expected) {
    auto checked = check_header(bytes, expected);
    const auto* header = std::get_if<CheckedHeader>(&checked);
    if (header != nullptr && !header->skips_ahead) return checked;
    if (header != nullptr && !expected.final) return Finding::kStartMismatch;
    if (header != nullptr) {
      DURABILITY_TRY_ASSIGN(const Finding finding,
                            classify_skipping_v3(window, header->as_v3(), options_.mode, expected.due));
      return finding;
    }
    // What is too short for a header holds nothing, whatever its bytes are: resuming may replace it.
    const bool holds_nothing = window.size() < v3::kHeaderBytes && stated_format(bytes) != WalFormat::kV4;
    if (options_.mode == Mode::kResume && expected.final && holds_nothing && !expected.log_id) {
      return cut_header(expected);
    }
    if (scan_.format == WalFormat::kV4) return checked;
    DURABILITY_TRY_ASSIGN(const bool zeros, window.zeros_from(0));
    if (expected.final && zeros) return cut_header(expected);
    return checked;
  }

  // The log begins in this segment, or goes on in it.
  Status enter(const CheckedHeader& header) {
    const EntryId start = header.header.start;
    if (!current_->predecessor) {
      if (options_.from.value() > 0 && start > options_.from) return missing_range(options_.from, start);
      scan_.first = start;
      current_->due = start;
    }
    if (!current_->walk) {
      current_->walk = WalkState{.offset = header_bytes(header.format), .due = current_->due};
    }
    return {};
  }

  // Goes past the segment where another thread has read what would be read here, and there is nothing to say.
  bool pass_found_whole(const CheckedHeader& header, const ScannedSegment& segment) {
    const auto whole = walks_ ? walks_->wait_for(header.header.segment_id) : std::nullopt;
    if (!whole || whole->header != header || whole->begin != *current_->walk ||
        whole->file_bytes != segment.file_bytes) {
      return false;
    }
    const std::uint64_t entries = whole->end.due.value() - whole->begin.due.value();
    if (entries > 0) {
      options_.checked(
          {.first = whole->begin.due, .entries = entries, .payload_bytes = whole->payload_bytes});
    }
    current_->walk = whole->end;
    scan_.crcs.reset();
    go_to_next(segment);
    return true;
  }

  Result<std::optional<Finding>> read_v4(FileWindow& window, const CheckedHeader& header,
                                         ScannedSegment& segment, bool final) {
    if (!final) {
      DURABILITY_TRY_ASSIGN(const bool skipped, skip_whole(window, segment));
      if (skipped) return std::optional<Finding>{};
    }
    if (ahead_) window.read_ahead(*ahead_);
    WalkState& walk = *current_->walk;
    DURABILITY_TRY_ASSIGN(const WalkEnd end, walk_segment({window, header.header}, walk, sink_));
    if (end.stop == WalkStop::kSinkStopped) return stop(segment, end.missing);
    DURABILITY_TRY_ASSIGN(const SegmentFinding judged,
                          final ? classify_final(window, header, scan_.spares.size(), walk, end)
                                : classify_before_final(window, walk, end));
    return conclude(segment, judged, final);
  }

  Result<std::optional<Finding>> read_v3(FileWindow& window, const CheckedHeader& header,
                                         ScannedSegment& segment, bool final) {
    if (ahead_) window.read_ahead(*ahead_);
    DURABILITY_TRY_ASSIGN(const WalkEndV3 end,
                          walk_segment_v3(window, header.as_v3(), final, *current_->walk, sink_));
    scan_.crcs = end.crcs;
    if (end.sink_stopped) return stop(segment, due());
    DURABILITY_TRY_ASSIGN(const SegmentFinding judged,
                          classify_v3(window, segment.format, options_.mode, end, final));
    return conclude(segment, judged, final);
  }

  std::optional<Finding> conclude(ScannedSegment& segment, SegmentFinding judged, bool final) {
    segment.sealed = judged.sealed;
    if (is_unreadable(segment.header.segment_id) && !(judged.finding && is_damage(*judged.finding))) {
      judged = {.finding = Finding::kUnreadable, .offset = current_->walk->offset, .missing = due()};
    }
    if (final || judged.finding) record(segment);
    if (judged.finding) {
      return found(*judged.finding, segment.header.segment_id, judged.offset, judged.missing);
    }
    go_to_next(segment);
    return std::nullopt;
  }

  std::optional<Finding> stop(const ScannedSegment& segment, EntryId next) {
    scan_.stopped = true;
    record(segment);
    scan_.next = next;
    return found(Finding::kEnd, segment.header.segment_id, current_->walk->offset, current_->walk->due);
  }

  void record(ScannedSegment segment) {
    segment.end = current_->walk->offset;
    segment.next = current_->walk->due;
    scan_.next = current_->walk->due;
    scan_.final_state = *current_->walk;
    if (!scan_.segments.empty() && scan_.segments.back().header.segment_id == segment.header.segment_id) {
      scan_.segments.pop_back();  // read before, and read again
    }
    scan_.segments.push_back(segment);
  }

  void go_to_next(ScannedSegment segment) {
    segment.sealed = true;
    record(segment);
    const bool v4 = segment.format == WalFormat::kV4;
    current_ = {.id = SegmentId(segment.header.segment_id.value() + 1),
                .predecessor = segment.format,
                .log_id = v4 ? std::optional(segment.header.log_id) : std::nullopt,
                .due = current_->walk->due};
  }

  // Whether a version-4 segment need not be read: the next one's header says where it ends, and either
  // nothing in it is asked for, or its seal says the same, by its last id and by its count of entries.
  Result<bool> skip_whole(FileWindow& window, ScannedSegment& segment) {
    const bool before_range =
        current_->walk->offset == v4::kHeaderBytes && options_.from.value() > segment.header.start.value();
    if (!before_range && !options_.trust_seals) return false;
    const SegmentId next_id(segment.header.segment_id.value() + 1);
    if (!std::ranges::binary_search(listing_.segments, next_id)) return false;
    DURABILITY_TRY_ASSIGN(auto next_window, open_segment(directory_, next_id, options_.buffer_bytes));
    HeaderBytes front{};
    DURABILITY_TRY_ASSIGN(const ByteView bytes, next_window.look(0, front));
    const auto next = v4::read_header(bytes);
    if (next.state != v4::HeaderState::kSound || next.header.segment_id != next_id ||
        next.header.log_id != segment.header.log_id || next.header.start < segment.header.start) {
      return false;
    }
    bool skip = before_range && next.header.start <= options_.from;
    if (!skip && options_.trust_seals) {
      DURABILITY_TRY_ASSIGN(const auto seal, find_seal({window, segment.header}));
      skip = seal && seal->last.value() + 1 == next.header.start.value() &&
             segment.header.start.value() + seal->tally.entries == next.header.start.value();
    }
    if (!skip) return false;
    current_->walk->due = next.header.start;
    current_->walk->offset = window.size();
    segment.read_whole = false;
    go_to_next(segment);
    return true;
  }

  Directory& directory_;
  const ScanOptions& options_;
  EntrySink sink_;
  Scan scan_;
  SegmentListing listing_;
  std::optional<Current> current_;
  std::optional<ReadAhead> ahead_;
  std::optional<ParallelWalk> walks_;
};

}  // namespace

Error Scan::error(Mode mode) const {
  Error error(verdict(mode).code, fmt::format("{} (entry {} is due here)", describe(finding), missing));
  error.in_file(segment.value() == 0 ? std::string(kWalDirectory) : segment_path(segment));
  if (crcs) error.with_values(crcs->first, crcs->second);
  return error.at_offset(offset).advise(std::string(advice_for(finding)));
}

Result<Scan> scan_log(Directory& directory, const ScanOptions& options, const EntrySink& sink) {
  return Scanner(directory, options, sink).run();
}

}  // namespace durability::walog
