// wal stat: what kind of log it is. Sizes of entries, rates, what truncation could free, the last marker.

#include <bit>
#include <iterator>
#include <map>

#include "durability/segment_index/recovery_manager.hpp"
#include "durability/walog/maintenance.hpp"
#include "log_place.hpp"
#include "progress.hpp"

namespace durability::cli {
namespace {

struct Sum {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;  ///< of payloads
};

struct Marker {
  EntryId id;
  segment_index::Checkpoint says;
};

struct Statistics {
  Sum all;
  std::map<int, std::uint64_t> sizes;  ///< entries of 0 bytes: 0, of 2^(n - 1) to 2^n - 1 bytes: n
  std::map<SegmentId, Sum> by_segment;
  bool of_segment_index = true;  ///< every entry so far decodes as one
  std::optional<Marker> last_marker;

  void add(const WalEntryView& view) {
    const std::uint64_t bytes = view.payload.size();
    ++sizes[static_cast<int>(std::bit_width(bytes))];
    for (Sum* sum : {&all, &by_segment[view.segment]}) {
      ++sum->entries;
      sum->bytes += bytes;
    }
    if (of_segment_index) look_for_marker(view);
  }

 private:
  void look_for_marker(const WalEntryView& view) {
    auto entry = Postcard::decode<WalEntry>(view.payload);
    of_segment_index = entry.has_value();
    if (!of_segment_index) {
      last_marker.reset();
    } else if (auto* const says = std::get_if<segment_index::Checkpoint>(&*entry)) {
      last_marker = Marker{.id = view.id, .says = std::move(*says)};
    }
  }
};

struct Freed {
  std::uint64_t segments = 0;
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;  ///< of their files
};

// As truncation does it: whole segments, from the oldest on, never the newest.
Freed freed_through(EntryId upto, const std::vector<SegmentStatus>& segments) {
  Freed freed;
  for (std::size_t at = 0; at + 1 < segments.size(); ++at) {
    const SegmentStatus& segment = segments[at];
    const bool newest = segments[at + 1].state == SegmentState::kSpare;
    if (newest || segment.first.value() + segment.entries > upto.value() + 1) break;
    ++freed.segments;
    freed.entries += segment.entries;
    freed.bytes += segment.file_bytes;
  }
  return freed;
}

// From one segment's beginning to the next one's; none where either is unknown.
std::optional<double> seconds_of(const std::vector<SegmentStatus>& segments, std::size_t at) {
  if (at + 1 == segments.size()) return {};
  const std::uint64_t begin = segments[at].created_at;
  const std::uint64_t end = segments[at + 1].created_at;
  if (begin == 0 || end <= begin) return {};
  return static_cast<double>(end - begin) / 1e9;
}

Json json_of(const Freed& freed) {
  return {{"segments", freed.segments}, {"entries", freed.entries}, {"bytes", freed.bytes}};
}

Json histogram_of(const Statistics& statistics) {
  Json rows = Json::array();
  for (const auto& [width, entries] : statistics.sizes) {
    const std::uint64_t from = width == 0 ? 0 : std::uint64_t{1} << static_cast<unsigned>(width - 1);
    rows.push_back(Json{{"from", from}, {"to", width == 0 ? 0 : 2 * from - 1}, {"entries", entries}});
  }
  return rows;
}

Json rows_of(const Statistics& statistics, const std::vector<SegmentStatus>& segments) {
  Json rows = Json::array();
  for (std::size_t at = 0; at < segments.size(); ++at) {
    const auto found = statistics.by_segment.find(segments[at].id);
    const Sum sum = found == statistics.by_segment.end() ? Sum{} : found->second;
    const auto seconds = seconds_of(segments, at);
    const auto rate = [&](std::uint64_t count) {
      return seconds ? Json(static_cast<double>(count) / *seconds) : Json(nullptr);
    };
    rows.push_back(Json{{"segment_id", segments[at].id.value()},
                        {"entries", sum.entries},
                        {"payload_bytes", sum.bytes},
                        {"seconds", seconds ? Json(*seconds) : Json(nullptr)},
                        {"entries_per_second", rate(sum.entries)},
                        {"payload_bytes_per_second", rate(sum.bytes)}});
  }
  return rows;
}

Json fields_of(const std::shared_ptr<Directory>& directory, const Statistics& statistics,
               const std::vector<SegmentStatus>& segments) {
  Json marker = nullptr;
  Json covered = nullptr;
  if (const auto& last = statistics.last_marker) {
    const auto checkpoint = CheckpointFile(directory).read_bytes(last->says.checkpoint_path);
    marker = Json{{"entry_id", last->id.value()},
                  {"checkpoint_path", last->says.checkpoint_path},
                  {"last_entry_id", last->says.last_entry_id},
                  {"sound", checkpoint.has_value()}};
    if (checkpoint) covered = json_of(freed_through(checkpoint->last_applied, segments));
  }
  std::uint64_t bytes = 0;
  for (const SegmentStatus& segment : segments) bytes += segment.file_bytes;
  const EntryId everything(std::numeric_limits<std::uint64_t>::max() - 1);
  return {{"entries", statistics.all.entries},
          {"payload_bytes", statistics.all.bytes},
          {"bytes", bytes},
          {"histogram", histogram_of(statistics)},
          {"segments", rows_of(statistics, segments)},
          {"last_marker", std::move(marker)},
          {"freed_by_last_checkpoint", std::move(covered)},
          {"freed_at_most", json_of(freed_through(everything, segments))}};
}

std::string line_of_freed(const Json& freed) {
  return fmt::format("{}, {}, {} bytes\n", count_of(freed["segments"], "segment", "segments"),
                     count_of(freed["entries"], "entry", "entries"), freed["bytes"].get<std::uint64_t>());
}

std::string text_of(const Json& fields) {
  std::string text = fmt::format("{}, {} bytes in them, {} bytes on disk\n\n{:>21}  {:>12}\n",
                                 count_of(fields["entries"], "entry", "entries"),
                                 fields["payload_bytes"].get<std::uint64_t>(),
                                 fields["bytes"].get<std::uint64_t>(), "bytes of an entry", "entries");
  for (const Json& row : fields["histogram"]) {
    const auto range = fmt::format("{}-{}", row["from"].get<std::uint64_t>(), row["to"].get<std::uint64_t>());
    fmt::format_to(std::back_inserter(text), "{:>21}  {:>12}\n", range, row["entries"].get<std::uint64_t>());
  }
  fmt::format_to(std::back_inserter(text), "\n{:>7}  {:>12}  {:>12}  {:>12}  {:>12}\n", "segment", "entries",
                 "seconds", "entries/s", "bytes/s");
  const auto number = [](const Json& value) {
    return value.is_null() ? std::string("-") : fmt::format("{:.1f}", value.get<double>());
  };
  for (const Json& row : fields["segments"]) {
    fmt::format_to(std::back_inserter(text), "{:>7}  {:>12}  {:>12}  {:>12}  {:>12}\n",
                   row["segment_id"].get<std::uint64_t>(), row["entries"].get<std::uint64_t>(),
                   number(row["seconds"]), number(row["entries_per_second"]),
                   number(row["payload_bytes_per_second"]));
  }
  const Json& marker = fields["last_marker"];
  text += "\nlast checkpoint: ";
  text += marker.is_null()
              ? "none is named\n"
              : fmt::format("{}, up to entry {}{}\n",
                            escape_for_display(marker["checkpoint_path"].get<std::string>()),
                            marker["last_entry_id"].get<std::uint64_t>(),
                            marker["sound"].get<bool>() ? "" : "; its file is missing or damaged");
  const Json& covered = fields["freed_by_last_checkpoint"];
  if (!covered.is_null()) text += "truncation up to it would free: " + line_of_freed(covered);
  return text + "truncation can free at most: " + line_of_freed(fields["freed_at_most"]);
}

Outcome run_stat(const LogOptions& options) {
  auto directory = open_log(options);
  if (!directory) return Outcome::failed(directory.error());
  Statistics statistics;
  Progress progress("reading", log_bytes(**directory));
  const auto read =
      WalReader<Bytes>(*directory).for_each_bytes(ReadMode::kBestEffort, [&](const WalEntryView& view) {
        progress.advance(view.payload.size());
        statistics.add(view);
      });
  if (!read) return Outcome::failed(located(options.place, read.error()));
  auto inspection = WalMaintenance(*directory).inspect();
  if (!inspection) return Outcome::failed(located(options.place, inspection.error()));
  std::erase_if(inspection->segments, [](const auto& s) { return s.state == SegmentState::kMissing; });
  const Json fields = fields_of(*directory, statistics, inspection->segments);
  return {.fields = fields, .text = text_of(fields), .error = {}};
}

}  // namespace

void add_wal_stat(CLI::App& wal, Selected& selected) {
  add_log_command<LogOptions>(
      wal,
      {.name = "stat",
       .description =
           "Prints sizes of entries, rates by segment, the last checkpoint that a log of a segment "
           "index names, and what truncation could free. Reads the whole log; leaves out a torn tail.",
       .place = "DIR",
       .place_description = kDirectoryHelp},
      selected, run_stat);
}

}  // namespace durability::cli
