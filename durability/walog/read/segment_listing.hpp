#pragma once

// Which segment files a log has, and which of them are only prepared.

#include <array>
#include <optional>
#include <vector>

#include "durability/storage/directory.hpp"
#include "durability/storage/file_window.hpp"
#include "durability/walog/format/v4.hpp"
#include "durability/walog/options.hpp"

namespace durability::walog {

inline constexpr std::size_t kMaxSpares = 2;

/// A segment that is missing from the sequence, the first one, and the next that is there.
struct SegmentGap {
  SegmentId missing;
  SegmentId next;
};

struct SegmentListing {
  std::vector<SegmentId> segments;  ///< in numeric order; the last one is the log's final segment
  std::vector<SegmentId> spares;    ///< of nothing but zeros, after it; one more than allowed at most
  std::optional<SegmentGap> gap;
  /// Of the last of `segments`, where it could not be read: it may be a spare, and the one before it the
  /// final one.
  std::optional<Error> failure;

  [[nodiscard]] bool empty() const noexcept { return segments.empty() && spares.empty(); }
  [[nodiscard]] SegmentId oldest() const noexcept {
    return segments.empty() ? spares.front() : segments.front();
  }
};

/// The ids of all segments, in numeric order. `wal_0.log` is `format`; everything else that is not a
/// segment's name is ignored. No `wal/`: none.
[[nodiscard]] Result<std::vector<SegmentId>> list_segments(Directory& directory);

/// The first bytes of a segment, as many as its header may have; fewer where the file ends.
using HeaderBytes = std::array<std::byte, v4::kHeaderBytes>;

/// Opens a segment for reading. `not_found` where it is gone.
Result<FileWindow> open_segment(Directory& directory, SegmentId id, std::size_t buffer_bytes);

/// Lists the log. Versions 2 and 3 know no spare: a single segment of zeros after them is their final one.
Result<SegmentListing> list_log(Directory& directory, std::size_t buffer_bytes);

}  // namespace durability::walog
