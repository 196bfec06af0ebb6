#include "durability/walog/segment_file.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace durability::walog {
namespace {

// Zeros are written in pieces, so that a close does not wait for the rest of a large spare.
constexpr std::uint64_t kPieceBytes = std::uint64_t{1} << 20U;

class Builder {
 public:
  Builder(Directory& directory, SegmentId id, const std::atomic<bool>& give_up)
      : directory_(directory), id_(id), path_(segment_path(id)), give_up_(give_up) {}

  tl::expected<SegmentFile, BuildFailure> build(ByteView contents, std::uint64_t bytes) {
    temporary_ = directory_.temporary_name(path_);
    if (auto filled = fill(contents, bytes); !filled) {
      return abandon(std::move(filled).error(), true);
    }
    if (auto synced = sync_file(); !synced) return abandon(std::move(synced).error(), false);
    if (give_up_) return abandon(given_up(), true);
    if (auto renamed = directory_.rename(temporary_, path_); !renamed) {
      return abandon(std::move(renamed).error(), true);
    }
    if (auto synced = sync_name(); !synced) {
      return tl::unexpected(BuildFailure{.error = std::move(synced).error()});
    }
    return SegmentFile{.id = id_, .file = std::move(file_)};
  }

 private:
  [[nodiscard]] bool stable() const noexcept { return directory_.capabilities().stable_storage; }

  [[nodiscard]] Error given_up() const {
    return Error(ErrorCode::kInvalidState, "the preparation of the next segment was given up")
        .in_file(path_)
        .advise("its temporary file was removed");
  }

  Status fill(ByteView contents, std::uint64_t bytes) {
    DURABILITY_TRY_ASSIGN(file_, directory_.create_new(temporary_));
    if (!contents.empty()) DURABILITY_TRY(file_->write_at(0, contents));
    for (std::uint64_t done = contents.size(); done < bytes;) {
      if (give_up_) return given_up();
      const std::uint64_t piece = std::min(kPieceBytes, bytes - done);
      DURABILITY_TRY(file_->preallocate(done, piece));
      done += piece;
    }
    return {};
  }

  Status sync_file() { return stable() ? file_->sync_data() : Status{}; }
  Status sync_name() { return stable() ? directory_.sync_directory(kWalDirectory) : Status{}; }

  tl::expected<SegmentFile, BuildFailure> abandon(Error error, bool before_sync) {
    if (file_) {
      file_.reset();
      // What cannot be removed now is removed when the log is opened next: its name says what it is.
      const Status removed = directory_.remove(temporary_);
      static_cast<void>(removed);
    }
    const bool passes = before_sync && (is_lack_of_space(error) || give_up_);
    return tl::unexpected(BuildFailure{.error = std::move(error), .poisons = !passes});
  }

  Directory& directory_;
  SegmentId id_;
  std::string path_;
  std::string temporary_;
  std::shared_ptr<File> file_;
  const std::atomic<bool>& give_up_;
};

}  // namespace

bool is_lack_of_space(const Error& error) noexcept {
  return error.code() == ErrorCode::kIo && (error.os_error() == ENOSPC || error.os_error() == EDQUOT);
}

tl::expected<SegmentFile, BuildFailure> build_segment(Directory& directory, SegmentId id, ByteView contents,
                                                      std::uint64_t bytes, const std::atomic<bool>& give_up) {
  return Builder(directory, id, give_up).build(contents, bytes);
}

}  // namespace durability::walog
