#pragma once

// Names of segment files: `wal/wal_<id>.log`, <id> a decimal u64 without sign or leading zero.

#include <optional>
#include <string>
#include <string_view>

#include "durability/base/ids.hpp"

namespace durability::walog {

inline constexpr std::string_view kWalDirectory = "wal";
inline constexpr std::string_view kLockPath = "wal/.lock";

/// Name of a segment's file.
[[nodiscard]] std::string segment_name(SegmentId id);
/// Path of a segment from the directory that holds `wal/`.
[[nodiscard]] std::string segment_path(SegmentId id);

/// The id in a file name (without a path); nothing where it is not a segment's name.
[[nodiscard]] std::optional<SegmentId> parse_segment_name(std::string_view name) noexcept;

}  // namespace durability::walog
