// wal dump: the entries of a log.

#include <iterator>

#include "dump_output.hpp"
#include "durability/codec/postcard.hpp"
#include "durability/walog/reader.hpp"
#include "log_place.hpp"
#include "number.hpp"
#include "progress.hpp"
#include "read_mode.hpp"
#include "wal_entry_json.hpp"

namespace durability::cli {
namespace {

struct DumpOptions : LogOptions {
  ReadMode mode = ReadMode::kStrict;
  std::optional<std::uint64_t> from;
  std::optional<std::uint64_t> to;
  bool raw = false;
  std::string type;
};

Result<Json> decoded(const WalEntryView& view) {
  auto entry = Postcard::decode<WalEntry>(view.payload);
  if (entry) return json_of(*entry);
  return std::move(entry)
      .error()
      .in_file(walog::segment_path(view.segment))
      .at_offset(view.offset)
      .advise("nothing was changed; dump it without --type");
}

class Dump {
 public:
  explicit Dump(const DumpOptions& options) : options_(options) {}

  /// `meaning`: the decoded entry, where a type was given.
  Status add(const WalEntryView& entry, const std::optional<Json>& meaning) {
    std::string& line = output_.line();
    if (options_.json) {
      add_object(entry, meaning);
    } else if (meaning) {
      fmt::format_to(std::back_inserter(line), "{}\t{}\t{}\t{}", entry.id, entry.segment, entry.offset,
                     meaning->dump(-1, ' ', true));
    } else if (options_.raw) {
      line += as_text(entry.payload);
    } else {
      fmt::format_to(std::back_inserter(line), "{}\t{}\t{}\t{}", entry.id, entry.segment, entry.offset,
                     escape_for_display(as_text(entry.payload)));
    }
    return output_.end_line();
  }

  Status flush() { return output_.flush(); }

 private:
  void add_object(const WalEntryView& entry, const std::optional<Json>& meaning) {
    std::string& line = output_.line();
    fmt::format_to(std::back_inserter(line), R"({{"entry_id":{},"segment_id":{},"offset":{},"payload":")",
                   entry.id, entry.segment, entry.offset);
    output_.add_hex(entry.payload);
    line += '"';
    if (meaning) line += ",\"entry\":" + meaning->dump();
    line += '}';
  }

  const DumpOptions& options_;
  DumpOutput output_;
};

std::string last_of(const WalReadReport& report) {
  if (report.next == report.first)
    return fmt::format("the log is empty and goes on with entry {}", report.next);
  return fmt::format("the last one is {}", report.next.value() - 1);
}

/// What is to be said where none of the entries that were asked for is in the log.
std::optional<std::string> nothing_there(const DumpOptions& options, const WalReadReport& report) {
  if (options.from && *options.from >= report.next.value()) {
    return fmt::format("no entry {}: {}", *options.from, last_of(report));
  }
  if (options.to && *options.to < report.first.value()) {
    return fmt::format("no entry up to {}: the log begins with entry {}", *options.to, report.first);
  }
  return std::nullopt;
}

Outcome run_dump(const DumpOptions& options) {
  if (options.from && options.to && *options.from > *options.to) {
    return Outcome::failed(
        Error(ErrorCode::kInvalidConfig,
              fmt::format("--from {} comes after --to {}: no entry is asked for", *options.from, *options.to))
            .advise("nothing was done; --to is the last entry that is printed"));
  }
  auto directory = open_log(options);
  if (!directory) return Outcome::failed(directory.error());
  WalReader<Bytes> reader(*directory);
  if (options.from) reader = reader.from(EntryId(*options.from));
  if (options.to) reader = reader.up_to(EntryId(*options.to));

  Dump dump(options);
  Progress progress("reading", log_bytes(**directory));
  Status output;  // apart from the log's own errors, which have a place in the log
  const auto read = reader.for_each_bytes(options.mode, [&](const WalEntryView& entry) -> Result<Flow> {
    progress.advance(entry.payload.size());
    std::optional<Json> meaning;
    if (!options.type.empty()) {
      DURABILITY_TRY_ASSIGN(meaning, decoded(entry));
    }
    output = dump.add(entry, meaning);
    return output ? Flow::kContinue : Flow::kStop;
  });
  if (output) output = dump.flush();
  if (!output) return Outcome::failed(output.error());
  if (!read) return Outcome::failed(located(options.place, read.error()));
  Outcome outcome;
  if (const auto none = nothing_there(options, *read)) {
    outcome.note = fmt::format("{}: {}", escape_for_display(options.place), *none);
  }
  return outcome;
}

}  // namespace

void add_wal_dump(CLI::App& wal, Selected& selected) {
  auto [command, options] = add_log_command<DumpOptions>(
      wal,
      {.name = "dump",
       .description = "Prints the entries: id, segment, offset and payload (escaped), between tabs.\n"
                      "With --json a line for each: {\"entry_id\":…,\"segment_id\":…,\"offset\":…,"
                      "\"payload\":\"<hex>\"}",
       .place = "DIR",
       .place_description = kDirectoryHelp},
      selected, run_dump);
  command->add_option("--from", options->from, "Begin with the entry of this id")->transform(number());
  command->add_option("--to", options->to, "End with the entry of this id")->transform(number());
  add_read_mode(*command, options->mode);
  auto* raw = command->add_flag("--raw", options->raw, "Print each payload as it is, and a newline")
                  ->excludes(command->get_option("--json"));
  command
      ->add_option("--type", options->type,
                   "wal-entry: decode the payloads, entries of a segment index, and print them as JSON; with "
                   "--json as \"entry\", beside the payload")
      ->check(one_of({"wal-entry"}, "wal-entry"))
      ->excludes(raw);
}

}  // namespace durability::cli
