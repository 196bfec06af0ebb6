#pragma once

// Rewriting a log in another version of its format, so that another program can read it.

#include <memory>

#include "durability/walog/options.hpp"
#include "durability/walog/read/byte_reader.hpp"

namespace durability {

struct WalConversion {
  EntryId first{1};  ///< the id both logs begin at
  std::uint64_t entries = 0;
  EntryId next{1};         ///< the id both logs go on with
  bool torn_tail = false;  ///< best effort: the old log's unacknowledged tail was left out
};

/// Writes the entries of the log in `from` into a new one in `to`, with the ids they have; `options` are the
/// new log's (its first_entry_id is set here). Durable when it returns, where there is stable storage.
/// Atomic batches are whole when they are copied, but are no batches in the new log.
///
/// The old log is read twice, first only to check it: one that cannot be read to its end in `mode` is
/// refused before anything is written. `invalid_state` where `to` holds a log. After any other error, or a
/// crash, `to` holds the beginning of a log: remove its `wal/` and convert again. The old log is only read;
/// no writer should be adding to it.
Result<WalConversion> convert_log(const std::shared_ptr<Directory>& from,
                                  const std::shared_ptr<Directory>& to, WalOptions options,
                                  ReadMode mode = ReadMode::kStrict);

}  // namespace durability
