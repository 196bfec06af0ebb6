#pragma once

// Opening a log for writing: everything between taking the lock and the first append.
//
//   1. take the lock                     what is decided by a listing is listed under it
//   2. remove our own temporaries        they are no part of the log
//   3. sync the segments and the directory
//                                        a process that was killed left the last ones in the page cache only,
//                                        one that copied the log here all of them
//   4. forget cached pages               after a failed sync the cache can show what the disk never got
//   5. read, judge                       headers and seals; the final segment in full
//   6. only now change anything          by the verdict
//   7. write anew what is unvouched for  not every cache can be forgotten (a file server may have one): what
//                                        no frame says was synced once is copied, with the segment it stands
//                                        in, to a new file that takes the segment's name, before it counts
//                                        as durable
//
// Nothing is ever appended at the cut of a torn tail: the spare is made durable, the segment is sealed there,
// truncated to its seal and synced, and the log goes on in the next one. Otherwise an old frame past the
// cut could come back as the successor of a new one. (Versions 2 and 3 know no seal: there the file is cut
// and appended to, after a search that finds no whole frame past the cut.)

#include <memory>
#include <optional>
#include <vector>

#include "durability/walog/options.hpp"
#include "durability/walog/outcome.hpp"
#include "durability/walog/read/scan.hpp"
#include "durability/walog/write/segment_file.hpp"

namespace durability::walog {

/// A segment that takes no more entries.
struct OldSegment {
  SegmentRange range;
  WalFormat format = WalFormat::kV4;
  LogId log_id{};
};

/// A log that is ready to be appended to.
struct OpenedLog {
  std::unique_ptr<DirectoryLock> lock;
  std::vector<OldSegment> old;  ///< the segments before the active one
  WalFormat format = WalFormat::kV4;
  SegmentHeader header;  ///< of the active segment
  std::shared_ptr<File> file;
  bool header_written = false;
  WalkState state;  ///< of the active segment
  std::optional<SegmentFile> spare;

  WalRecoveryReport report;
};

Result<OpenedLog> open_log(Directory& directory, const WalOptions& options, OpenIntent intent);

}  // namespace durability::walog
