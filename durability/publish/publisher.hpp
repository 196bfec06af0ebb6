#pragma once

// Publishing a checkpoint: from here on recovery starts with it, and the log that it covers may go. The order
// is the protocol, and each step is durable before the next begins:
//
//   0. look       the id is durable in this log, and the log still reaches back to it: else refused
//   1. checkpoint temporary, sync, rename, directory sync
//   2. marker     an entry that names the checkpoint, appended and synced (if one is asked for)
//   3. truncation the covered segments, oldest first, one by one
//
// What a crash leaves, and what recovery makes of it (the same state, or a newer one where entries behind
// the checkpoint's were durable):
//
//   in 1   the old checkpoint and a whole log: recovered from these. Perhaps a temporary that nobody reads.
//   in 2   the new checkpoint, the whole log: what the checkpoint covers is skipped. A marker that reached
//          the disk names a checkpoint that is there.
//   in 3   the new checkpoint, its marker, and a log that has lost its first few segments, never one with a
//          hole, and never beyond the checkpoint's id + 1.
//
// With 3 before 1 a crash in between loses entries for good. With 2 before 1 the log names a checkpoint that
// is not there, or is the one before. With 3 before 2 nothing in a log without its beginning says which
// checkpoint it goes with, and a program that keeps several cannot tell.
//
// An error at any step ends publishing there, in the state that a crash at that step leaves. Publishing again
// is the remedy, if need be with a log that was opened again.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "durability/checkpoint/file.hpp"
#include "durability/walog/byte_writer.hpp"

namespace durability {

struct PublishResult {
  std::string checkpoint;         ///< its path
  EntryId last_applied;           ///< the id it carries
  std::optional<EntryId> marker;  ///< the marker's entry, durable; none was asked for, if none
  WalTruncation truncation;       ///< the segments that are gone
};

namespace publish {

/// Step 0: `invalid_state` where `upto` is not durable in the log, or the log begins behind it;
/// `invalid_config` for a path among the log's own files; `not_supported` without stable storage.
Status check(const Directory& directory, std::string_view path, DurableId upto,
             std::optional<DurableId> durable_in_log, const std::vector<SegmentRange>& log);

}  // namespace publish

/// Publishes checkpoints into one directory, that of the log. Copyable; no state but the directory. Thread
/// safety: that of the writer; one publication at a time.
class CheckpointPublisher {
 public:
  explicit CheckpointPublisher(std::shared_ptr<Directory> directory) : directory_(std::move(directory)) {}

  /// `state` must be what the entries up to and including `upto` make, and no later ones: replay goes on
  /// behind `upto`. `wal` is a WalWriter or a SyncWalWriter on the same directory; others may append to the
  /// latter meanwhile. `make_marker(path, upto)` yields the entry of step 2; replay will meet it among the
  /// others. Survives a power loss once it returns.
  ///
  /// Errors, nothing changed: `not_supported`: no stable storage (nothing is poisoned); `invalid_state`:
  /// `upto` is not durable in this log, or was truncated from it already, or the writer is closed or
  /// poisoned; `invalid_config`: the path; `encode`: the state. Later ones, with what is done staying done:
  /// `io`, `encode` of the marker, all of the writer's.
  template <class Codec = Postcard, class Wal, class State, class MakeMarker>
  Result<PublishResult> publish(Wal& wal, const State& state, DurableId upto, std::string_view path,
                                MakeMarker&& make_marker) const {
    DURABILITY_TRY_ASSIGN(PublishResult result, write_checkpoint<Codec>(wal, state, upto, path));
    DURABILITY_TRY_ASSIGN(result.marker, wal.append(std::invoke(make_marker, path, upto)));
    DURABILITY_TRY(wal.flush_and_sync());
    DURABILITY_TRY_ASSIGN(result.truncation, wal.truncate_prefix(upto));
    return result;
  }

  /// The same without a marker: for programs whose checkpoint is always at the same path.
  template <class Codec = Postcard, class Wal, class State>
  Result<PublishResult> publish(Wal& wal, const State& state, DurableId upto, std::string_view path) const {
    DURABILITY_TRY_ASSIGN(PublishResult result, write_checkpoint<Codec>(wal, state, upto, path));
    DURABILITY_TRY_ASSIGN(result.truncation, wal.truncate_prefix(upto));
    return result;
  }

 private:
  template <class Codec, class Wal, class State>
  Result<PublishResult> write_checkpoint(Wal& wal, const State& state, DurableId upto,
                                         std::string_view path) const {
    DURABILITY_TRY(publish::check(*directory_, path, upto, wal.durable_id(), wal.segment_ranges()));
    // A closed or poisoned writer says so here, before anything is changed.
    DURABILITY_TRY(wal.flush());
    const CheckpointFile checkpoints(directory_);
    DURABILITY_TRY((checkpoints.template write_durable<State, Codec>(path, upto, state)));
    return PublishResult{.checkpoint = std::string(path),
                         .last_applied = upto.entry(),
                         .marker = std::nullopt,
                         .truncation = {}};
  }

  std::shared_ptr<Directory> directory_;
};

}  // namespace durability
