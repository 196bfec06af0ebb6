#pragma once

// Publishing a checkpoint: from here on recovery starts with it, and the log that it covers may go. The order
// is the protocol, and each step is durable before the next begins:
//
//   0. turn       the log's own (walog/publication.hpp): it lasts until the end of 3
//      look       the id is durable in this log, nothing newer was published, and the log still reaches back
//                 to it: else refused
//      tidy       temporaries that crashes left beside the checkpoint are removed
//   1. checkpoint temporary, sync; look again; rename, directory sync
//   2. marker     an entry that names the checkpoint, appended and synced (if one is asked for)
//   3. truncation the covered segments, oldest first, one by one
//
// What a crash leaves, and what recovery makes of it (the same state, or a newer one where entries after
// the checkpoint's were durable):
//
//   in 1   the old checkpoint and a whole log: recovered from these. Perhaps a temporary that nobody reads;
//          the next publication to the same path removes it.
//   in 2   the new checkpoint, the whole log: what the checkpoint covers is skipped. A marker that reached
//          the disk names a checkpoint that is there.
//   in 3   the new checkpoint, its marker, and a log that has lost its first few segments, never one with a
//          hole, and never beyond the checkpoint's id + 1.
//
// With 3 before 1 a crash in between loses entries for good. With 2 before 1 the log names a checkpoint that
// is not there, or is the one before. With 3 before 2 nothing in a log without its beginning says which
// checkpoint it goes with, and a program that keeps several cannot know. Without the turn, an older
// publication could replace a newer checkpoint after the log that the older one needs was truncated: the
// entries in between would be lost.
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

#include "durability/base/callable.hpp"
#include "durability/checkpoint/file.hpp"
#include "durability/walog/write/byte_writer.hpp"

namespace durability {

struct PublishResult {
  std::string checkpoint;         ///< its path
  EntryId last_applied;           ///< the id it carries
  std::optional<EntryId> marker;  ///< the marker's entry, durable; none was asked for, if none
  WalTruncation truncation;       ///< the segments that are gone
};

namespace publish {

/// Of step 0, what does not concern the log: `not_supported` without stable storage; `invalid_config` for no
/// directory, and for a path among the log's own files.
Status check_destination(const std::shared_ptr<Directory>& directory, std::string_view path);
/// And `invalid_config` for an id of a log in another directory: recovery there would find no checkpoint.
Status check_destination(const std::shared_ptr<Directory>& directory, std::string_view path, DurableId upto);
[[nodiscard]] Error no_marker_error(std::string_view path);

/// Removes what crashes left of earlier replacements of the checkpoint at `path`. For whoever has the turn.
Status remove_temporaries(Directory& directory, std::string_view path);

/// Step 1, with the tidying before it. `file` is a whole checkpoint that carries `upto`; `may_publish`
/// looks whether the log still allows it.
Status replace_checkpoint(const std::shared_ptr<Directory>& directory, std::string_view path, DurableId upto,
                          ByteView file, const std::function<Status()>& may_publish);

}  // namespace publish

/// Publishes checkpoints into one directory, that of the log. Copyable; no state but the directory. Thread
/// safety: that of the writer. With a SyncWalWriter any number of publishers may publish at any time: one
/// publication runs, the others wait for it; truncate_prefix(), close() and the writer's destructor wait too.
class CheckpointPublisher {
 public:
  explicit CheckpointPublisher(std::shared_ptr<Directory> directory) : directory_(std::move(directory)) {}

  /// `state` must be what the entries up to and including `upto` make, and no later ones: replay goes on
  /// after `upto`. `wal` is a WalWriter or a SyncWalWriter on the same directory; others may append to the
  /// latter meanwhile. `make_marker(path, upto)` yields the entry of step 2, before anything is changed;
  /// replay will meet it among the others. Survives a power loss once it returns.
  ///
  /// Entries are published in their order: an older `upto` than one that this writer published, to whatever
  /// path, is refused, and so is one that is older than the checkpoint that is at `path`. The same one may be
  /// published again. Two who publish at the same time may therefore come in the wrong order: the second is
  /// refused then, and need do nothing.
  ///
  /// Errors, nothing changed: `not_supported`: no stable storage (nothing is poisoned); `closed`, `poisoned`:
  /// the writer; `invalid_state`: `upto` is not durable in this log, or is older than what is published;
  /// `truncated_away`: the log begins after `upto` + 1; `invalid_config`: the path, no directory, an id of
  /// another log, a publisher for another directory than the log's, an empty `make_marker`; `encode`: the
  /// state; `io`: the checkpoint that is there cannot be looked at. Later ones, with what is done staying
  /// done: `io`, `encode` of the marker, all of the writer's.
  template <class Codec = Postcard, class Wal, class State, class MakeMarker>
  Result<PublishResult> publish(Wal& wal, const State& state, DurableId upto, std::string_view path,
                                MakeMarker&& make_marker) const {
    DURABILITY_TRY(publish::check_destination(directory_, path, upto));
    if (calls_nothing(make_marker)) return publish::no_marker_error(path);
    const auto marker = std::invoke(make_marker, path, upto);
    return in_turn<Codec>(wal, state, upto, path, [&](PublishResult& result) -> Status {
      DURABILITY_TRY_ASSIGN(result.marker, wal.append(marker));
      DURABILITY_TRY(wal.flush_and_sync());
      return {};
    });
  }

  /// The same without a marker: for programs whose checkpoint is always at the same path.
  template <class Codec = Postcard, class Wal, class State>
  Result<PublishResult> publish(Wal& wal, const State& state, DurableId upto, std::string_view path) const {
    DURABILITY_TRY(publish::check_destination(directory_, path, upto));
    return in_turn<Codec>(wal, state, upto, path, [](PublishResult&) { return Status(); });
  }

  /// Removes what crashes in the middle of a publication left beside the checkpoint at `path`: regular files
  /// named `<path>.<16 hex digits>.tmp`, none else. Each publication to `path` does it first; this is for a
  /// program that opens its log and will not publish to that path soon, or never again.
  template <class Wal>
  Status remove_temporaries(Wal& wal, std::string_view path) const {
    DURABILITY_TRY(publish::check_destination(directory_, path));
    DURABILITY_TRY_ASSIGN(const auto turn, wal.begin_publication());
    return publish::remove_temporaries(*directory_, path);
  }

 private:
  template <class Codec, class Wal, class State, class Mark>
  Result<PublishResult> in_turn(Wal& wal, const State& state, DurableId upto, std::string_view path,
                                const Mark& mark) const {
    // Encoding may take long: it holds up nobody.
    DURABILITY_TRY_ASSIGN(const Bytes file,
                          (CheckpointFile::file_of<State, Codec>(path, upto.entry(), state)));
    DURABILITY_TRY_ASSIGN(auto turn, wal.begin_publication());
    DURABILITY_TRY(
        publish::replace_checkpoint(directory_, path, upto, file, [&] { return turn.may_publish(upto); }));
    turn.published(upto);
    PublishResult result{.checkpoint = std::string(path),
                         .last_applied = upto.entry(),
                         .marker = std::nullopt,
                         .truncation = {}};
    DURABILITY_TRY(mark(result));
    DURABILITY_TRY_ASSIGN(result.truncation, turn.truncate_prefix(upto));
    return result;
  }

  std::shared_ptr<Directory> directory_;
};

}  // namespace durability
