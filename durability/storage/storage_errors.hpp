#pragma once

// The refusals that every Directory words in the same way.

#include <optional>
#include <string_view>

#include "durability/base/result.hpp"

namespace durability::internal {

/// An errno value: `not_found` for ENOENT, `io` with advice for all others. `what` is a verb: "write".
[[nodiscard]] Error system_error(int os_error, std::string_view what, std::string_view path);

/// The same for the sync of a directory.
[[nodiscard]] Error directory_sync_error(int os_error, std::string_view what, std::string_view path);

[[nodiscard]] Error not_found_error(std::string_view path);
/// `invalid_state`: create_new found something.
[[nodiscard]] Error already_exists_error(std::string_view path);
/// `invalid_state`: a directory, a FIFO, a device, … where a file was asked for.
[[nodiscard]] Error not_a_file_error(std::string_view path);
/// `closed`: a call on a file that was closed.
[[nodiscard]] Error closed_error(std::string_view path);
/// `not_supported`: a durable operation without stable storage.
[[nodiscard]] Error no_stable_storage_error(std::string_view path);

// Locks. `where` is the directory on this machine, where it has a place there.

/// `lock_failed`; `holder` is a process, where one is known.
[[nodiscard]] Error lock_held_error(std::string_view path, std::string_view where = {},
                                    std::optional<long> holder = {});
/// `lock_failed`: the lock's name leads elsewhere now.
[[nodiscard]] Error lock_lost_error(std::string_view path, std::string_view where = {});
/// `lock_failed`: this process is a child of the one that holds the lock.
[[nodiscard]] Error lock_of_parent_error(std::string_view path, std::string_view where = {});
/// `io`: flock was refused, not because of another holder.
[[nodiscard]] Error flock_error(int os_error, std::string_view path, std::string_view where);

/// `invalid_config` unless [offset, offset + length) lies within the 2^63 - 1 bytes a file can have.
[[nodiscard]] Status check_range(std::string_view path, std::uint64_t offset, std::uint64_t length);

}  // namespace durability::internal
