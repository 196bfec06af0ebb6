// recordlog verify: reads everything, and checks it.

#include "command.hpp"
#include "durability/recordlog/reader.hpp"
#include "file_place.hpp"
#include "progress.hpp"
#include "read_mode.hpp"

namespace durability::cli {
namespace {

struct VerifyOptions : CommonOptions {
  ReadMode mode = ReadMode::kStrict;
  bool allow_empty = false;
};

Json version_or_null(const Result<std::optional<RecordLogFormat>>& format) {
  return format && *format ? Json(static_cast<std::uint32_t>(**format)) : Json(nullptr);
}

Outcome run_verify(const VerifyOptions& options) {
  const auto place = FilePlace::open_log_file(options.place, options.allow_empty);
  if (!place) return Outcome::failed(place.error());
  const RecordLogReader<Bytes> reader(place->directory, place->name);
  std::uint64_t records = 0;
  Progress progress("checking");
  const auto read = reader.for_each_bytes(options.mode, [&](const RecordLogView& record) {
    progress.advance(record.payload.size());
    ++records;
  });
  std::optional<Error> error;
  if (!read) error = located(place->parent, read.error());
  const bool torn = read && read->torn_tail;
  return {.fields = Json{{"version", version_or_null(reader.format())},
                         {"records", records},
                         {"torn_tail", torn},
                         {"error", nullptr}},
          .text = fmt::format("{}: {}{}\n", error ? "before the fault" : "sound",
                              count_of(records, "record", "records"),
                              torn ? "; a torn tail after them was left out" : ""),
          .error = error};
}

}  // namespace

void add_recordlog_verify(CLI::App& recordlog, Selected& selected) {
  auto [command, options] = add_command<VerifyOptions>(recordlog,
                                                       {.name = "verify",
                                                        .description = "Reads and checks everything.",
                                                        .place = "FILE",
                                                        .place_description = "The record log"},
                                                       selected, run_verify);
  add_read_mode(*command, options->mode);
  command->add_flag("--allow-empty", options->allow_empty,
                    "Where there is no FILE take it for an empty one, and for no error");
}

}  // namespace durability::cli
