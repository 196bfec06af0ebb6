// wal convert: rewrites a log in another version of its format.

#include "durability/walog/convert.hpp"
#include "log_place.hpp"
#include "number.hpp"
#include "read_mode.hpp"

namespace durability::cli {
namespace {

struct ConvertOptions : LogOptions {
  std::string out;
  unsigned format = 0;
  ReadMode mode = ReadMode::kStrict;
};

Outcome run_convert(const ConvertOptions& options) {
  const auto from = open_log(options);
  if (!from) return Outcome::failed(from.error());
  if (Status apart = refuse_nested_log(options.out); !apart) return Outcome::failed(apart.error());
  const auto to = FsDirectory::open(options.out);
  if (!to) return Outcome::failed(to.error());
  WalOptions written;
  written.format = static_cast<WalFormat>(options.format);
  const auto done = convert_log(*from, *to, written, options.mode);
  if (!done) return Outcome::failed(done.error());
  std::optional<EntryId> first;
  std::optional<EntryId> last;
  if (done->entries > 0) {
    first = done->first;
    last = EntryId(done->next.value() - 1);
  }
  return {.fields = Json{{"entries", done->entries},
                         {"first_entry_id", id_or_null(first)},
                         {"last_entry_id", id_or_null(last)},
                         {"next_entry_id", done->next.value()},
                         {"version", options.format},
                         {"torn_tail", done->torn_tail}},
          .text = fmt::format("{} in version {}; the log goes on with entry {}{}\n",
                              count_of(done->entries, "entry", "entries"), options.format, done->next,
                              done->torn_tail ? "; a torn tail was left out" : ""),
          .error = {}};
}

}  // namespace

void add_wal_convert(CLI::App& wal, Selected& selected) {
  auto [command, options] = add_log_command<ConvertOptions>(
      wal,
      {.name = "convert",
       .description = "Writes the log's entries, with their ids, into a new log of another version, so that "
                      "another program can read it. OUT must not hold a log; DIR is only read.",
       .place = "DIR",
       .place_description = kDirectoryHelp},
      selected, run_convert);
  command->add_option("OUT", options->out, "The directory to hold the new wal/; made if missing")->required();
  command->add_option("--format", options->format, "Version to write: 2, 3 or 4")
      ->transform(number(2, 4))
      ->required();
  add_read_mode(*command, options->mode);
}

}  // namespace durability::cli
