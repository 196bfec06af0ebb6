#pragma once

// The search past damage: does a whole record survive anywhere after it? Then the damage is no torn tail.
//
// A record carries nothing but its length and checksum, so in random bytes one place in a hundred looks like
// the head of a record of megabytes, and trying each checksum would be quadratic. Instead one checksum runs
// over the tail, each byte once. At a place that could be a head it follows from that what the running
// checksum will be where the record ends, if it is one (crc32_combine); the place is remembered by its end
// and compared when the end is reached.
//
// Memory: 16 bytes a place that waits for its end, no more than the bytes searched or 64 MiB; where more
// wait, the search is given up. That takes contents that were made for it.

#include "durability/recordlog/format.hpp"
#include "durability/storage/file_window.hpp"

namespace durability::recordlog {

struct TailSearch {
  bool found = false;  ///< a whole record
  bool given_up = false;
  std::uint64_t checksummed = 0;  ///< bytes put through checksums
};

/// Looks at every byte after `damage`. Records without payload do not count in version 1: zeros are such.
Result<TailSearch> search_past(FileWindow& window, std::uint64_t damage, RecordLogFormat format);

}  // namespace durability::recordlog
