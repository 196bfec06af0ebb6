#pragma once

// The state that a crash left, of a program that keeps its log in one file: a checkpoint, and the record log
// whose records after it are applied. The rules are those of recover.hpp; a record's id is its number in the
// file, so a log always begins at 1, and the checkpoint's last_applied counts records.
//
//   const DurableId upto = log.flush_and_sync().value();              // RecordLogWriter
//   CheckpointFile(directory).write_durable("s.ckpt", upto, state);
//
// Nothing deletes the records that a checkpoint covers: where a log must not grow for ever, WalWriter is what
// is wanted.

#include <string>

#include "durability/recordlog/reader.hpp"
#include "durability/recover/recover.hpp"

namespace durability {

namespace recover {

/// The checkpoint's error where there is no record log to stand in for it.
Status check_record_log_is_there(const std::shared_ptr<Directory>& directory, const std::string& path,
                                 const Error& checkpoint_error);

/// A record log, as recover_state wants it.
template <class E, class Codec>
class RecordLogSource {
 public:
  RecordLogSource(std::shared_ptr<Directory> directory, std::string path)
      : directory_(std::move(directory)), path_(std::move(path)) {}

  [[nodiscard]] Status check_stands_alone(ReadMode /*mode*/, const Error& checkpoint_error) const {
    return check_record_log_is_there(directory_, path_, checkpoint_error);
  }
  template <class Fn>
  Result<LogEnd> replay(const RecoveryOptions& options, EntryId from, Fn&& fn) const {
    E record{};
    const recordlog::ByteReader reader(directory_, path_);
    DURABILITY_TRY_ASSIGN(const RecordLogReadReport report,
                          reader.for_each(options.mode(), [&](const RecordLogView& view) -> Result<Flow> {
                            if (options.ceiling() && view.number > *options.ceiling()) return Flow::kStop;
                            if (view.number >= from) {
                              if (auto decoded = decode_into<Codec>(view.payload, record); !decoded) {
                                return recordlog::undecodable(path_, view, std::move(decoded).error());
                              }
                              DURABILITY_TRY(fn(view.number, std::as_const(record)));
                            }
                            // What comes after the ceiling is not even looked at.
                            return options.ceiling() == view.number ? Flow::kStop : Flow::kContinue;
                          }));
    return LogEnd{.next = EntryId(report.records + 1), .torn_tail = report.torn_tail};
  }
  [[nodiscard]] Status check_reaches(std::string_view checkpoint_path, EntryId checkpoint,
                                     EntryId next) const {
    return check_log_reaches(checkpoint_path, checkpoint, next, path_, "an older checkpoint");
  }

 private:
  std::shared_ptr<Directory> directory_;
  std::string path_;
};

}  // namespace recover

/// As recover_with_wal, from the record log at `log_path`. Records up to the checkpoint's last_applied are
/// checked, and not decoded. Where there is no checkpoint, all of the log is applied; where there is neither,
/// the state is that of `init(nothing)`.
template <class C, class E, class Codec = Postcard, class Init, class Apply>
  requires std::invocable<Init&, std::optional<C>> && DecoderFor<Codec, C> && DecoderFor<Codec, E>
auto recover_with_record_log(const std::shared_ptr<Directory>& directory,
                             std::optional<std::string_view> checkpoint_path, std::string log_path,
                             const RecoveryOptions& options, Init&& init, Apply&& apply)
    -> Result<Recovery<std::invoke_result_t<Init&, std::optional<C>>>> {
  return recover::recover_state<C, E, Codec>(
      directory, checkpoint_path, options, recover::RecordLogSource<E, Codec>(directory, std::move(log_path)),
      std::forward<Init>(init), std::forward<Apply>(apply));
}

/// Without a checkpoint file: applies the records after number `since`, which a program knows from
/// elsewhere; 0: all. `apply(EntryId, const E&)` returns nothing, or a Status. Returns how many were applied.
/// `invalid_state` where the log ends before `since`.
template <class E, class Codec = Postcard, class Apply>
  requires DecoderFor<Codec, E>
Result<std::uint64_t> replay_record_log_since(const std::shared_ptr<Directory>& directory,
                                              const std::string& log_path, EntryId since, ReadMode mode,
                                              Apply&& apply) {
  const RecordLogReader<E, Codec> reader(directory, log_path);
  DURABILITY_TRY_ASSIGN(const RecordLogReadReport report,
                        reader.for_each_after(since, mode, std::forward<Apply>(apply)));
  DURABILITY_TRY(recover::check_log_reaches("", since, EntryId(report.records + 1), log_path,
                                            "begin with an older state"));
  return report.records - since.value();
}

}  // namespace durability
