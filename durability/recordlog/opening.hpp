#pragma once

// Opening a record log for appending: everything between taking the lock and the first append.
//
//   1. take the lock, `<file>.lock`       a second writer is refused
//   2. remove our own temporaries         they are no part of the log
//   3. no file: build it                  header under a temporary name, sync, rename, sync of the directory:
//                                         no crash leaves a log without a whole header
//   4. else sync the file and its name    whoever wrote them may have been killed before it did
//   5. forget cached pages                after a failed sync the cache can show what the disk never got
//   6. read, judge                        all of it
//   7. only now change anything           a torn tail is cut off and the cut synced before anything is
//                                         appended: what was cut off must not come back after new records
//   8. up to 16 MiB: write it anew        not every cache can be forgotten (a file server may have one):
//                                         the file is copied to a new one that takes its name, before it
//                                         counts as durable
//
// The directory that holds the file is synced in 3 or 4, once: appending changes no name.

#include <memory>
#include <string>

#include "durability/recordlog/options.hpp"
#include "durability/storage/directory.hpp"

namespace durability {

/// What opening found and mended; for logs and metrics.
struct RecordLogRecoveryReport {
  bool created = false;      ///< there was no log, or only a part of its header
  bool repaired = false;     ///< a torn tail was cut off
  std::uint64_t offset = 0;  ///< of the cut
  std::uint64_t bytes_cut = 0;
  std::uint64_t records = 0;  ///< in the log
};

namespace recordlog {

enum class OpenIntent : std::uint8_t { kOpenOrCreate, kCreate };

/// A larger file is not copied when it is opened, only synced.
inline constexpr std::uint64_t kMostBytesAnew = std::uint64_t{16} << 20U;

/// A record log that is ready to be appended to.
struct OpenedLog {
  std::unique_ptr<DirectoryLock> lock;
  std::shared_ptr<File> file;
  RecordLogFormat format{};
  std::uint64_t end = 0;  ///< where the next record goes
  RecordLogRecoveryReport report;
};

Result<OpenedLog> open_log(Directory& directory, const std::string& path, const RecordLogOptions& options,
                           OpenIntent intent);

}  // namespace recordlog
}  // namespace durability
