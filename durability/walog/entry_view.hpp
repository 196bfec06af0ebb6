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

namespace walog {
/// Called for each entry, in order. An error ends the reading and is handed through.
using EntrySink = std::function<Result<Flow>(const WalEntryView&)>;
}  // namespace walog

}  // namespace durability
