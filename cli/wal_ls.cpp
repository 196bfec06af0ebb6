// wal ls: a row a segment.

#include <fmt/format.h>

#include <fmt/chrono.h>

#include <algorithm>

#include "durability/walog/maintenance.hpp"
#include "log_place.hpp"

namespace durability::cli {
namespace {

std::string_view name_of(const SegmentStatus& segment) {
  switch (segment.state) {
    case SegmentState::kSealed: return segment.read_whole ? "sealed" : "sealed, not read";
    case SegmentState::kActive: return "active";
    case SegmentState::kSpare: return "spare";
    case SegmentState::kTorn: return "torn";
    case SegmentState::kDamaged: return "damaged";
    case SegmentState::kMissing: return "missing";
    case SegmentState::kUnread: return "unread";
  }
  return "unknown";
}

std::optional<EntryId> first_of(const SegmentStatus& segment) {
  if (segment.entries == 0) return {};
  return segment.first;
}

std::optional<EntryId> last_of(const SegmentStatus& segment) {
  if (segment.entries == 0) return {};
  return EntryId(segment.first.value() + segment.entries - 1);
}

std::string created_at(const SegmentStatus& segment) {
  if (segment.created_at == 0) return "";
  constexpr std::uint64_t kSecond = 1'000'000'000;
  const auto seconds = static_cast<std::time_t>(segment.created_at / kSecond);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}Z", fmt::gmtime(seconds));
}

Json row_as_json(const SegmentStatus& segment) {
  const std::string created = created_at(segment);
  return {{"segment_id", segment.id.value()},
          {"version", static_cast<unsigned>(segment.format)},
          {"state", name_of(segment)},
          {"first_entry_id", id_or_null(first_of(segment))},
          {"last_entry_id", id_or_null(last_of(segment))},
          {"entries", segment.entries},
          {"bytes", segment.file_bytes},
          {"padding", segment.padding_bytes},
          {"created", created.empty() ? Json(nullptr) : Json(created)}};
}

std::string row(std::string_view id, std::string_view version, std::string_view state, std::string_view ids,
                std::string_view bytes, std::string_view padding, std::string_view created) {
  return fmt::format("{:>7}  {:>7}  {:<16}  {:>21}  {:>12}  {:>10}  {}\n", id, version, state, ids, bytes,
                     padding, created);
}

std::string row_as_text(const SegmentStatus& segment) {
  const auto first = first_of(segment);
  const std::string ids = first ? fmt::format("{}-{}", *first, *last_of(segment)) : "-";
  return row(fmt::to_string(segment.id), fmt::to_string(static_cast<unsigned>(segment.format)),
             name_of(segment), ids, fmt::to_string(segment.file_bytes), fmt::to_string(segment.padding_bytes),
             created_at(segment));
}

Outcome run_ls(const LogOptions& options) {
  auto directory = open_log(options);
  if (!directory) return Outcome::failed(directory.error());
  const auto inspection = WalMaintenance(*directory).inspect();
  if (!inspection) return Outcome::failed(located(options.place, inspection.error()));

  Json rows = Json::array();
  std::string text = row("segment", "version", "state", "entries", "bytes", "padding", "created");
  for (const SegmentStatus& segment : inspection->segments) {
    rows.push_back(row_as_json(segment));
    text += row_as_text(segment);
  }
  Outcome outcome{.fields = Json{{"segments", std::move(rows)}, {"error", nullptr}},
                  .text = std::move(text),
                  .error = {}};
  // A torn tail is what a crash leaves: a state, and no damage.
  const bool torn = std::ranges::any_of(inspection->segments, [](const SegmentStatus& segment) {
    return segment.state == SegmentState::kTorn;
  });
  if (inspection->error && !torn) outcome.error = located(options.place, *inspection->error);
  return outcome;
}

}  // namespace

void add_wal_ls(CLI::App& wal, Selected& selected) {
  add_log_command<LogOptions>(
      wal,
      {.name = "ls",
       .description = "Lists the segments. Sealed ones are not read whole: see verify.",
       .place = "DIR",
       .place_description = kDirectoryHelp},
      selected, run_ls);
}

}  // namespace durability::cli
