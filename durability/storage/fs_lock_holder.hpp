#pragma once

#include <optional>
#include <string_view>

#include "durability/storage/fs_descriptors.hpp"

namespace durability::internal {

/// The process that holds the flock of that file, where the system says so: Linux lists locks in /proc/locks,
/// by device and inode, but not those of processes that this one cannot see.
[[nodiscard]] std::optional<long> holder_of_lock(const FileStatus& file, const SystemCalls& calls);

/// What `listing`, in the form of /proc/locks, says of it. Where no line names the file's device (some file
/// systems go by another number there), the only line with its inode will do.
[[nodiscard]] std::optional<long> holder_in_listing(std::string_view listing, const FileStatus& file);

}  // namespace durability::internal
