#pragma once

// What a process that was killed left of a log it wrote.

#include <vector>

#include "durability/base/ids.hpp"
#include "durability/storage/directory.hpp"

namespace durability::walog {

/// Removes the temporaries of segments. For the holder of the lock.
Status remove_temporaries(Directory& directory);

/// Makes durable, through new handles, whatever a killed process, or somebody who copied the log here, left
/// in the cache: the segments `ids`, in order, and the names. Then forgets the cache of the last ones, which
/// alone can hold what a failed sync kept from the device: what is read next is what the device holds. For
/// the holder of the lock, on stable storage. A sync of each segment: where nothing is to be written, that is
/// one flush of the device.
Status sync_leftovers(Directory& directory, const std::vector<SegmentId>& ids);

}  // namespace durability::walog
