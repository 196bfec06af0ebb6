// recordlog append: lines of standard input become records.
//
// When a record counts: with --durable once a sync after it has succeeded; without, once it has been handed
// to the operating system, at the latest when input pauses. Only records that count are summed up.
//
// SIGINT and SIGTERM end the input: what was read of it is appended, and the log closed.

#include <unistd.h>

#include <chrono>
#include <utility>

#include "command.hpp"
#include "durability/recordlog/writer.hpp"
#include "file_place.hpp"
#include "line_reader.hpp"
#include "log_place.hpp"
#include "number.hpp"
#include "stopped.hpp"

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

/// One run of the command.
class Append {
 public:
  Append(Writer& writer, bool durable) : writer_(writer), durable_(durable) {}

  Status take_lines(LineReader& reader) {
    constexpr std::uint64_t kFlushBytes = 64U << 10U;
    Lines lines;
    while (reader.next(1, lines)) {
      DURABILITY_TRY_ASSIGN(const EntryId number, writer_.append_bytes(lines[0]));
      waiting_.count({.records = 1, .bytes = lines[0].size(), .first = number, .last = number});
      if (durable_ || waiting_.bytes >= kFlushBytes) DURABILITY_TRY(hand_over());
    }
    return {};
  }

  /// What was appended counts.
  Status hand_over() {
    if (durable_) {
      DURABILITY_TRY(writer_.flush_and_sync());
    } else {
      DURABILITY_TRY(writer_.flush());
    }
    counted_.count(std::exchange(waiting_, {}));
    return {};
  }

  Status close() {
    DURABILITY_TRY(writer_.close());
    counted_.count(std::exchange(waiting_, {}));
    return {};
  }

  [[nodiscard]] const Appended& counted() const noexcept { return counted_; }

 private:
  Writer& writer_;
  const bool durable_;
  Appended counted_;
  Appended waiting_;  ///< was appended, and does not count yet
};

Outcome summary(const Appended& counted, const Stopped& stopped, double seconds, std::optional<Error> error) {
  Json fields{{"records", counted.records},
              {"first_record", id_or_null(counted.first)},
              {"last_record", id_or_null(counted.last)},
              {"bytes", counted.bytes},
              {"seconds", seconds}};
  stopped.add_to(fields);
  return {
      .fields = std::move(fields),
      .text = fmt::format("appended {} ({}) in {:.3f} s{}\n", count_of(counted.records, "record", "records"),
                          count_of(counted.bytes, "byte", "bytes"), seconds, stopped.text()),
      .error = std::move(error)};
}

Outcome run_append(const AppendOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  const auto signals = StopSignals::open();
  if (!signals) return Outcome::failed(signals.error());
  if (Status apart = refuse_file_in_log(options.place); !apart) return Outcome::failed(apart.error());
  auto place = FilePlace::make(options.place);
  if (!place) return Outcome::failed(place.error());
  auto writer = Writer::open(place->directory, place->name, options.log);
  if (!writer) return Outcome::failed(located(place->parent, writer.error()));
  Append append(*writer, options.durable);
  Progress progress("appending");
  const auto pause = [&]() -> Status {
    if (Status done = append.hand_over(); !done) return located(place->parent, done.error());
    return {};
  };
  auto reader = LineReader::open(
      STDIN_FILENO, progress,
      {.max_line_mib = recordlog::kMaxPayloadBytes >> 20U, .end_event = (*signals)->fd(), .on_pause = pause});
  if (!reader) return Outcome::failed(reader.error());

  const Status taken = append.take_lines(**reader);
  const Status closed = append.close();
  std::optional<Error> error = (*reader)->failure();
  if (!taken) {
    error = located(place->parent, taken.error());
  } else if (!error && !closed) {
    error = located(place->parent, closed.error());
  }
  const Stopped stopped = Stopped::of(**signals, **reader);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  return summary(append.counted(), stopped, elapsed.count(), std::move(error));
}

}  // namespace

void add_recordlog_append(CLI::App& recordlog, Selected& selected) {
  auto [command, options] = add_command<AppendOptions>(
      recordlog,
      {.name = "append",
       .description = "Makes each line of standard input, without its newline, a record.\n"
                      "Makes FILE and its directory if they are not there, and goes on with FILE if it is.",
       .place = "FILE",
       .place_description = "The record log",
       .effect = Effect::kWrites},
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
      ->check(one_of({"1", "2"}, "1 or 2"));
}

}  // namespace durability::cli
