#pragma once

// Which segment files a log has, and which of them are only prepared.

#include <optional>
#include <vector>

#include "durability/storage/directory.hpp"
#include "durability/storage/file_window.hpp"
#include "durability/walog/options.hpp"

namespace durability::walog {

inline constexpr std::size_t kMaxSpares = 2;

struct SegmentListing {
  std::vector<SegmentId> segments;      ///< in numeric order; the last one is the log's final segment
  std::vector<SegmentId> spares;        ///< of nothing but zeros, behind it; one more than allowed at most
  std::optional<SegmentId> behind_gap;  ///< the first segment whose predecessor is missing

  [[nodiscard]] bool empty() const noexcept { return segments.empty() && spares.empty(); }
  [[nodiscard]] SegmentId oldest() const noexcept {
    return segments.empty() ? spares.front() : segments.front();
  }
};

/// Opens a segment for reading. `not_found` where it is gone.
Result<FileWindow> open_segment(Directory& directory, SegmentId id, std::size_t buffer_bytes);

/// Lists the log. Versions 2 and 3 know no spare: a single segment of zeros behind them is their final one.
Result<SegmentListing> list_log(Directory& directory, std::size_t buffer_bytes);

}  // namespace durability::walog
