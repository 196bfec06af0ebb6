#pragma once

// Finds the seal at the end of a segment without reading the segment: what makes opening a log independent
// of its length.

#include <optional>

#include "durability/storage/file_window.hpp"
#include "durability/walog/format/v4.hpp"

namespace durability::walog {

struct FoundSeal {
  EntryId last;  ///< id of the segment's last entry
  v4::SealTally tally;
};

/// Looks for a whole seal around the last byte that is not zero; nothing where there is none.
Result<std::optional<FoundSeal>> find_seal(FileWindow& window, const SegmentHeader& header);

}  // namespace durability::walog
