#pragma once

#include <vector>

#include "durability/base/ids.hpp"
#include "durability/storage/directory.hpp"

namespace durability::walog {

/// Makes durable what a killed process left in the cache, through new handles, and then forgets the cache:
/// what is read next is what the device holds. Of the segments `ids`, in order, the last two that are not all
/// zeros, and the names. For whoever holds the lock, on stable storage.
Status settle(Directory& directory, const std::vector<SegmentId>& ids);

}  // namespace durability::walog
