#include "durability/walog/write/segment_file.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace durability::walog {
namespace {

// Zeros are written in pieces, so that a close does not wait for the rest of a large spare.
constexpr std::uint64_t kPieceBytes = std::uint64_t{1} << 20U;

bool given_up(const SegmentPlan& plan) noexcept { return plan.give_up != nullptr && *plan.give_up; }

Error given_up_error(const SegmentPlan& plan) {
  return Error(ErrorCode::kCancelled, "the preparation of the next segment was given up")
      .in_file(segment_path(plan.id))
      .advise("its temporary file was removed");
}

Status fill_with_zeros(File& file, const SegmentPlan& plan, std::uint64_t begin) {
  for (std::uint64_t done = begin; done < plan.bytes;) {
    if (given_up(plan)) return given_up_error(plan);
    const std::uint64_t piece = std::min(kPieceBytes, plan.bytes - done);
    DURABILITY_TRY(plan.written_zeros ? file.preallocate(done, piece) : file.reserve(done, piece));
    done += piece;
  }
  return {};
}

Status fill_new(File& file, const SegmentPlan& plan) {
  if (!plan.contents.empty()) DURABILITY_TRY(file.write_at(0, plan.contents));
  return fill_with_zeros(file, plan, plan.contents.size());
}

Status fill_recycled(File& file, const SegmentPlan& plan) {
  DURABILITY_TRY_ASSIGN(const std::uint64_t size, file.size());
  if (size > plan.bytes) DURABILITY_TRY(file.truncate(plan.bytes));
  return fill_with_zeros(file, plan, 0);
}

tl::unexpected<BuildFailure> abandon(Directory& directory, const SegmentPlan& plan,
                                     std::string_view temporary, Error error, bool before_sync) {
  discard_temporary(directory, temporary);
  const bool passes = before_sync && (is_shortage(error) || given_up(plan));
  return tl::unexpected(BuildFailure{.error = std::move(error), .poisons = !passes});
}

// A failed sync poisons, also where there is no memory left for its error.
template <class Sync>
Status sync_watched(const SegmentPlan& plan, Sync sync) {
  return plan.latch == nullptr ? sync() : plan.latch->watch(sync);
}

template <class Fill>
Built<PreparedSegment> prepare(Directory& directory, const SegmentPlan& plan, std::string temporary,
                               Result<std::unique_ptr<File>> opened, Fill fill) {
  if (!opened) {
    const bool passes = is_shortage(opened.error());
    return tl::unexpected(BuildFailure{.error = std::move(opened).error(), .poisons = !passes});
  }
  std::shared_ptr<File> file = *std::move(opened);
  if (auto filled = fill(*file, plan); !filled) {
    file.reset();
    return abandon(directory, plan, temporary, std::move(filled).error(), true);
  }
  if (directory.capabilities().stable_storage) {
    if (auto synced = sync_watched(plan, [&] { return file->sync_data(); }); !synced) {
      file.reset();
      return abandon(directory, plan, temporary, std::move(synced).error(), false);
    }
  }
  if (given_up(plan)) return abandon(directory, plan, temporary, given_up_error(plan), true);
  return PreparedSegment{.plan = plan, .file = std::move(file), .temporary = std::move(temporary)};
}

}  // namespace

bool is_lack_of_space(const Error& error) noexcept {
  return error.code() == ErrorCode::kIo && (error.os_error() == ENOSPC || error.os_error() == EDQUOT);
}

bool is_shortage(const Error& error) noexcept {
  const int reason = error.code() == ErrorCode::kIo ? error.os_error() : 0;
  return is_lack_of_space(error) || reason == EMFILE || reason == ENFILE || reason == ENOMEM;
}

void discard_temporary(Directory& directory, std::string_view temporary) {
  const Status removed = directory.remove(temporary);
  static_cast<void>(removed);
}

Built<PreparedSegment> prepare_segment(Directory& directory, const SegmentPlan& plan) {
  std::string temporary = directory.temporary_name(segment_path(plan.id));
  auto opened = directory.create_new(temporary);
  return prepare(directory, plan, std::move(temporary), std::move(opened), fill_new);
}

Built<PreparedSegment> prepare_recycled(Directory& directory, const SegmentPlan& plan,
                                        std::string temporary) {
  auto opened = directory.open(temporary, OpenMode::kReadWrite);
  if (opened) {
    const auto links = (*opened)->links();
    if (!links || *links != 1) {
      opened->reset();
      discard_temporary(directory, temporary);
      return prepare_segment(directory, plan);
    }
  }
  return prepare(directory, plan, std::move(temporary), std::move(opened), fill_recycled);
}

Built<SegmentFile> put_segment_in_place(Directory& directory, PreparedSegment prepared) {
  const SegmentPlan& plan = prepared.plan;
  if (auto renamed = directory.rename(prepared.temporary, segment_path(plan.id)); !renamed) {
    prepared.file.reset();
    return abandon(directory, plan, prepared.temporary, std::move(renamed).error(), true);
  }
  prepared.file->now_called(segment_path(plan.id));
  if (directory.capabilities().stable_storage) {
    auto synced = sync_watched(plan, [&] { return directory.sync_directory(kWalDirectory); });
    if (!synced) return tl::unexpected(BuildFailure{.error = std::move(synced).error()});
  }
  return SegmentFile{.id = plan.id, .file = std::move(prepared.file), .has_space = true};
}

Built<SegmentFile> build_segment(Directory& directory, const SegmentPlan& plan) {
  auto prepared = prepare_segment(directory, plan);
  if (!prepared) return tl::unexpected(std::move(prepared).error());
  return put_segment_in_place(directory, *std::move(prepared));
}

}  // namespace durability::walog
