#include "durability/recordlog/opening.hpp"

#include <cerrno>
#include <filesystem>

#include "durability/recordlog/tail_search.hpp"
#include "durability/recordlog/walk.hpp"
#include "durability/storage/file_copy.hpp"
#include "durability/storage/temporaries.hpp"

namespace durability::recordlog {
namespace {

Result<Flow> ignore_record(const RecordLogView& /*record*/) { return Flow::kContinue; }

class RecordLogOpening {
 public:
  RecordLogOpening(Directory& directory, const std::string& path, const RecordLogOptions& options)
      : directory_(directory),
        path_(path),
        parent_(std::filesystem::path(path).parent_path().string()),
        options_(options) {}

  Result<OpenedLog> run(OpenIntent intent) {
    DURABILITY_TRY(
        directory_.exists(path_));  // a path that makes no sense is refused before the lock is made
    DURABILITY_TRY_ASSIGN(log_.lock, directory_.lock(path_ + ".lock"));
    DURABILITY_TRY_ASSIGN(const bool there, directory_.exists(path_));
    if (there && intent == OpenIntent::kCreate) {
      return Error(ErrorCode::kInvalidState, "a file exists here already")
          .in_file(path_)
          .advise("nothing was changed; open it, or choose another path");
    }
    DURABILITY_TRY(remove_temporaries());
    if (there) {
      DURABILITY_TRY(sync_leftovers());
      DURABILITY_TRY(go_on());
    } else {
      DURABILITY_TRY(start(options_.format));
    }
    return std::move(log_);
  }

 private:
  [[nodiscard]] bool stable() const noexcept { return directory_.capabilities().stable_storage; }

  Status remove_temporaries() {
    const std::string own = std::filesystem::path(path_).filename().string();
    return remove_temporaries_of(directory_, parent_, [&](std::string_view target) { return target == own; });
  }

  Status open_file() {
    DURABILITY_TRY_ASSIGN(log_.file, directory_.open(path_, OpenMode::kReadWrite));
    return {};
  }

  // Each directory on the way, too: whoever made them may have been killed before they were durable.
  Status sync_ancestors() { return parent_.empty() ? Status{} : directory_.create_directories(parent_); }

  Status sync_leftovers() {
    DURABILITY_TRY(open_file());
    if (!stable()) return {};
    DURABILITY_TRY(log_.file->sync_data());
    DURABILITY_TRY(directory_.sync_directory(parent_));
    DURABILITY_TRY(sync_ancestors());
    return log_.file->drop_cached_pages();
  }

  Status start(RecordLogFormat format) {
    const auto header = encode_header(format);
    if (stable()) {
      DURABILITY_TRY(directory_.write_durable(path_, header));
      DURABILITY_TRY(sync_ancestors());
    } else {
      DURABILITY_TRY(directory_.atomic_write(path_, header));
    }
    log_.format = format;
    log_.end = kHeaderBytes;
    log_.report.created = true;
    return open_file();
  }

  Status go_on() {
    DURABILITY_TRY_ASSIGN(const std::uint64_t size, log_.file->size());
    FileWindow window(log_.file, size);
    DURABILITY_TRY_ASSIGN(WalkEnd end, walk(window, ignore_record));
    const Verdict verdict = judge(end.finding, Mode::kReopen);
    if (verdict.action == Action::kStart) return start_over(window, end);
    if (verdict.action == Action::kCutTail) DURABILITY_TRY(cut_tail(window, end));
    if (verdict.action == Action::kGoOn && end.records > 0) DURABILITY_TRY(write_anew(end.offset));
    if (verdict.action == Action::kRefuse) return end.error(verdict.code, path_);
    log_.format = *end.format;
    log_.end = end.offset;
    log_.report.records = end.records;
    return {};
  }

  // The header is cut short; what there is of it says which version it was to be.
  Status start_over(FileWindow& window, WalkEnd& end) {
    DURABILITY_TRY_ASSIGN(const ByteView front, window.view(0, kHeaderBytes));
    const auto format = header_begun(front, options_.format);
    if (!format) {
      end.finding = Finding::kBadMagic;
      return end.error(judge(end.finding, Mode::kReopen).code, path_);
    }
    log_.file.reset();
    return start(*format);
  }

  Status cut_tail(FileWindow& window, WalkEnd& end) {
    DURABILITY_TRY_ASSIGN(const TailSearch search, search_past(window, end.offset, *end.format));
    if (search.found || search.given_up) {
      end.finding = search.found ? Finding::kRecordsAfter : Finding::kSearchGivenUp;
      return end.error(judge(end.finding, Mode::kReopen).code, path_);
    }
    DURABILITY_TRY_ASSIGN(const bool anew, write_anew(end.offset));
    if (!anew) {
      DURABILITY_TRY(log_.file->truncate(end.offset));
      if (stable()) DURABILITY_TRY(log_.file->sync_data());
    }
    log_.report.repaired = true;
    log_.report.offset = end.offset;
    log_.report.bytes_cut = end.file_bytes - end.offset;
    return {};
  }

  // Nothing in the file says of a record that it was ever on the device: it may stand in a cache only, with a
  // sync that failed after it, and no later sync need write it. So all of it is copied to a new file that
  // takes the name, where that is bounded work. False where it is not, or for lack of space: then it was
  // synced.
  Result<bool> write_anew(std::uint64_t end) {
    if (!stable() || end > kMostBytesAnew) return false;
    const Status replaced = replace_by_copy(directory_, path_, {.keep_to = end});
    if (!replaced) {
      const int reason = replaced.error().os_error();
      if (reason != ENOSPC && reason != EDQUOT) return replaced.error();
      return false;
    }
    DURABILITY_TRY(open_file());
    return true;
  }

  Directory& directory_;
  const std::string& path_;
  const std::string parent_;
  const RecordLogOptions& options_;
  OpenedLog log_;
};

}  // namespace

Result<OpenedLog> open_log(Directory& directory, const std::string& path, const RecordLogOptions& options,
                           OpenIntent intent) {
  return RecordLogOpening(directory, path, options).run(intent);
}

}  // namespace durability::recordlog
