// recordlog dump: the records of a log.

#include <iterator>

#include "command.hpp"
#include "dump_output.hpp"
#include "durability/recordlog/reader.hpp"
#include "file_place.hpp"
#include "progress.hpp"
#include "read_mode.hpp"

namespace durability::cli {
namespace {

struct DumpOptions : CommonOptions {
  ReadMode mode = ReadMode::kStrict;
  bool allow_empty = false;
  bool raw = false;
};

Status add_record(const DumpOptions& options, const RecordLogView& record, DumpOutput& output) {
  std::string& line = output.line();
  if (options.json) {
    fmt::format_to(std::back_inserter(line), R"({{"record":{},"offset":{},"payload":")", record.number,
                   record.offset);
    output.add_hex(record.payload);
    line += "\"}";
  } else if (options.raw) {
    line += as_text(record.payload);
  } else {
    fmt::format_to(std::back_inserter(line), "{}\t{}\t{}", record.number, record.offset,
                   escape_for_display(as_text(record.payload)));
  }
  return output.end_line();
}

Outcome run_dump(const DumpOptions& options) {
  const auto place = FilePlace::open_log_file(options.place, options.allow_empty);
  if (!place) return Outcome::failed(place.error());
  DumpOutput output;
  Progress progress("reading");
  Status written;  // apart from the log's own errors, which have a place in the log
  const auto read = RecordLogReader<Bytes>(place->directory, place->name)
                        .for_each_bytes(options.mode, [&](const RecordLogView& record) {
                          progress.advance(record.payload.size());
                          written = add_record(options, record, output);
                          return written ? Flow::kContinue : Flow::kStop;
                        });
  if (written) written = output.flush();
  if (!written) return Outcome::failed(written.error());
  if (!read) return Outcome::failed(located(place->parent, read.error()));
  return {};
}

}  // namespace

void add_recordlog_dump(CLI::App& recordlog, Selected& selected) {
  auto [command, options] = add_command<DumpOptions>(
      recordlog,
      {.name = "dump",
       .description = "Prints the records: number, offset and payload (escaped), between tabs.\n"
                      "With --json a line for each: {\"record\":…,\"offset\":…,\"payload\":\"<hex>\"}",
       .place = "FILE",
       .place_description = "The record log"},
      selected, run_dump);
  add_read_mode(*command, options->mode);
  command->add_flag("--allow-empty", options->allow_empty,
                    "Where there is no FILE take it for an empty one, and for no error");
  command->add_flag("--raw", options->raw, "Print each payload as it is, and a newline")
      ->excludes(command->get_option("--json"));
}

}  // namespace durability::cli
