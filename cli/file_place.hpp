#pragma once

// Where on this machine a file is, as the library wants it given.

#include <memory>
#include <string>

#include "output.hpp"

namespace durability::cli {

struct FilePlace {
  std::string parent;  ///< as it was given; may be empty
  std::shared_ptr<Directory> directory;
  std::string name;  ///< in that directory

  /// `not_found` where the parent does not exist; nothing is made.
  static Result<FilePlace> open(const std::string& file) { return open(file, FsOptions{.create = false}); }
  /// The same where the file itself does not exist.
  static Result<FilePlace> open_file(const std::string& file) {
    return with_file(open(file), file, "nothing was changed; check the path");
  }
  /// The same, of a log, which the caller may take for an empty one where it does not exist.
  static Result<FilePlace> open_log_file(const std::string& file, bool allow_missing) {
    if (allow_missing) return open(file);
    return with_file(open(file), file, "nothing was made; check the path, or give --allow-empty");
  }
  /// The parent is made where it does not exist.
  static Result<FilePlace> make(const std::string& file) { return open(file, FsOptions{}); }

 private:
  static Result<FilePlace> with_file(Result<FilePlace> place, const std::string& file,
                                     const std::string& advice) {
    if (!place) {
      if (place.error().code() == ErrorCode::kNotFound) place.error().advise(advice);
      return place;
    }
    if (place->name.empty()) return place;
    const auto exists = place->directory->exists(place->name);
    if (!exists) return located(place->parent, exists.error());
    if (*exists) return place;
    return Error(ErrorCode::kNotFound, "there is no such file").in_file(file).advise(advice);
  }
  static Result<FilePlace> open(const std::string& file, FsOptions options) {
    const std::filesystem::path path(file);
    const std::string parent = path.parent_path().string();
    DURABILITY_TRY_ASSIGN(auto directory, FsDirectory::open(parent.empty() ? "." : parent, options));
    FilePlace place;
    place.parent = parent;
    place.directory = std::move(directory);
    place.name = path.filename().string();
    return place;
  }
};

}  // namespace durability::cli
