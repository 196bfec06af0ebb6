#pragma once

// Files by their paths, in a directory and out of one.

#include <map>
#include <memory>
#include <string>

#include "durability/storage/directory.hpp"

namespace durability::golden {

using Files = std::map<std::string, Bytes>;

/// A new directory, with stable storage, that holds them.
std::shared_ptr<Directory> directory_of(const Files& files);
/// What lies in the directory and in its `wal/`, without locks.
Files files_in(Directory& directory);

}  // namespace durability::golden
