#include "durability/walog/resume.hpp"

#include <atomic>
#include <utility>

#include "durability/walog/segment_name.hpp"

namespace durability::walog {
namespace {

constexpr int kSegmentsToSettle = 2;

Result<Flow> ignore_entry(const WalEntryView& /*entry*/) { return Flow::kContinue; }

class Opening {
 public:
  Opening(Directory& directory, const WalOptions& options) : directory_(directory), options_(options) {}

  Result<OpenedLog> run(OpenIntent intent) {
    DURABILITY_TRY_ASSIGN(log_.lock, directory_.lock(kLockPath));
    DURABILITY_TRY_ASSIGN(const auto ids, list_segments(directory_));
    if (intent == OpenIntent::kCreate && !ids.empty()) {
      return Error(ErrorCode::kInvalidState, "a log exists here already")
          .in_file(kWalDirectory)
          .advise("nothing was changed; open it, or choose another directory");
    }
    if (intent == OpenIntent::kResume && ids.empty()) {
      return Error(ErrorCode::kNotFound, "there is no log to resume")
          .in_file(kWalDirectory)
          .advise("nothing was changed; open or create one");
    }
    DURABILITY_TRY(remove_temporaries(directory_));
    if (stable()) DURABILITY_TRY(settle(ids));
    log_.durable_known = stable();
    DURABILITY_TRY_ASSIGN(
        scan_, scan_log(directory_, {.mode = Mode::kResume, .trust_seals = true, .live_writer = false},
                        ignore_entry));
    DURABILITY_TRY(act());
    log_.report.next = log_.state.due;
    return std::move(log_);
  }

 private:
  [[nodiscard]] bool stable() const noexcept { return directory_.capabilities().stable_storage; }

  // Makes durable what a killed process left in the cache, through new handles, and then forgets the cache:
  // what is read next is what the device holds.
  Status settle(const std::vector<SegmentId>& ids) {
    int settled = 0;
    for (auto id = ids.rbegin(); id != ids.rend() && settled < kSegmentsToSettle; ++id) {
      DURABILITY_TRY_ASSIGN(std::shared_ptr<File> file,
                            directory_.open(segment_path(*id), OpenMode::kReadWrite));
      DURABILITY_TRY_ASSIGN(const std::uint64_t size, file->size());
      DURABILITY_TRY_ASSIGN(const bool zeros, FileWindow(file, size).zeros_from(0));
      if (!zeros) {
        DURABILITY_TRY(file->sync_data());
        ++settled;
      }
      DURABILITY_TRY(file->drop_cached_pages());
    }
    DURABILITY_TRY(directory_.sync_directory(kWalDirectory));
    // The name `wal` itself: whoever made it may have been killed before its parent was synced.
    return directory_.sync_directory("");
  }

  Status act() {
    const Verdict verdict = scan_.verdict(Mode::kResume);
    switch (verdict.action) {
      case Action::kStartLog: return start_log();
      case Action::kStartOver: return start_over();
      case Action::kContinueHere: return continue_here();
      case Action::kContinueInNext: return continue_in_next();
      case Action::kSealAtCut: return seal_at_cut();
      case Action::kAccept:
      case Action::kRefuse: break;
    }
    return scan_.error(Mode::kResume);
  }

  v4::SegmentHeader new_header(SegmentId id, EntryId start, const v4::LogId& log_id) const {
    const auto now = options_.clock->since_unix_epoch().count();
    return {
        .log_id = log_id, .segment_id = id, .start = start, .created_at = static_cast<std::uint64_t>(now)};
  }

  Status start_log() {
    log_.report.created = true;
    v4::LogId log_id{};
    store_le(log_id, 0, options_.random->next_u64());
    store_le(log_id, 8, options_.random->next_u64());
    // A log that does not begin at entry 1 has no segment number 1.
    const EntryId start = options_.first_entry_id;
    log_.header = new_header(SegmentId(start.value() == 1 ? 1 : 2), start, log_id);
    const auto bytes = v4::encode_header(log_.header);
    DURABILITY_TRY_ASSIGN(auto built, build(log_.header.segment_id, bytes));
    log_.file = std::move(built.file);
    log_.header_written = true;
    log_.state.due = start;
    return {};
  }

  Status start_over() {
    if (options_.first_entry_id.value() != 1) {
      const std::string first = segment_path(SegmentId(1));
      DURABILITY_TRY(stable() ? directory_.remove_durable(first) : directory_.remove(first));
    }
    return start_log();
  }

  Result<SegmentFile> build(SegmentId id, ByteView contents) {
    static const std::atomic<bool> kNever{false};
    auto built = build_segment(directory_, id, contents, options_.preallocation(), kNever);
    if (!built) return std::move(built).error().error;
    return *std::move(built);
  }

  Result<SegmentFile> open_spare(SegmentId id) {
    DURABILITY_TRY_ASSIGN(auto file, directory_.open(segment_path(id), OpenMode::kReadWrite));
    return SegmentFile{.id = id, .file = std::move(file)};
  }

  void list_sealed(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const ScannedSegment& segment = scan_.segments[i];
      log_.sealed.push_back({.segment = segment.header.segment_id,
                             .first = segment.header.start,
                             .entries = segment.next.value() - segment.header.start.value(),
                             .sealed = true});
    }
  }

  Status continue_here() {
    const ScannedSegment& last = scan_.segments.back();
    list_sealed(scan_.segments.size() - 1);
    DURABILITY_TRY_ASSIGN(log_.file,
                          directory_.open(segment_path(last.header.segment_id), OpenMode::kReadWrite));
    log_.header = last.header;
    log_.header_written = true;
    log_.state = scan_.final_state;
    if (!scan_.spares.empty()) {
      DURABILITY_TRY_ASSIGN(log_.spare, open_spare(scan_.spares.front()));
    }
    return {};
  }

  Status continue_in_next() {
    const v4::SegmentHeader& last = scan_.segments.back().header;
    list_sealed(scan_.segments.size());
    const SegmentId id(last.segment_id.value() + 1);
    DURABILITY_TRY_ASSIGN(log_.file, directory_.open(segment_path(id), OpenMode::kReadWrite));
    log_.header = new_header(id, scan_.next, last.log_id);
    log_.state = {.due = scan_.next};
    if (scan_.spares.size() > 1) {
      DURABILITY_TRY_ASSIGN(log_.spare, open_spare(scan_.spares[1]));
    }
    return {};
  }

  Status seal_at_cut() {
    const ScannedSegment& torn = scan_.segments.back();
    if (scan_.spares.empty()) {
      DURABILITY_TRY_ASSIGN(const SegmentId next, torn.header.segment_id.next());
      DURABILITY_TRY_ASSIGN(const auto spare, build(next, {}));
      scan_.spares.push_back(spare.id);
    }
    DURABILITY_TRY_ASSIGN(const auto file,
                          directory_.open(segment_path(torn.header.segment_id), OpenMode::kReadWrite));
    DURABILITY_TRY(write_seal(*file, torn));
    log_.report.repaired = true;
    log_.report.segment = torn.header.segment_id;
    log_.report.offset = torn.end;
    log_.report.bytes_cut = torn.file_bytes > torn.end ? torn.file_bytes - torn.end : 0;
    return continue_in_next();
  }

  Status write_seal(File& file, const ScannedSegment& torn) {
    if (torn.header_lost) {
      const auto header =
          v4::encode_header(new_header(torn.header.segment_id, torn.header.start, torn.header.log_id));
      DURABILITY_TRY(file.write_at(0, ByteView(header)));
    }
    std::uint64_t end = torn.end;
    if (!torn.sealed) {
      const EntryId last(torn.next.value() - 1);
      Bytes seal;
      v4::append_frame(seal,
                       {.id = last,
                        .lag = stable() ? v4::lag_of(last, durable_before_repair(torn)) : v4::kUnknownLag,
                        .kind = v4::FrameKind::kSeal},
                       v4::encode_seal(scan_.final_state.tally),
                       v4::crc_seed(torn.header.log_id, torn.header.segment_id));
      DURABILITY_TRY(file.write_at(end, ByteView(seal)));
      end += seal.size();
    }
    DURABILITY_TRY(file.truncate(end));
    return stable() ? file.sync_data() : Status{};
  }

  // The segment was synced before it was read, so its whole entries are durable already.
  static EntryId durable_before_repair(const ScannedSegment& torn) { return EntryId(torn.next.value() - 1); }

  Directory& directory_;
  const WalOptions& options_;
  OpenedLog log_;
  Scan scan_;
};

}  // namespace

Result<OpenedLog> open_log(Directory& directory, const WalOptions& options, OpenIntent intent) {
  return Opening(directory, options).run(intent);
}

}  // namespace durability::walog
