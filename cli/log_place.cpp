#include "log_place.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>

#include "durability/storage/memory_directory.hpp"
#include "durability/walog/format/segment_name.hpp"
#include "durability/walog/read/segment_listing.hpp"

namespace durability::cli {
namespace {

/// "DIR/wal/" and "DIR/wal" are the same.
std::filesystem::path without_slash(const std::string& place) {
  const std::filesystem::path path(place);
  return path.has_filename() || !path.has_parent_path() ? path : path.parent_path();
}

std::string parent_of(const std::string& place) {
  const std::filesystem::path path = without_slash(place);
  if (path == "." || path.filename() == "..") return (path / "..").lexically_normal().string();
  const std::string parent = path.parent_path().string();
  return parent.empty() ? "." : parent;
}

Result<std::shared_ptr<Directory>> open_existing(const std::string& directory) {
  return FsDirectory::open(directory, FsOptions{.create = false});
}

bool holds_segments_itself(Directory& directory) {
  const auto names = directory.list("");
  return names && std::ranges::any_of(*names, [](const std::string& name) {
           return walog::parse_segment_name(name).has_value();
         });
}

/// It was made by a log: no log of its own belongs there.
bool is_wal_directory(Directory& directory, const std::string& place) {
  if (holds_segments_itself(directory)) return true;
  return without_slash(place).filename() == walog::kWalDirectory && directory.exists(".lock").value_or(false);
}

/// The wal/ directory of a log that `place` would lie in, whether or not it exists, at any depth.
std::optional<std::string> wal_directory_above(const std::string& place) {
  std::error_code failed;
  std::filesystem::path path = std::filesystem::weakly_canonical(without_slash(place), failed);
  if (failed) return {};  // opening it says why
  while (path.has_relative_path()) {
    path = path.parent_path();
    if (path.filename() != walog::kWalDirectory) continue;
    const auto directory = open_existing(path.string());
    if (directory && is_wal_directory(**directory, path.string())) return path.string();
  }
  return {};
}

std::string where_it_belongs(const std::string& place) {
  const bool named = without_slash(place).filename() == walog::kWalDirectory || place == "." || place == "./";
  return named ? fmt::format("did you mean {}?", escape_for_display(parent_of(place)))
               : "a log's segments lie in a directory wal/ of the one that is given: move them there";
}

Error nested(const std::string& place, const std::string& wal, std::string_view rule) {
  Error error(ErrorCode::kInvalidState,
              place == wal
                  ? fmt::format("this is the wal/ directory of a log: {}", rule)
                  : fmt::format("{} is the wal/ directory of a log: {}", escape_for_display(wal), rule));
  return error.in_file(place).advise(
      "nothing was changed; " + (place == wal ? where_it_belongs(place) : "choose a place outside of it"));
}

Error unfinished_conversion(const std::string& place, ErrorCode code) {
  return Error(code, "no log is here: its conversion was broken off, or is still running")
      .in_file(place)
      .advise(fmt::format("nothing was changed; convert again, or remove {} from it", kUnfinishedConversion));
}

Error no_log(Directory& directory, const std::string& place) {
  if (is_wal_directory(directory, place)) {
    return Error(ErrorCode::kNotFound, "this is the wal/ directory of a log, and no log")
        .in_file(place)
        .advise("nothing was changed; " + where_it_belongs(place));
  }
  if (directory.exists(kUnfinishedConversion).value_or(false)) {
    return unfinished_conversion(place, ErrorCode::kNotFound);
  }
  const bool begun = directory.exists(walog::kWalDirectory).value_or(false);
  return Error(ErrorCode::kNotFound,
               begun ? "no log is here: wal/ holds no segments" : "no log is here: there is no wal/ in it")
      .in_file(place)
      .advise("nothing was changed; check the path, or give --allow-empty");
}

/// What kept us from opening it, with a word to whoever gave the path of a segment.
Error no_directory(const std::string& place, Error error) {
  const auto name = std::filesystem::path(place).filename().string();
  if (error.os_error() == ENOTDIR && walog::parse_segment_name(name)) {
    error.advise("nothing was changed; this is a segment: give the directory that holds its wal/");
  }
  if (error.code() == ErrorCode::kNotFound) {
    error.advise("nothing was made; check the path, or give --allow-empty");
  }
  return error;
}

}  // namespace

Result<std::shared_ptr<Directory>> open_log(const LogOptions& options) {
  auto directory = open_existing(options.place);
  if (!directory && directory.error().code() == ErrorCode::kNotFound && options.allow_empty) {
    return std::shared_ptr<Directory>(MemoryDirectory::make());
  }
  if (!directory) return no_directory(options.place, std::move(directory).error());
  const auto segments = walog::list_segments(**directory);
  if (!segments) return located(options.place, segments.error());
  if (segments->empty() && !options.allow_empty) return no_log(**directory, options.place);
  return directory;
}

Result<std::shared_ptr<Directory>> open_remains(const LogOptions& options) {
  LogOptions whatever_is_there = options;
  auto directory = open_existing(options.place);
  if (directory) {
    const auto begun = (*directory)->exists(walog::kWalDirectory);
    whatever_is_there.allow_empty = options.allow_empty || (begun && *begun);
  }
  return open_log(whatever_is_there);
}

Status refuse_nested_log(const std::string& place) {
  if (const auto directory = open_existing(place)) {
    const auto segments = walog::list_segments(**directory);
    if (segments && !segments->empty()) return {};  // it goes on
    if (is_wal_directory(**directory, place)) return nested(place, place, "no other log is begun in it");
  }
  if (const auto outer = wal_directory_above(place))
    return nested(place, *outer, "no other log is begun in it");
  return {};
}

Status refuse_file_in_log(const std::string& file) {
  const std::string parent = std::filesystem::path(file).parent_path().string();
  const std::string place = parent.empty() ? "." : parent;
  const auto directory = open_existing(place);
  if (directory && is_wal_directory(**directory, place))
    return nested(file, place, "no other file belongs in it");
  if (const auto outer = wal_directory_above(place))
    return nested(file, *outer, "no other file belongs in it");
  return {};
}

Status refuse_unfinished_conversion(const std::string& place) {
  const auto directory = open_existing(place);
  if (!directory || !(*directory)->exists(kUnfinishedConversion).value_or(false)) return {};
  const auto segments = walog::list_segments(**directory);
  if (segments && !segments->empty()) return {};
  return unfinished_conversion(place, ErrorCode::kInvalidState);
}

}  // namespace durability::cli
