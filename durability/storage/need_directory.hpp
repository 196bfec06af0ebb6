#pragma once

#include <memory>

#include "durability/storage/directory.hpp"

namespace durability::internal {

/// `invalid_config` of a null pointer where a directory is wanted. For the functions that the user calls; of
/// an object whose constructor cannot fail, the first call asks it.
inline Status need_directory(const std::shared_ptr<Directory>& directory) {
  if (directory) return {};
  return Error(ErrorCode::kInvalidConfig, "no directory: the pointer to it is null")
      .advise("nothing was done; give it what FsDirectory::open returned");
}

}  // namespace durability::internal
