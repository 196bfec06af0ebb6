#pragma once

// Which entries of an append have counted, and the acknowledgements that say so.

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "durability/base/ids.hpp"
#include "line_reader.hpp"

namespace durability::cli {

/// Entries that counted.
struct Tally {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;  ///< of their payloads
  std::optional<EntryId> first;
  std::optional<EntryId> last;
};

/// Thread-safe. An acknowledgement is written to standard output before the call that makes its entry
/// count returns: it never lies in a buffer of this process.
class Acknowledgements {
 public:
  /// `acks`: write `<line number> <entry id>` for each entry, when it counts.
  explicit Acknowledgements(bool acks) : acks_(acks) {}

  /// The lines are entries from `first` on; those up to `counted` count, the others wait.
  Status appended(const Lines& lines, EntryId first, EntryId counted);
  /// What waits, up to and including `id`, counts.
  Status count_up_to(EntryId id);

  [[nodiscard]] Tally tally() const;

 private:
  struct Waiting {
    EntryId id;
    std::uint64_t line;
    std::uint64_t bytes;
  };
  Status count(EntryId up_to);

  const bool acks_;
  mutable std::mutex mutex_;  // of all below, and of standard output
  std::vector<Waiting> waiting_;
  EntryId counted_;
  Tally tally_;
  std::string text_;
};

}  // namespace durability::cli
