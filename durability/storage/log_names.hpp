#pragma once

// Where a log lies in its directory, for all who write other files there: none may take a segment's place, or
// the lock's. And how logs are told apart that lie in one directory.

#include <cstdint>
#include <string_view>

#include "durability/base/result.hpp"

namespace durability::internal {

/// All of a log's files are in it.
inline constexpr std::string_view kLogDirectory = "wal";

/// Whether it is the log's directory, or a path in it.
[[nodiscard]] bool is_among_the_logs_files(std::string_view path) noexcept;
/// `invalid_config`, if it is. `what`: that would lie there.
[[nodiscard]] Status check_outside_the_log(std::string_view path, std::string_view what);

/// The identity of a log that is one file of a directory: the upper half says which directory, the lower half
/// which file.
[[nodiscard]] std::uint64_t identity_of_record_log(std::uint64_t directory, std::string_view path) noexcept;
/// Whether an identity is that of the log of this directory, or of a record log in it (but for a collision of
/// 32 bits).
[[nodiscard]] bool is_of_a_log_in(std::uint64_t directory, std::uint64_t log) noexcept;

}  // namespace durability::internal
