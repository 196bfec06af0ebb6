#pragma once

// What a segment says of itself before its first frame, whatever its version.

#include <array>
#include <cstdint>

#include "durability/base/bytes.hpp"
#include "durability/base/ids.hpp"

namespace durability::walog {

using LogId = std::array<std::byte, 16>;

struct SegmentHeader {
  LogId log_id{};  ///< of version 4; zero in the others
  SegmentId segment_id;
  EntryId start;                 ///< id of the first entry this segment holds or will hold
  std::uint64_t created_at = 0;  ///< nanoseconds since the Unix epoch; of version 4, zero in the others

  bool operator==(const SegmentHeader&) const = default;
};

}  // namespace durability::walog
