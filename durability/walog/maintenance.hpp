#pragma once

// Looking at a log's segments, and dropping old ones while no writer is open.

#include <optional>
#include <vector>

#include "durability/storage/directory.hpp"
#include "durability/walog/read/segment_listing.hpp"
#include "durability/walog/read/verdict.hpp"
#include "durability/walog/repair/repair.hpp"
#include "durability/walog/write/byte_writer.hpp"

namespace durability {

enum class SegmentState : std::uint8_t {
  kSealed,   ///< complete; another one follows
  kActive,   ///< the one that is appended to
  kSpare,    ///< zeros: the next segment's file, prepared
  kTorn,     ///< ends in an unacknowledged tail that opening will cut off
  kDamaged,  ///< what is wrong is in WalInspection::error; later segments are not judged
  kMissing,  ///< its file is not there, and later ones are
  kUnread,   ///< after a damaged or missing one
};

/// A segment file as it stands.
struct SegmentStatus {
  SegmentId id;
  WalFormat format = WalFormat::kV4;
  SegmentState state = SegmentState::kSpare;
  EntryId first{};            ///< of sealed, active and torn ones
  std::uint64_t entries = 0;  ///< likewise
  std::uint64_t file_bytes = 0;
  std::uint64_t padding_bytes = 0;  ///< after the last whole frame
  std::uint64_t created_at = 0;     ///< nanoseconds since the Unix epoch; 0 where unknown
  /// Every frame was read and checked. Of a sealed segment it is usually false: then the header, the seal,
  /// and the next segment's header were found to fit, and what lies between was not looked at.
  bool read_whole = false;
};

struct WalInspection {
  std::vector<SegmentStatus> segments;
  std::optional<Error> error;  ///< a torn tail or damage
};

class WalMaintenance {
 public:
  /// `options` are those of a writer: truncation opens the log as one does (observer, clock, …).
  explicit WalMaintenance(std::shared_ptr<Directory> directory, WalOptions options = {})
      : directory_(std::move(directory)), options_(std::move(options)) {}

  /// `not_found` where there is no log: no segments in `wal/`. Reading and listing take that for an empty
  /// log, as opening one for the first time must; a caller that expects a log asks this first. Where
  /// the directory is a log's own `wal/`, the advice says so.
  Status check_there_is_one() const;

  /// Every segment with its state, damaged or not. Takes no lock; sealed segments are not read whole.
  Result<WalInspection> inspect() const;

  /// The segments and the entries in them, spares left out. Takes no lock; sealed segments are not read
  /// whole. Damage is an error, a torn tail is not.
  Result<std::vector<SegmentRange>> segment_ranges() const;

  /// The same, but every segment is read whole, and a torn tail is an error too.
  Result<std::vector<SegmentRange>> segment_ranges_strict() const;

  /// Takes the lock (`lock_failed` beside a live writer, which truncates by itself), does everything that
  /// opening does, repairs included, and deletes what `upto` covers as WalWriter::truncate_prefix does.
  Result<WalTruncation> truncate_prefix(DurableId upto) const;

  // Repair, of a log that opening refuses: repair.hpp says how.

  /// What it would take for the log to read soundly; none where it does. Reads the whole log, takes no lock,
  /// writes nothing. Where the plan says that the log opens as it is, nothing needs to be done. What the
  /// device cannot read is planned around. `invalid_state` where the log's beginning is damaged and nothing
  /// that survives says at which entry it began: then WalOptions::first_entry_id must say where it goes on.
  /// `invalid_config`: an option that makes no sense.
  Result<std::optional<WalRepairPlan>> repair_plan() const;

  /// Takes the lock, and does what the plan says if the log still is what the plan was made from
  /// (`invalid_state` otherwise, and nothing is changed). Afterwards the log opens and strict reading finds
  /// nothing; that survives a power loss. Yields the directory in which the cut bytes are. A log that opens
  /// as it is loses sound entries: `invalid_state` without consent to that.
  Result<std::string> repair(const WalRepairPlan& plan,
                             WalRepairConsent consent = WalRepairConsent::kToOpen) const;

  /// Takes the lock, and puts back exactly the bytes that the last repair (one that was cut off by a crash
  /// too) took out. `invalid_state` where the log has gone on since, `not_found` where there is none to undo.
  Result<std::string> undo_repair() const;

 private:
  std::shared_ptr<Directory> directory_;
  WalOptions options_;
};

}  // namespace durability
