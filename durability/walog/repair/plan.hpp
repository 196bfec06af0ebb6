#pragma once

// Where a log that cannot be read whole would be cut, and what its files would be then.

#include <optional>
#include <vector>

#include "durability/storage/file_copy.hpp"
#include "durability/walog/repair/repair.hpp"

namespace durability::walog {

/// The new contents of a segment's file.
struct NewContents {
  SegmentId segment;
  FileCopy contents{};
};

struct PlannedRepair {
  WalRepairPlan plan;
  std::vector<NewContents> builds;  ///< of the files that are there afterwards
};

/// Reads the whole log, and writes nothing. None where nothing in it is refused. `invalid_state` where
/// nothing that survives says at which entry the log begins, and options.first_entry_id does not say it.
Result<std::optional<PlannedRepair>> plan_repair(Directory& directory, const WalOptions& options);

/// Size and checksum of a file.
Result<WalFileImage> image_of(Directory& directory, const std::string& path);

/// Over ids, sizes and contents of the segments `ids`.
Result<std::uint32_t> fingerprint_of(Directory& directory, const std::vector<SegmentId>& ids);

}  // namespace durability::walog
