// recordlog append: lines of standard input become records.
//
// When a record counts: with --durable once a sync behind it has succeeded; without, once it has been handed
// to the operating system. Only records that count are summed up.

#include <unistd.h>

#include <chrono>
#include <utility>

#include "command.hpp"
#include "durability/recordlog/writer.hpp"
#include "file_place.hpp"
#include "line_reader.hpp"

namespace durability::cli {
namespace {

struct AppendOptions : CommonOptions {
  bool durable = false;
  RecordLogOptions log;
};

/// What counted.
struct Appended {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::optional<EntryId> first;
  std::optional<EntryId> last;

  void count(const Appended& waiting) {
    records += waiting.records;
    bytes += waiting.bytes;
    if (!first) first = waiting.first;
    if (waiting.last) last = waiting.last;
  }
};

using Writer = RecordLogWriter<Bytes>;

/// Takes all lines in. What waits was appended, and does not count yet.
Status take_lines(LineReader& reader, Writer& writer, bool durable, Appended& counted, Appended& waiting) {
  constexpr std::uint64_t kFlushBytes = 64U << 10U;
  Lines lines;
  while (reader.next(1, lines)) {
    DURABILITY_TRY_ASSIGN(const EntryId number, writer.append_bytes(lines[0]));
    waiting.count({.records = 1, .bytes = lines[0].size(), .first = number, .last = number});
    if (!durable && waiting.bytes < kFlushBytes) continue;
    if (durable) {
      DURABILITY_TRY(writer.flush_and_sync());
    } else {
      DURABILITY_TRY(writer.flush());
    }
    counted.count(std::exchange(waiting, {}));
  }
  return {};
}

Outcome run_append(const AppendOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  auto place = FilePlace::make(options.place);
  if (!place) return Outcome::failed(place.error());
  auto writer = Writer::open(place->directory, place->name, options.log);
  if (!writer) return Outcome::failed(located(place->parent, writer.error()));
  Progress progress("appending");
  auto reader = LineReader::open(STDIN_FILENO, progress, recordlog::kMaxPayloadBytes >> 20U);
  if (!reader) return Outcome::failed(reader.error());

  Appended counted;
  Appended waiting;
  const Status taken = take_lines(**reader, *writer, options.durable, counted, waiting);
  const Status closed = writer->close();
  if (closed) counted.count(waiting);
  std::optional<Error> error;
  if (!taken) {
    error = located(place->parent, taken.error());
  } else if (!closed) {
    error = located(place->parent, closed.error());
  } else {
    error = (*reader)->failure();
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  return {.fields = Json{{"records", counted.records},
                         {"first_record", id_or_null(counted.first)},
                         {"last_record", id_or_null(counted.last)},
                         {"bytes", counted.bytes},
                         {"seconds", elapsed.count()}},
          .text = fmt::format("appended {} ({} bytes) in {:.3f} s\n",
                              count_of(counted.records, "record", "records"), counted.bytes, elapsed.count()),
          .error = error};
}

}  // namespace

void add_recordlog_append(CLI::App& recordlog, Selected& selected) {
  auto [command, options] = add_command<AppendOptions>(
      recordlog,
      {.name = "append",
       .description = "Makes each line of standard input, without its newline, a record.\n"
                      "Makes FILE and its directory if they are not there, and goes on with FILE if it is.",
       .place = "FILE",
       .place_description = "The record log"},
      selected, run_append);
  command->add_flag("--durable", options->durable,
                    "A record counts when it survives a power cut; without, when it has been handed to the "
                    "operating system");
  RecordLogOptions& log = options->log;
  command
      ->add_option_function<unsigned>(
          "--format", [&log](unsigned version) { log.format = static_cast<RecordLogFormat>(version); },
          "Version of a new log: 2, unless given, or 1, which the Rust crate reads; one that is there goes "
          "on "
          "in its own")
      ->check(CLI::IsMember({1, 2}));
}

}  // namespace durability::cli
