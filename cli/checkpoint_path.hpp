#pragma once

// Where on this machine a checkpoint is, as the library wants to be told.

#include <memory>
#include <string>

#include "durability/checkpoint/file.hpp"
#include "output.hpp"

namespace durability::cli {

struct CheckpointPath {
  std::string parent;  ///< as it was given; may be empty
  std::shared_ptr<Directory> directory;
  std::string name;  ///< in that directory

  /// `not_found` where the parent does not exist; nothing is made.
  static Result<CheckpointPath> open(const std::string& file) {
    const std::filesystem::path path(file);
    const std::string parent = path.parent_path().string();
    DURABILITY_TRY_ASSIGN(auto directory, open_existing(parent.empty() ? "." : parent));
    return CheckpointPath{
        .parent = parent, .directory = std::move(directory), .name = path.filename().string()};
  }
};

}  // namespace durability::cli
