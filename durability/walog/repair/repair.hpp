#pragma once

// The way out where opening refuses a log: it is cut after its longest sound prefix.
//
//   plan    reads only: where the log would be cut, why, and what that costs
//   apply   does just that, if the log is still what the plan saw
//   undo    puts back every byte, unless the log has gone on since
//
// Nothing is thrown away. What is cut goes to `wal/quarantine/<n>/`, where it is a readable log's files under
// their own names, durable before anything of the log is changed. Order of applying:
//
//   1. copy each file that will be cut or replaced, and sync the copies
//   2. write the record of what will be done (quarantine.hpp), durably, the names of the copies with it
//   3. from the newest segment to the one that is cut: move away what goes (rename, sync both directories);
//      put in place what comes (temporary name, sync, rename, sync the directory). After a version-4 segment
//      the spare comes before the seal, as in writing.
//
// Undoing goes the same way: the newest first, the file that was cut last, so that the log is refused until
// all of it is back. Last of all it syncs `wal/`, and removes the quarantine.
//
// After a crash each file is as it was or as it will be, and the record says both: so a repair that was cut
// off can be undone, or planned again from what is there. No step changes a byte of a file in place.
//
// Entries after damage are never kept in the log, sound or not: a log has no holes. Where the log opens as
// it is, because the damage lies in a sealed segment, a cut may cost more than it gains: so it is done only
// with consent to just that (WalRepairConsent). The entries are kept, as whole files, in quarantine.
//
// What a device cannot read counts as damage. Its blocks, of 4096 bytes, read as zeros in the copy that goes
// to quarantine, and the file `unreadable` beside it names them.

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "durability/base/error.hpp"
#include "durability/base/ids.hpp"
#include "durability/walog/observer.hpp"
#include "durability/walog/options.hpp"

namespace durability {

/// A file's size and crc32.
struct WalFileImage {
  std::uint64_t bytes = 0;
  std::uint32_t crc = 0;

  bool operator==(const WalFileImage&) const = default;
};

/// What becomes of one segment's file. Without `before` it is made, without `bytes_after` moved away.
struct WalRepairFile {
  SegmentId segment;
  std::optional<WalFileImage> before{};
  std::optional<std::uint64_t> bytes_after{};

  bool operator==(const WalRepairFile&) const = default;
};

/// Bytes of a segment's file that the device cannot read. Zeros stand for them in checksums and copies.
struct WalUnreadable {
  SegmentId segment;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;

  bool operator==(const WalUnreadable&) const = default;
};

/// What the caller of a repair agrees to.
enum class WalRepairConsent : std::uint8_t {
  kToOpen,         ///< to cut what keeps the log from opening
  kThoughItOpens,  ///< to cut a log that opens as it is, with the sound entries after the damage
};

/// What a repair would do. A value: print it, compare it, keep it; only WalMaintenance::repair acts on it,
/// and only while the log is what the plan saw.
struct WalRepairPlan {
  ErrorCode code = ErrorCode::kCorrupt;  ///< what opening, or a whole reading, refuses the log with
  std::string reason;                    ///< likewise, in words
  SegmentId damaged_segment;             ///< where the damage was found
  std::uint64_t damaged_offset = 0;

  SegmentId cut_segment;              ///< the log is cut here, after the last whole entry or batch
  std::uint64_t cut_offset = 0;       ///< 0: nothing of this segment is kept
  WalFormat format = WalFormat::kV4;  ///< of what the repaired log ends in
  EntryId next;                       ///< the id that the repaired log goes on with

  /// The first id that is lost; none where nothing that survives says at which id the log began.
  std::optional<EntryId> first_lost;
  /// The last lost id that is seen in what survives past the cut; there may have been more.
  std::optional<EntryId> last_lost_seen;
  /// The highest lost id that survivors show to have been acknowledged as durable. None: nothing shows it;
  /// in versions 2 and 3 nothing ever does.
  std::optional<EntryId> acknowledged;

  /// The damage lies inside a sealed segment, which opening takes on trust: the log opens, and can be
  /// appended to, as it is. Only reading it as a whole is refused, at the damage; from() reads what
  /// follows.
  bool opens = false;
  /// The entries that stand whole after the damage, segment by segment, as far as they are seen: what a cut
  /// would take out of the log, and move to quarantine.
  std::vector<SegmentRange> sound_after;
  std::vector<WalUnreadable> unreadable;  ///< in the order of the log

  std::vector<WalRepairFile> files;  ///< in numeric order: the cut one and all after it
  std::uint32_t kept_crc = 0;        ///< over ids, sizes and contents of the segments before those

  bool operator==(const WalRepairPlan&) const = default;
  /// For people: several lines.
  [[nodiscard]] std::string to_string() const;
  /// Of sound_after.
  [[nodiscard]] std::uint64_t sound_entries_after() const noexcept;
};

std::ostream& operator<<(std::ostream& out, const WalRepairPlan& plan);

}  // namespace durability
