#pragma once

// What a reader of the byte layer is shown.

#include <cstdint>
#include <functional>

#include "durability/base/bytes.hpp"
#include "durability/base/ids.hpp"
#include "durability/base/reading.hpp"

namespace durability {

/// One entry where it lies. The payload is a view into the reader's buffer: it lives until the callback
/// that got it returns.
struct WalEntryView {
  EntryId id;
  SegmentId segment;
  std::uint64_t offset = 0;  ///< of the entry's frame in its segment file
  ByteView payload;
};

/// Entries that follow one another.
struct WalEntryRun {
  EntryId first;
  std::uint64_t entries = 1;
  std::uint64_t payload_bytes = 0;
};

namespace walog {
/// Called for each entry, in order. An error ends the reading and is handed through.
using EntrySink = std::function<Result<Flow>(const WalEntryView&)>;
/// Called for each run of entries that were read and checked, in order.
using RunSink = std::function<void(const WalEntryRun&)>;
}  // namespace walog

}  // namespace durability
