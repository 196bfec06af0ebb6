#include "durability/walog/write/open_log.hpp"

#include <utility>

#include "durability/walog/format/segment_name.hpp"
#include "durability/walog/read/segment_listing.hpp"
#include "durability/walog/write/leftovers.hpp"
#include "durability/walog/write/segment_copy.hpp"
#include "durability/walog/write/segment_writer.hpp"

namespace durability::walog {
namespace {

Result<Flow> ignore_entry(const WalEntryView& /*entry*/) { return Flow::kContinue; }

class LogOpening {
 public:
  LogOpening(Directory& directory, const WalOptions& options) : directory_(directory), options_(options) {}

  Result<OpenedLog> run(OpenIntent intent) {
    if (intent == OpenIntent::kResume) {
      // Before the lock, whose file would be the first to be made here.
      DURABILITY_TRY_ASSIGN(const auto there, list_segments(directory_));
      if (there.empty()) return nothing_to_resume();
    }
    DURABILITY_TRY_ASSIGN(log_.lock, directory_.lock(kLockPath));
    DURABILITY_TRY_ASSIGN(const auto ids, list_segments(directory_));
    if (intent == OpenIntent::kResume && ids.empty()) return nothing_to_resume();
    if (intent == OpenIntent::kCreate && !ids.empty()) {
      return Error(ErrorCode::kInvalidState, "a log exists here already")
          .in_file(kWalDirectory)
          .advise("nothing was changed; open it, or choose another directory");
    }
    DURABILITY_TRY(remove_temporaries(directory_));
    if (stable()) DURABILITY_TRY(sync_leftovers(directory_, ids));
    DURABILITY_TRY_ASSIGN(
        scan_, scan_log(directory_, {.mode = Mode::kResume, .trust_seals = true, .live_writer = false},
                        ignore_entry));
    DURABILITY_TRY(act());
    DURABILITY_TRY(change_format_of_an_empty_segment());
    log_.report.next = log_.state.due;
    return std::move(log_);
  }

 private:
  [[nodiscard]] bool stable() const noexcept { return directory_.capabilities().stable_storage; }

  static Error nothing_to_resume() {
    return Error(ErrorCode::kNotFound, "there is no log to resume")
        .in_file(kWalDirectory)
        .advise("nothing was changed; open or create one");
  }

  Status act() {
    switch (scan_.verdict(Mode::kResume).action) {
      case Action::kStartLog: return start_log();
      case Action::kStartOver: return start_over();
      case Action::kContinueHere: return continue_here();
      case Action::kContinueInNext: return continue_after_seal();
      case Action::kSealAtCut: return seal_at_cut();
      case Action::kCutTail: return cut_tail();
      case Action::kReplaceHeader: return replace_header();
      case Action::kAccept:
      case Action::kRefuse: break;
    }
    return scan_.error(Mode::kResume);
  }

  // A file with another hard link (`cp -al`) is somebody's backup: it stays what it is, and the log goes on
  // in a copy; in place where there is no space for one.
  Result<std::shared_ptr<File>> open_for_writing(SegmentId id) {
    const auto open = [&] { return directory_.open(segment_path(id), OpenMode::kReadWrite); };
    DURABILITY_TRY_ASSIGN(std::shared_ptr<File> file, open());
    DURABILITY_TRY_ASSIGN(const std::uint64_t links, file->links());
    if (links < 2) return file;
    DURABILITY_TRY_ASSIGN(const std::uint64_t size, file->size());
    DURABILITY_TRY_ASSIGN(const bool anew, write_anew(id, {.keep_to = size}));
    if (!anew) return file;
    DURABILITY_TRY_ASSIGN(file, open());
    return file;
  }

  // Makes the active segment's file with its header, or replaces it.
  Status build_active(WalFormat format, const SegmentHeader& header) {
    const Bytes bytes = encode_header(format, header);
    DURABILITY_TRY_ASSIGN(auto built, build(header.segment_id, bytes, options_.preallocation(format)));
    log_.format = format;
    log_.header = header;
    log_.file = std::move(built.file);
    log_.header_written = true;
    log_.state = {.offset = header_bytes(format), .due = header.start};
    return {};
  }

  Result<SegmentFile> build(SegmentId id, ByteView contents, std::uint64_t bytes) {
    auto built = build_segment(directory_, {.id = id, .contents = contents, .bytes = bytes});
    if (!built) return std::move(built).error().error;
    return *std::move(built);
  }

  // Where there is no space for one, an empty file: a full disk's log opens all the same.
  Status build_spare(SegmentId id) {
    auto built = build(id, {}, options_.preallocation());
    if (!built && is_lack_of_space(built.error())) built = build(id, {}, 0);
    if (!built) return std::move(built).error();
    scan_.spares.push_back(id);
    return {};
  }

  // Whether all of the final segment is known to have been on the device once: a frame says so of the entries
  // before it, and so of the header; of a seal, that a second spare was begun. Nothing vouches for the
  // frames of versions 2 and 3. A header alone is durable where it is the first one of a log.
  [[nodiscard]] bool is_vouched_for(const ScannedSegment& last) const noexcept {
    const WalkState& state = scan_.final_state;
    const bool is_first = scan_.segments.size() == 1;
    if (last.format != WalFormat::kV4) return state.offset == header_bytes(last.format);
    if (state.sealed) return scan_.spares.size() == kMaxSpares;
    if (state.due == last.header.start) return is_first;
    return state.vouched.value() + 1 >= state.due.value();
  }

  // What nothing vouches for may stand in a cache only, after a sync of it that failed: no later sync need
  // write it. So it is written anew, with all of its segment, before it counts as durable. False for lack of
  // space, and then it was synced, which is all that can be done.
  Result<bool> write_anew(SegmentId id, const FileCopy& copy) {
    if (!stable()) return false;
    const Status replaced = replace_by_copy(directory_, segment_path(id), copy);
    if (replaced) return true;
    if (is_lack_of_space(replaced.error())) return false;
    return replaced.error();
  }

  // Of version 4: the log_id of the previous segment where that is of version 4 too, else a new one.
  SegmentHeader new_header(SegmentId id, EntryId start) const {
    LogId log_id{};
    if (!log_.old.empty() && log_.old.back().format == WalFormat::kV4) {
      log_id = log_.old.back().log_id;
    } else {
      store_le(log_id, 0, options_.random->next_u64());
      store_le(log_id, 8, options_.random->next_u64());
    }
    const auto now = options_.clock->since_unix_epoch().count();
    return {
        .log_id = log_id, .segment_id = id, .start = start, .created_at = static_cast<std::uint64_t>(now)};
  }

  Status start_log() {
    log_.report.created = true;
    // A log that does not begin at entry 1 has no segment number 1.
    const EntryId start = options_.first_entry_id;
    const SegmentId id(start.value() == 1 ? 1 : 2);
    return build_active(options_.format.value_or(WalFormat::kV4), new_header(id, start));
  }

  Status start_over() {
    if (options_.first_entry_id.value() != 1) {
      const std::string first = segment_path(SegmentId(1));
      DURABILITY_TRY(stable() ? directory_.remove_durable(first) : directory_.remove(first));
    }
    return start_log();
  }

  void list_old(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const ScannedSegment& segment = scan_.segments[i];
      const SegmentRange range{.segment = segment.header.segment_id,
                               .first = segment.header.start,
                               .entries = segment.next.value() - segment.header.start.value(),
                               .sealed = true};
      log_.old.push_back({.range = range, .format = segment.format, .log_id = segment.header.log_id});
    }
  }

  Status continue_here() {
    const ScannedSegment& last = scan_.segments.back();
    if (!is_vouched_for(last)) {
      FileCopy copy = frames_of(last);
      copy.set_aside = last.file_bytes;
      DURABILITY_TRY(write_anew(last.header.segment_id, copy));
    }
    return append_to_last();
  }

  Status append_to_last() {
    const ScannedSegment& last = scan_.segments.back();
    list_old(scan_.segments.size() - 1);
    DURABILITY_TRY_ASSIGN(log_.file, open_for_writing(last.header.segment_id));
    log_.format = last.format;
    log_.header = last.header;
    log_.header_written = true;
    log_.state = scan_.final_state;
    return adopt_spare(0);
  }

  Status continue_after_seal() {
    const ScannedSegment& last = scan_.segments.back();
    if (!is_vouched_for(last)) DURABILITY_TRY(write_anew(last.header.segment_id, frames_of(last)));
    return continue_in_next();
  }

  Status continue_in_next() {
    list_old(scan_.segments.size());
    const SegmentId id(scan_.segments.back().header.segment_id.value() + 1);
    DURABILITY_TRY_ASSIGN(log_.file, open_for_writing(id));
    log_.header = new_header(id, scan_.next);
    log_.state = {.due = scan_.next};
    return adopt_spare(1);
  }

  Status adopt_spare(std::size_t index) {
    if (scan_.spares.size() <= index) return {};
    DURABILITY_TRY_ASSIGN(auto file, open_for_writing(scan_.spares[index]));
    log_.spare = SegmentFile{.id = scan_.spares[index], .file = std::move(file)};
    return {};
  }

  void report_repair(SegmentId segment, std::uint64_t offset, std::uint64_t file_bytes) {
    log_.report.repaired = true;
    log_.report.segment = segment;
    log_.report.offset = offset;
    log_.report.bytes_cut = file_bytes > offset ? file_bytes - offset : 0;
  }

  Status seal_at_cut() {
    const ScannedSegment& torn = scan_.segments.back();
    if (scan_.spares.empty()) {
      DURABILITY_TRY_ASSIGN(const SegmentId next, torn.header.segment_id.next());
      DURABILITY_TRY(build_spare(next));
    }
    DURABILITY_TRY_ASSIGN(const bool anew, is_vouched_for(torn) ? Result<bool>(false) : write_sealed(torn));
    if (!anew) DURABILITY_TRY(write_seal(torn));
    report_repair(torn.header.segment_id, torn.end, torn.file_bytes);
    return continue_in_next();
  }

  // The whole entries are durable when their seal is: they were vouched for, are written with it, or were
  // synced before they were read.
  [[nodiscard]] Bytes seal_of(const ScannedSegment& torn) const {
    if (torn.sealed) return {};
    return encode_seal_frame(torn.header, scan_.final_state, stable() ? 0 : v4::kUnknownLag);
  }

  [[nodiscard]] Bytes header_of(const ScannedSegment& torn) const {
    if (!torn.header_lost) return {};
    const auto now = options_.clock->since_unix_epoch().count();
    SegmentHeader header = torn.header;
    header.created_at = static_cast<std::uint64_t>(now);
    return encode_header(WalFormat::kV4, header);
  }

  Result<bool> write_sealed(const ScannedSegment& torn) {
    return write_anew(torn.header.segment_id, frames_of(torn, header_of(torn), seal_of(torn)));
  }

  // A seal may need a block that is not there: then the spare gives its own back, and an empty one serves.
  // Only writes are made again; a sync that failed, for want of space too, is not.
  Status write_seal(const ScannedSegment& torn) {
    DURABILITY_TRY_ASSIGN(const auto file, open_for_writing(torn.header.segment_id));
    Status written = put_seal(*file, torn);
    if (!written && is_lack_of_space(written.error())) {
      DURABILITY_TRY(empty_the_spares());
      written = put_seal(*file, torn);
    }
    if (!written && is_lack_of_space(written.error())) {
      return std::move(written).error().advise(
          "nothing acknowledged was changed; free one block of the file system (64 KiB is enough for any) "
          "and open the log again: its torn tail gets a seal");
    }
    DURABILITY_TRY(std::move(written));
    return stable() ? file->sync_data() : Status{};
  }

  Status put_seal(File& file, const ScannedSegment& torn) const {
    const Bytes header = header_of(torn);
    const Bytes seal = seal_of(torn);
    if (!header.empty()) DURABILITY_TRY(file.write_at(0, ByteView(header)));
    if (!seal.empty()) DURABILITY_TRY(file.write_at(torn.end, ByteView(seal)));
    return file.truncate(torn.end + seal.size());
  }

  // A file system gives blocks to others only when it is on the disk that they are free.
  Status empty_the_spares() {
    for (const SegmentId id : scan_.spares) {
      DURABILITY_TRY_ASSIGN(const auto spare, open_for_writing(id));
      DURABILITY_TRY(spare->truncate(0));
      if (stable()) DURABILITY_TRY(spare->sync_data());
    }
    return {};
  }

  Status cut_tail() {
    const ScannedSegment& torn = scan_.segments.back();
    DURABILITY_TRY_ASSIGN(const bool anew, write_anew(torn.header.segment_id, frames_of(torn)));
    DURABILITY_TRY(append_to_last());
    if (!anew) {
      DURABILITY_TRY(log_.file->truncate(torn.end));
      if (stable()) DURABILITY_TRY(log_.file->sync_data());
    }
    report_repair(torn.header.segment_id, torn.end, torn.file_bytes);
    return {};
  }

  // The final segment's header is cut short or skips ahead, and it holds no frame: a new file takes its
  // place.
  Status replace_header() {
    if (scan_.segments.empty() && options_.first_entry_id.value() != 1) return start_over();
    std::erase_if(scan_.segments,
                  [&](const ScannedSegment& s) { return s.header.segment_id == scan_.segment; });
    list_old(scan_.segments.size());
    report_repair(scan_.segment, 0, 0);
    const EntryId start = scan_.segments.empty() ? EntryId(1) : scan_.segments.back().next;
    return build_active(scan_.format, new_header(scan_.segment, start));
  }

  // Another version goes on from here, and the active segment holds no frame yet.
  Status change_format_of_an_empty_segment() {
    const WalFormat wanted = options_.format.value_or(log_.format);
    if (wanted == log_.format || log_.state.offset != header_bytes(log_.format)) return {};
    if (log_.spare) {
      const std::string path = segment_path(log_.spare->id);
      log_.spare.reset();
      DURABILITY_TRY(stable() ? directory_.remove_durable(path) : directory_.remove(path));
    }
    return build_active(wanted, new_header(log_.header.segment_id, log_.state.due));
  }

  Directory& directory_;
  const WalOptions& options_;
  OpenedLog log_;
  Scan scan_;
};

}  // namespace

Result<OpenedLog> open_log(Directory& directory, const WalOptions& options, OpenIntent intent) {
  return LogOpening(directory, options).run(intent);
}

}  // namespace durability::walog
