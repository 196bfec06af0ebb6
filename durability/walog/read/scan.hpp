#pragma once

// Reads a log from its first segment to its end, and says what stands there. Replay, resume, verification
// and listing are all this one pass with other options.
//
// The final segment is the last one that is not all zeros. Everything before it must be whole and sealed;
// in it, the first place where the next frame does not stand whole is the end, torn, or damage (see
// verdict.hpp and docs/formats.md).
//
// Beside a live writer a reading is not of one moment: early parts may be older than late ones. Before
// anything is reported as bad, or as torn, it is therefore read again, by name, until two readings agree.
//
// What is bad is met in the order of the log: everything sound before it has been delivered.

#include <functional>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "durability/storage/directory.hpp"
#include "durability/walog/read/verdict.hpp"
#include "durability/walog/read/walk_v4.hpp"

namespace durability::walog {

struct Scan;

struct ScanOptions {
  Mode mode = Mode::kStrict;
  EntryId from{0};                                           ///< segments that end before it are not read
  EntryId up_to{std::numeric_limits<std::uint64_t>::max()};  ///< nothing after it is read
  bool trust_seals = false;  ///< do not read a sealed segment whose successor confirms its seal
  bool live_writer = true;   ///< a writer may be at work: read again before reporting
  bool read_ahead = false;   ///< what follows is read by a second thread
  /// More than one, and all of the log asked for: so many threads walk segments ahead of the scan. The
  /// entries of those they find whole go to `checked`, not to the sink.
  std::size_t threads = 1;
  RunSink checked{};
  /// For repair only: whether the device failed to read a part of the segment. Such a part counts as damage
  /// then, and is no error `io` (salvaging_directory.hpp).
  std::function<bool(SegmentId)> unreadable{};
  const Scan* earlier = nullptr;  ///< read to its end: goes on there (last_reading.hpp)
  std::size_t buffer_bytes = FileWindow::kDefaultBytes;
};

/// A segment that carries a header, or did.
struct ScannedSegment {
  SegmentHeader header;  ///< of versions 2 and 3: without log_id and time
  WalFormat format = WalFormat::kV4;
  bool header_lost = false;  ///< cut, damaged or left over: derived from the segment before
  bool sealed = false;
  bool read_whole = true;  ///< frame by frame; else its header, and where seals are trusted its seal
  std::uint64_t end = 0;   ///< offset after its last whole frame
  std::uint64_t file_bytes = 0;
  EntryId next{};  ///< id of the entry after its last
};

struct Scan {
  Finding finding = Finding::kNoSegments;
  WalFormat format = WalFormat::kV4;     ///< of the segment where it is
  SegmentId segment;                     ///< where the finding is
  std::uint64_t offset = 0;              ///< likewise
  EntryId missing;                       ///< the id that was due there
  EntryId first{1};                      ///< the first id the log holds or will hold
  EntryId next{1};                       ///< the id after the last whole batch
  std::vector<ScannedSegment> segments;  ///< in order; all but the spares
  std::vector<SegmentId> spares;         ///< segments of zeros at the end
  WalkState final_state;                 ///< of the last of `segments`, after its last whole batch
  std::optional<std::pair<std::uint32_t, std::uint32_t>> crcs;  ///< stored, actual: of a mismatch
  bool stopped = false;  ///< by the sink or the ceiling, before the end was seen

  [[nodiscard]] Verdict verdict(Mode mode) const noexcept { return judge(finding, mode, format); }
  /// The log ends in something that strict reading refuses and best effort leaves out.
  [[nodiscard]] bool torn_tail() const noexcept {
    return verdict(Mode::kStrict).action == Action::kRefuse &&
           verdict(Mode::kBestEffort).action != Action::kRefuse;
  }
  /// The error of a refused finding.
  [[nodiscard]] Error error(Mode mode) const;
};

/// Entries from `options.from` to `options.up_to` go to `sink`, in order, each once. An error of the
/// directory or of the sink comes back as it is; everything about the log's bytes is in Scan::finding.
Result<Scan> scan_log(Directory& directory, const ScanOptions& options, const EntrySink& sink);

}  // namespace durability::walog
