#include "durability/storage/file_copy.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include "durability/storage/file_window.hpp"

namespace durability {
namespace {

Result<FileWindow> open_window(Directory& directory, std::string_view path) {
  DURABILITY_TRY_ASSIGN(std::shared_ptr<File> file, directory.open(path));
  DURABILITY_TRY_ASSIGN(const std::uint64_t size, file->size());
  return FileWindow(std::move(file), size);
}

std::string name_of_parent(std::string_view path) {
  return std::filesystem::path(path).parent_path().string();
}

}  // namespace

Status for_each_piece(Directory& directory, std::string_view path, const FileCopy& copy,
                      const std::function<Status(ByteView)>& take) {
  DURABILITY_TRY(take(ByteView(copy.head)));
  if (copy.keep_to > copy.keep_from) {
    DURABILITY_TRY_ASSIGN(auto window, open_window(directory, path));
    for (std::uint64_t at = copy.keep_from; at < copy.keep_to;) {
      const std::uint64_t left = copy.keep_to - at;
      DURABILITY_TRY_ASSIGN(const ByteView piece,
                            window.view(at, std::min<std::uint64_t>(left, FileWindow::kDefaultBytes)));
      if (piece.empty()) {
        return Error(ErrorCode::kTruncated, "the file became shorter while it was read")
            .in_file(path)
            .at_offset(at)
            .advise("somebody else is changing it; try again when they are done");
      }
      DURABILITY_TRY(take(piece));
      at += piece.size();
    }
  }
  return take(ByteView(copy.tail));
}

Status write_copy(Directory& directory, std::string_view path, const FileCopy& copy,
                  std::string_view target) {
  DURABILITY_TRY_ASSIGN(const auto file, directory.create_new(target));
  std::uint64_t at = 0;
  const auto write = [&](ByteView piece) -> Status {
    if (!piece.empty()) DURABILITY_TRY(file->write_at(at, piece));
    at += piece.size();
    return {};
  };
  DURABILITY_TRY(for_each_piece(directory, path, copy, write));
  if (copy.set_aside > at) DURABILITY_TRY(file->reserve(at, copy.set_aside - at));
  DURABILITY_TRY(file->sync_data());
  return file->close();
}

Status replace_by_copy(Directory& directory, std::string_view path, const FileCopy& copy) {
  const std::string temporary = directory.temporary_name(path);
  Status done = write_copy(directory, path, copy, temporary);
  if (done) done = directory.rename(temporary, path);
  if (!done) {
    const Status removed = directory.remove(temporary);  // else whoever opens next removes it
    static_cast<void>(removed);
    return done;
  }
  return directory.sync_directory(name_of_parent(path));
}

}  // namespace durability
