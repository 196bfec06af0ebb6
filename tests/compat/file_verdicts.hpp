#pragma once

// What a record log, a checkpoint or a recovery in the Rust crate's formats is to this library, in the words
// in which tests/vectors and the program of tests/interop say what it is to the crate; and the one list of
// the differences that are meant. crate_verdicts.hpp has those of logs.

#include "crate_verdicts.hpp"

namespace durability::compat {

/// {ok, records, digest}, `digest` the crc32 over, for each record, payload length u64, payload; or {ok,
/// kind}.
json reading_records(const std::shared_ptr<Directory>& directory, std::string_view path, ReadMode mode);
/// Opens for appending, a new one in version 1, and appends the 12 bytes `after-resume` durably: {ok, after},
/// `after` a strict reading; or {ok, kind}.
json resuming_records(const std::shared_ptr<Directory>& directory, std::string_view path);

/// {ok, last_applied_id, payload_len, payload_crc}; or {ok, kind}.
json reading_checkpoint(const std::shared_ptr<Directory>& directory, std::string_view path);

/// As deliberate_difference() of crate_verdicts.hpp.
std::string_view deliberate_record_difference(const Verdicts& crate, const Verdicts& ours, const Load& load,
                                              std::string_view path);
/// `load` hands out the directory of the checkpoint, to be changed.
std::string_view deliberate_checkpoint_difference(const json& crate, const json& ours, const Load& load,
                                                  std::string_view path);
/// The same of recoveries: `crate` and `ours` hold {ok, last, segments} or {ok, kind} for each of the ways
/// recover, best_effort, latest and latest_best_effort; `way` is the one in question.
std::string_view deliberate_recovery_difference(const json& crate, const json& ours, std::string_view way,
                                                const Load& load);

// The names.
inline constexpr std::string_view kRecordsVersion2 = "version 2 of the record log is ours alone";
inline constexpr std::string_view kPastThePayload = "bytes after a checkpoint's payload are damage";
inline constexpr std::string_view kEndsBeforeCheckpoint =
    "a log that ends before its checkpoint lost entries";
inline constexpr std::string_view kBeginsLater = "a log without entries still says where it begins";
inline constexpr std::string_view kNeededCheckpoint =
    "a damaged checkpoint that is needed is reported itself";

}  // namespace durability::compat
