#pragma once

// The state that a crash left: the checkpoint, and the log after it.
//
//   checkpoint: last_applied = L           log: entries F … N
//   state    =  init(checkpoint's state),  then apply(entry) for L + 1 … N, each once, in order
//
// That is right only if nothing is missing in between, so it is refused otherwise, naming the missing range:
//   - the log must reach back to the checkpoint:   F <= L + 1   (without one: F = 1), else `truncated_away`
//   - and must not end before it:                  N >= L       else `invalid_state`
// The second catches a log that was put back, lost, or replaced: its next entry would get an id that the
// checkpoint has already, and be skipped the next time.
//
// A checkpoint that is missing is not an error by itself: an old one that was never written, or was removed,
// leaves a log that begins at entry 1. A damaged one is ignored where the options say so (best effort does),
// on the same condition, and then a log must be there at all: no log and a damaged checkpoint is no fresh
// start.
//
// Nothing is ever written, synced or locked: the disk is after it as it was before, whatever happens. Beside
// a live writer the state is one that the log had. If it publishes between the reading of the checkpoint and
// of the log, that is `truncated_away`: recover again.

#include <concepts>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "durability/base/callable.hpp"
#include "durability/checkpoint/file.hpp"
#include "durability/recover/options.hpp"
#include "durability/storage/need_directory.hpp"
#include "durability/walog/format/segment_name.hpp"
#include "durability/walog/reader.hpp"

namespace durability {

template <class State>
struct Recovery {
  State state;
  std::optional<EntryId> checkpoint_id;     ///< its last_applied; none: the log alone
  EntryId last_applied;                     ///< the state contains the entries up to here; 0: none
  std::uint64_t replayed = 0;               ///< entries of the log that were applied
  bool torn_tail = false;                   ///< the log's tail, which no acknowledgement covers, was left out
  std::optional<Error> ignored_checkpoint;  ///< best effort went on without it, because of this
};

namespace recover {

/// Whether best effort may do without a checkpoint that gave `error`.
[[nodiscard]] bool is_damage(const Error& error) noexcept;

/// The entry after the checkpoint; `invalid_state` where there can be none, or where the ceiling lies before
/// the checkpoint.
Result<EntryId> first_to_replay(std::string_view checkpoint_path, EntryId checkpoint,
                                std::optional<EntryId> ceiling);

/// What a log that was read says of itself.
struct LogEnd {
  EntryId next;  ///< the id after its last entry
  bool torn_tail = false;
};

/// `invalid_state` where the log at `log_path` ends before the checkpoint. `way_out`: what to do then.
Status check_log_reaches(std::string_view checkpoint_path, EntryId checkpoint, EntryId next,
                         std::string_view log_path, std::string_view way_out);

/// `invalid_config`: an empty `init` or `apply`.
[[nodiscard]] Error nothing_to_call_error();

/// The checkpoint; nothing where there is none, or where it is damaged and may be ignored.
template <class C, class Codec, class Log>
Result<std::optional<Checkpoint<C>>> read_checkpoint(const std::shared_ptr<Directory>& directory,
                                                     std::optional<std::string_view> path,
                                                     const RecoveryOptions& options, const Log& log,
                                                     std::optional<Error>& ignored) {
  if (!path) return std::optional<Checkpoint<C>>();
  auto read = CheckpointFile(directory).template read<C, Codec>(*path);
  if (read) return std::optional(*std::move(read));
  Error error = std::move(read).error();
  if (error.code() == ErrorCode::kNotFound) return std::optional<Checkpoint<C>>();
  if (!options.ignores_corrupt_checkpoint() || !is_damage(error)) return error;
  DURABILITY_TRY(log.check_stands_alone(options.mode(), error));
  ignored = std::move(error);
  return std::optional<Checkpoint<C>>();
}

/// For WalSource.
Status check_log_stands_alone(const std::shared_ptr<Directory>& directory, ReadMode mode,
                              const Error& checkpoint_error);

/// The log of a directory, as recover_state wants it.
template <class E, class Codec>
class WalSource {
 public:
  explicit WalSource(std::shared_ptr<Directory> directory) : directory_(std::move(directory)) {}

  /// Nothing where the log alone is enough: it is there, and begins at entry 1. Otherwise the checkpoint's
  /// error.
  [[nodiscard]] Status check_stands_alone(ReadMode mode, const Error& checkpoint_error) const {
    return check_log_stands_alone(directory_, mode, checkpoint_error);
  }
  template <class Fn>
  Result<LogEnd> replay(const RecoveryOptions& options, EntryId from, Fn&& fn) const {
    auto reader = WalReader<E, Codec>(directory_).from(from).reading_ahead(options.reads_ahead());
    if (options.ceiling()) reader = reader.up_to(*options.ceiling());
    DURABILITY_TRY_ASSIGN(const WalReadReport report, reader.for_each(options.mode(), std::forward<Fn>(fn)));
    return LogEnd{.next = report.next, .torn_tail = report.torn_tail};
  }
  [[nodiscard]] Status check_reaches(std::string_view checkpoint_path, EntryId checkpoint,
                                     EntryId next) const {
    return check_log_reaches(checkpoint_path, checkpoint, next, walog::kWalDirectory,
                             "begin a new one at first_entry_id");
  }

 private:
  std::shared_ptr<Directory> directory_;
};

/// Whether what `apply` does reaches the state: it takes State&, or the state is a pointer, or used like one.
template <class Apply, class State, class E>
inline constexpr bool kChangesTheState = std::is_pointer_v<State> || requires(const State& state) {
  state.operator->();
} || !std::invocable<Apply&, State, EntryId, const E&>;

/// The checkpoint, and the entries of `log` after it.
template <class C, class E, class Codec, class Log, class Init, class Apply>
auto recover_state(const std::shared_ptr<Directory>& directory,
                   std::optional<std::string_view> checkpoint_path, const RecoveryOptions& options,
                   const Log& log, Init&& init, Apply&& apply)
    -> Result<Recovery<std::invoke_result_t<Init&, std::optional<C>>>> {
  using State = std::invoke_result_t<Init&, std::optional<C>>;
  using Applied = std::invoke_result_t<Apply&, State&, EntryId, const E&>;
  static_assert(std::is_void_v<Applied> || std::same_as<Applied, Status>,
                "apply returns nothing, or a Status");
  static_assert(kChangesTheState<Apply, State, E>,
                "apply takes the state by reference, State&: what it does to a copy of it is lost");

  DURABILITY_TRY(internal::need_directory(directory));
  if (calls_nothing(init) || calls_nothing(apply)) return nothing_to_call_error();
  std::optional<Error> ignored;
  DURABILITY_TRY_ASSIGN(auto checkpoint,
                        (read_checkpoint<C, Codec>(directory, checkpoint_path, options, log, ignored)));
  const EntryId base = checkpoint ? checkpoint->last_applied : EntryId(0);
  DURABILITY_TRY_ASSIGN(const EntryId from,
                        first_to_replay(checkpoint_path.value_or(""), base, options.ceiling()));

  std::optional<C> stored;
  if (checkpoint) stored = std::move(checkpoint->state);
  Recovery<State> recovery{.state = std::invoke(init, std::move(stored)),
                           .checkpoint_id = checkpoint ? std::optional(base) : std::nullopt,
                           .last_applied = base,
                           .ignored_checkpoint = std::move(ignored)};
  DURABILITY_TRY_ASSIGN(const LogEnd end,
                        log.replay(options, from, [&](EntryId id, const E& entry) -> Status {
                          if constexpr (std::is_void_v<Applied>) {
                            std::invoke(apply, recovery.state, id, entry);
                          } else {
                            DURABILITY_TRY(std::invoke(apply, recovery.state, id, entry));
                          }
                          recovery.last_applied = id;
                          ++recovery.replayed;
                          return {};
                        }));
  DURABILITY_TRY(log.check_reaches(checkpoint_path.value_or(""), base, end.next));
  recovery.torn_tail = end.torn_tail;
  return recovery;
}

}  // namespace recover

/// Recovers a State from a checkpoint of type C and a log of entries of type E; see the top of this file.
///
/// Without a `checkpoint_path` the log alone must do: it has to begin at entry 1.
///
///   init(std::optional<C>) -> State            the checkpoint's state, or none
///   apply(State&, EntryId, const E&)           returns nothing, or a Status; an error ends recovery.
///                                              Does not compile where it takes a copy of the state
///
/// Errors: `truncated_away`: the log does not reach back to the checkpoint; `invalid_state`: it ends before
/// the checkpoint, or the ceiling lies before that; `truncated`, `format`, `crc_mismatch`, `decode`: the
/// checkpoint is damaged, or not a C; all errors of WalReader; those of `apply`; `invalid_config`: no
/// directory, a path that is none, or an empty `init` or `apply`. Memory: the checkpoint's file, its state,
/// and one entry. Not thread-safe in itself; safe beside a live writer.
template <class C, class E, class Codec = Postcard, class Init, class Apply>
  requires std::invocable<Init&, std::optional<C>> && DecoderFor<Codec, C> && DecoderFor<Codec, E>
auto recover_with_wal(const std::shared_ptr<Directory>& directory,
                      std::optional<std::string_view> checkpoint_path, const RecoveryOptions& options,
                      Init&& init, Apply&& apply)
    -> Result<Recovery<std::invoke_result_t<Init&, std::optional<C>>>> {
  return recover::recover_state<C, E, Codec>(directory, checkpoint_path, options,
                                             recover::WalSource<E, Codec>(directory),
                                             std::forward<Init>(init), std::forward<Apply>(apply));
}

}  // namespace durability
