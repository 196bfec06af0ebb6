#include "file_verdicts.hpp"

#include <array>

namespace durability::compat {
namespace {

json failure(const Error& error) { return {{"ok", false}, {"kind", kind_of(error)}}; }

bool is_format_error(const json& verdict) {
  return !verdict.at("ok").get<bool>() && verdict.at("kind") == "format";
}

// Ours: the record's length is under its checksum, and no run of zeros is a record. The crate knows version 1
// alone, and says of every other one that it does not match; of a header that was cut after the 2 too, where
// it would write it anew.
bool version_2_is_ours(const Verdicts& crate, const Verdicts& ours, const Load& load, std::string_view path) {
  if (!is_format_error(crate.resume)) return false;
  const Bytes file = load()->read_file(path, 1U << 30U).value();
  if (file.size() < recordlog::kHeaderBytes) {
    const auto begun = recordlog::header_begun(file, RecordLogFormat::kV1);
    return begun == RecordLogFormat::kV2 && crate.strict == ours.strict &&
           crate.best_effort == ours.best_effort && ours.resume.at("ok").get<bool>();
  }
  auto format = RecordLogFormat::kV1;
  return recordlog::read_header(file, format) == recordlog::HeaderState::kWhole &&
         format == RecordLogFormat::kV2 && is_format_error(crate.strict) &&
         is_format_error(crate.best_effort);
}

bool is_invalid_state(const json& verdict) {
  return !verdict.at("ok").get<bool>() && verdict.at("kind") == "invalid_state";
}

WalReadReport log_of(const Load& load) {
  const auto report =
      WalReader<Bytes>(load()).for_each_bytes(ReadMode::kBestEffort, [](const WalEntryView&) {});
  return report ? *report : WalReadReport{};
}

// Ours: `invalid_state`, the entries up to the checkpoint's were durable in that log. The crate takes the
// checkpoint for all there is, and appends entries with numbers that the checkpoint covers.
bool log_ends_before_checkpoint(const json& crate, const json& ours, const WalReadReport& log) {
  return crate.at("ok").get<bool>() && is_invalid_state(ours) &&
         log.next.value() <= crate.at("last").get<std::uint64_t>();
}

// Ours: `invalid_state`, a header says that there were entries before it. The crate looks at entries only,
// and recovers nothing, as if there never had been any.
bool empty_log_begins_later(const json& crate, const json& ours, const WalReadReport& log) {
  return crate.at("ok").get<bool>() && crate.at("last") == 0 && is_invalid_state(ours) &&
         log.next == log.first && log.first > EntryId(1);
}

// Ours: where best effort cannot ignore a damaged checkpoint, because the log alone is not enough, the error
// is the checkpoint's, as in strict. The crate reports the gap before the log.
bool checkpoint_is_needed(const json& crate, const json& ours, const json& crate_strict,
                          const json& ours_strict, const WalReadReport& log) {
  return is_invalid_state(crate) && ours == ours_strict && crate_strict == ours_strict &&
         log.first > EntryId(1);
}

}  // namespace

json reading_records(const std::shared_ptr<Directory>& directory, std::string_view path, ReadMode mode) {
  std::uint32_t digest = 0;
  std::array<std::byte, 8> length{};
  const auto report = RecordLogReader<Bytes>(directory, std::string(path))
                          .for_each_bytes(mode, [&](const RecordLogView& record) {
                            store_le(length, 0, std::uint64_t{record.payload.size()});
                            digest = crc32(record.payload, crc32(length, digest));
                          });
  if (!report) return failure(report.error());
  return {{"ok", true}, {"records", report->records}, {"digest", fmt::format("{:08x}", digest)}};
}

json resuming_records(const std::shared_ptr<Directory>& directory, std::string_view path) {
  RecordLogOptions options;
  options.format = RecordLogFormat::kV1;
  auto log = RecordLogWriter<Bytes>::open(directory, std::string(path), options);
  if (!log) return failure(log.error());
  if (auto done = log->append_bytes(as_bytes("after-resume")); !done) return failure(done.error());
  if (auto done = log->close(); !done) return failure(done.error());
  return {{"ok", true}, {"after", reading_records(directory, path, ReadMode::kStrict)}};
}

json reading_checkpoint(const std::shared_ptr<Directory>& directory, std::string_view path) {
  const auto checkpoint = CheckpointFile(directory).read_bytes(path);
  if (!checkpoint) return failure(checkpoint.error());
  return {{"ok", true},
          {"last_applied_id", checkpoint->last_applied.value()},
          {"payload_len", checkpoint->payload.size()},
          {"payload_crc", fmt::format("{:08x}", crc32(checkpoint->payload))}};
}

// docs/formats.md gives the reasons.
std::string_view deliberate_record_difference(const Verdicts& crate, const Verdicts& ours, const Load& load,
                                              std::string_view path) {
  return version_2_is_ours(crate, ours, load, path) ? kRecordsVersion2 : std::string_view{};
}

// Ours: bytes after the payload, as long as the header says it is, are `format`. The crate does not look
// there, and says of the file what we say of it without them.
std::string_view deliberate_checkpoint_difference(const json& crate, const json& ours, const Load& load,
                                                  std::string_view path) {
  if (!is_format_error(ours)) return {};
  const auto directory = load();
  const Bytes file = directory->read_file(path, 1U << 30U).value();
  if (file.size() < checkpoint::kHeaderBytes) return {};
  const auto payload_bytes = load_le<std::uint64_t>(file, checkpoint::kPayloadBytesOffset);
  if (payload_bytes >= file.size() - checkpoint::kHeaderBytes) return {};
  const auto opened = directory->open(path, OpenMode::kReadWrite).value();
  if (!opened->truncate(checkpoint::kHeaderBytes + payload_bytes)) return {};
  return reading_checkpoint(directory, path) == crate ? kPastThePayload : std::string_view{};
}

std::string_view deliberate_recovery_difference(const json& crate, const json& ours, std::string_view way,
                                                const Load& load) {
  const auto log = log_of(load);
  const json& theirs = crate.at(way);
  const json& own = ours.at(way);
  if (log_ends_before_checkpoint(theirs, own, log)) return kEndsBeforeCheckpoint;
  if (empty_log_begins_later(theirs, own, log)) return kBeginsLater;
  const auto strict = way == "best_effort" ? "recover" : "latest";
  const bool needed = checkpoint_is_needed(theirs, own, crate.at(strict), ours.at(strict), log);
  return needed ? kNeededCheckpoint : std::string_view{};
}

}  // namespace durability::compat
