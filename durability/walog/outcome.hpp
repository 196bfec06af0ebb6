#pragma once

// What opening a log, and truncating it, did.

#include <cstdint>
#include <vector>

#include "durability/base/ids.hpp"
#include "durability/walog/observer.hpp"

namespace durability {

/// What opening found and mended; for logs and metrics.
struct WalRecoveryReport {
  bool created = false;      ///< there was no log
  bool repaired = false;     ///< a torn tail was cut off, or a lost header written again
  SegmentId segment;         ///< where
  std::uint64_t offset = 0;  ///< of the cut
  std::uint64_t bytes_cut = 0;
  EntryId next{1};  ///< the id of the next entry
};

/// What a truncation did.
struct WalTruncation {
  std::vector<SegmentRange> deleted;
  bool vetoed = false;  ///< an observer kept a segment, and so all later ones
};

}  // namespace durability
