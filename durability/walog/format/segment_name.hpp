#pragma once

// Names of segment files: `wal/wal_<id>.log`, <id> a decimal u64 without sign or leading zero.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "durability/base/ids.hpp"
#include "durability/storage/directory.hpp"

namespace durability::walog {

inline constexpr std::string_view kWalDirectory = "wal";
inline constexpr std::string_view kLockPath = "wal/.lock";

/// Name of a segment's file.
[[nodiscard]] std::string segment_name(SegmentId id);
/// Path of a segment from the directory that holds `wal/`.
[[nodiscard]] std::string segment_path(SegmentId id);

/// The id in a file name (without a path); nothing where it is not a segment's name.
[[nodiscard]] std::optional<SegmentId> parse_segment_name(std::string_view name) noexcept;

/// The ids of all segments, in numeric order. `wal_0.log` is `format`; everything else that is not a
/// segment's name is ignored. No `wal/`: none.
[[nodiscard]] Result<std::vector<SegmentId>> list_segments(Directory& directory);

/// Removes temporaries that a crashed writer of segments left. For the holder of the lock.
Status remove_temporaries(Directory& directory);

}  // namespace durability::walog
