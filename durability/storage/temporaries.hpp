#pragma once

// Temporaries that a crash left.

#include <functional>
#include <string_view>

#include "durability/storage/directory.hpp"

namespace durability {

/// Removes the files in the directory `path` (`""` is the root) whose names temporary_name() makes for a
/// target that `is_target` accepts; it is given the target's name, without directories. Only regular files: a
/// directory of such a name, with whatever is in it, or a link was not made by atomic_write, and stays. For
/// whoever knows that nobody is writing them (holds a lock). After a power loss they may be back: nothing is
/// synced.
Status remove_temporaries_of(Directory& directory, std::string_view path,
                             const std::function<bool(std::string_view)>& is_target);

}  // namespace durability
