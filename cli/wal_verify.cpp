// wal verify: reads everything, and checks it.

#include "durability/walog/maintenance.hpp"
#include "durability/walog/reader.hpp"
#include "log_place.hpp"
#include "progress.hpp"
#include "read_mode.hpp"

namespace durability::cli {
namespace {

struct VerifyOptions : LogOptions {
  ReadMode mode = ReadMode::kStrict;
};

/// What was seen, whether reading ended well or not.
struct Seen {
  std::uint64_t entries = 0;
  std::optional<EntryId> first;
  std::optional<EntryId> last;
  std::uint64_t segments = 0;
  std::uint64_t bytes = 0;  ///< of the files of those segments
  bool torn_tail = false;
  std::optional<Error> error;

  void add(const WalEntryRun& run) {
    if (!first) first = run.first;
    last = EntryId(run.first.value() + run.entries - 1);
    entries += run.entries;
  }
};

/// After an error the reader has no totals: those of the segments as they stand.
void add_totals_of_damaged(const std::shared_ptr<Directory>& directory, Seen& seen) {
  const auto inspection = WalMaintenance(directory).inspect();
  if (!inspection) return;
  for (const SegmentStatus& segment : inspection->segments) {
    if (segment.state == SegmentState::kSpare || segment.state == SegmentState::kMissing) continue;
    ++seen.segments;
    seen.bytes += segment.file_bytes;
  }
}

Seen read_all(const std::shared_ptr<Directory>& directory, const VerifyOptions& options) {
  Seen seen;
  Progress progress("checking", log_bytes(*directory));
  const auto report = WalReader<Bytes>(directory).verify(options.mode, [&](const WalEntryRun& run) {
    progress.advance(run.payload_bytes);
    seen.add(run);
  });
  if (report) {
    seen.segments = report->segments;
    seen.bytes = report->bytes;
    seen.torn_tail = report->torn_tail;
  } else {
    seen.error = located(options.place, report.error());
    add_totals_of_damaged(directory, seen);
  }
  return seen;
}

std::string text_of(const Seen& seen) {
  std::string ids;
  if (seen.first) ids = fmt::format(", ids {} to {}", *seen.first, *seen.last);
  return fmt::format("{}: {}{}, in {} ({}){}\n", seen.error ? "before the fault" : "sound",
                     count_of(seen.entries, "entry", "entries"), ids,
                     count_of(seen.segments, "segment", "segments"), count_of(seen.bytes, "byte", "bytes"),
                     seen.torn_tail ? "; a torn tail after them was left out" : "");
}

Outcome run_verify(const VerifyOptions& options) {
  auto directory = open_log(options);
  if (!directory) return Outcome::failed(directory.error());
  const Seen seen = read_all(*directory, options);
  return {.fields = Json{{"entries", seen.entries},
                         {"first_entry_id", id_or_null(seen.first)},
                         {"last_entry_id", id_or_null(seen.last)},
                         {"segments", seen.segments},
                         {"bytes", seen.bytes},
                         {"torn_tail", seen.torn_tail},
                         {"error", nullptr}},
          .text = text_of(seen),
          .error = seen.error};
}

}  // namespace

void add_wal_verify(CLI::App& wal, Selected& selected) {
  auto [command, options] = add_log_command<VerifyOptions>(wal,
                                                           {.name = "verify",
                                                            .description = "Reads and checks everything.",
                                                            .place = "DIR",
                                                            .place_description = kDirectoryHelp},
                                                           selected, run_verify);
  add_read_mode(*command, options->mode);
}

}  // namespace durability::cli
