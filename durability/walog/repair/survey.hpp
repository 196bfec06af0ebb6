#pragma once

// What the bytes past a cut still say of the entries that are lost with it.

#include <optional>
#include <vector>

#include "durability/storage/directory.hpp"
#include "durability/walog/observer.hpp"
#include "durability/walog/read/scan.hpp"

namespace durability::walog {

struct Survey {
  std::optional<EntryId> last;          ///< the highest id that is seen
  std::optional<EntryId> acknowledged;  ///< the highest id that is vouched for
  std::vector<SegmentRange> sound;      ///< entries that stand whole, one after the other
  std::optional<WalFormat> format;      ///< the first version that a segment past the cut states
};

/// Looks past the whole frames of the segment in which `scan` stopped, and into the `later` segments. An
/// error of the directory is one; damage is what is expected here.
Result<Survey> survey_lost(Directory& directory, const Scan& scan, const std::vector<SegmentId>& later);

}  // namespace durability::walog
