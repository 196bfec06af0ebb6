#pragma once

// What a walk through one segment means for the log: from where it stopped to a Finding.

#include <optional>

#include "durability/walog/read/header_check.hpp"
#include "durability/walog/read/walk_v2_v3.hpp"
#include "durability/walog/read/walk_v4.hpp"

namespace durability::walog {

struct SegmentFinding {
  std::optional<Finding> finding{};  ///< none: the segment is whole, go on with the next one
  std::uint64_t offset = 0;
  EntryId missing{};
  bool sealed = false;
};

/// A version-4 segment that is not the final one: it must be sealed, with only zeros after the seal.
Result<SegmentFinding> classify_before_final(FileWindow& window, const WalkState& state, const WalkEnd& end);

/// The final segment of a log, of version 4, with `spares` segments of zeros after it.
Result<SegmentFinding> classify_final(FileWindow& window, const CheckedHeader& header, std::size_t spares,
                                      const WalkState& state, const WalkEnd& end);

/// A segment of version 2 or 3. In mode resume, a tail that would be cut off is searched first.
Result<SegmentFinding> classify_v3(FileWindow& window, WalFormat format, Mode mode, const WalkEndV3& end,
                                   bool final);

/// The final segment of version 2 or 3 where its header starts past the entry that is due: what the loss of
/// the tail before it leaves, as long as it holds no whole frame.
Result<Finding> classify_skipping_v3(FileWindow& window, const v3::SegmentHeader& header, Mode mode,
                                     EntryId due);

}  // namespace durability::walog
