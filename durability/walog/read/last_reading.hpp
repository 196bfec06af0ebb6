#pragma once

// Where a reader's last reading of a log ended, for a caller that asks again and again what has come since.
//
// To know that a log ends somewhere, all that follows must be read, for only then is it known to be
// zeros: the rest of a segment and the file of the next one, tens of megabytes. Once that is known it stays
// known as long as nothing stands at the one place where a writer would write next: it writes nowhere else
// before. So asking again costs a look at the names, at that place, and at the frame before it, whose
// checksum says that the log is still the one that was read.
//
// What this does not see is damage that arises past that place while nothing is appended; every
// reading from the beginning, verifying and opening see it.

#include <memory>

#include "durability/base/sync.hpp"
#include "durability/storage/directory.hpp"
#include "durability/walog/read/scan.hpp"

namespace durability::walog {

/// Shared by the copies of a reader. Thread-safe. Version 4 only; of other logs nothing is remembered.
class LastReading {
 public:
  /// Keeps `scan` in place of an earlier one if it read to the end of the log and found nothing to object to.
  void remember(const Scan& scan);
  /// What was kept last.
  [[nodiscard]] std::shared_ptr<const Scan> get() const;

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const Scan> scan_ DURABILITY_GUARDED_BY(mutex_);
};

enum class Since : std::uint8_t {
  kNothing,  ///< the log ends where it ended
  kMore,     ///< something has come: it can be read from there on
  kUnknown,  ///< the log is another one, or was cut: it must be read from its front
};

/// What became of the log since `scan`, which is brought up to date where its first segments are gone.
/// Whatever cannot be read or is not as it was is unknown: a whole reading says what it is.
Since look_since(Directory& directory, Scan& scan);

}  // namespace durability::walog
