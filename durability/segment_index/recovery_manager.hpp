#pragma once

// Recovery of a segment index: recover_with_wal with a CheckpointState and a log of WalEntry, and the search
// for the checkpoint to begin with.
//
// The log says which checkpoint that is: publish_checkpoint() leaves a marker that names it. The newest
// marker whose file is there counts. A marker whose file is gone is passed over, but only where the log still
// begins at entry 1, so that whatever that checkpoint held can be replayed. Otherwise what it covered may
// have been truncated: an older checkpoint would then be the beginning of a state with a gap, and recovery is
// refused (`invalid_state`).
//
// The path in a marker is input, and may be hostile. One that no checkpoint can have counts as a file that is
// gone: that leaves the directory, is too long, leads through a symbolic link or a file, to a directory, a
// device or a file of the log. Nothing outside the directory is ever looked at. Of each checkpoint that is
// named, 28 bytes are read; of the one that is chosen, all, once.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "durability/recover/recover.hpp"
#include "durability/segment_index/state.hpp"

namespace durability {

struct RecoveredState {
  IndexSegments segments;
  EntryId last_entry_id;  ///< the last entry in the state; 0: none
  /// Entries of the log that were applied. 0, and no checkpoint: nothing says that there is an index here.
  std::uint64_t replayed = 0;
  std::optional<std::string> checkpoint;    ///< the state began with this one; none: with nothing
  bool torn_tail = false;                   ///< the log's tail, which no acknowledgement covers, was left out
  std::optional<Error> ignored_checkpoint;  ///< there was a checkpoint, left out because of this
};

/// Recovers the segment index of one directory. Copyable; no state but the directory. Nothing is ever
/// written, synced or locked. Safe beside a live writer; if that publishes meanwhile, the answer may be
/// `truncated_away` or `invalid_state`: recover again. Errors: those of recover_with_wal(). `decode`: the log
/// is not one of WalEntry.
class RecoveryManager {
 public:
  explicit RecoveryManager(std::shared_ptr<Directory> directory) : directory_(std::move(directory)) {}

  /// From the checkpoint at `checkpoint_path`, if one is given and there, and the log after it; else from
  /// the log alone, which must begin at entry 1.
  Result<RecoveredState> recover(std::optional<std::string_view> checkpoint_path = std::nullopt,
                                 const RecoveryOptions& options = RecoveryOptions::strict()) const;
  /// The same, put up with what a crash leaves; a damaged checkpoint is ignored where the log alone is
  /// enough.
  Result<RecoveredState> recover_best_effort(
      std::optional<std::string_view> checkpoint_path = std::nullopt) const {
    return recover(checkpoint_path, RecoveryOptions::best_effort());
  }

  /// From the checkpoint that latest_checkpoint() finds.
  Result<RecoveredState> recover_latest(const RecoveryOptions& options = RecoveryOptions::strict()) const;
  Result<RecoveredState> recover_latest_best_effort() const {
    return recover_latest(RecoveryOptions::best_effort());
  }

  /// Path of the newest checkpoint that the log names and whose file is there; see the top of this file.
  /// None: there is none, and none is needed. With a ceiling, markers after it are not looked at, nor are
  /// checkpoints that hold entries after it. `invalid_state`: one is needed and not there. Reads all of the
  /// log.
  Result<std::optional<std::string>> latest_checkpoint(
      const RecoveryOptions& options = RecoveryOptions::strict()) const;

  /// What to hand to publish_checkpoint().
  [[nodiscard]] static CheckpointState to_checkpoint_state(RecoveredState state) {
    return {.segments = std::move(state.segments)};
  }

 private:
  std::shared_ptr<Directory> directory_;
};

}  // namespace durability
