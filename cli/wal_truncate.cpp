// wal truncate: deletes the segments that a checkpoint covers.
//
// What a checkpoint does not hold is lost with its segment, so the checkpoint is made durable and read
// first, and what lies beyond it is not deleted unless --force says so.

#include "durability/checkpoint/file.hpp"
#include "durability/segment_index/recovery_manager.hpp"
#include "durability/walog/read/segment_listing.hpp"
#include "durability/walog/writer.hpp"
#include "file_place.hpp"
#include "log_place.hpp"
#include "number.hpp"

namespace durability::cli {
namespace {

struct TruncateOptions : LogOptions {
  std::uint64_t through = 0;
  std::string checkpoint;
  bool force = false;
};

struct Covering {
  std::string file;  ///< as it was given, or below DIR
  DurableId upto;
};

Result<Covering> given_checkpoint(const std::string& file) {
  DURABILITY_TRY_ASSIGN(const FilePlace path, FilePlace::open_file(file));
  const auto upto = CheckpointFile(path.directory).make_durable(path.name);
  if (!upto) return located(path.parent, upto.error());
  return Covering{.file = file, .upto = *upto};
}

// Of a log of WalEntry: the checkpoint that recovery would begin with. Other logs name none.
Result<Covering> named_checkpoint(const std::shared_ptr<Directory>& directory, const std::string& place) {
  const auto path = RecoveryManager(directory).latest_checkpoint(RecoveryOptions::best_effort());
  if (!path && path.error().code() != ErrorCode::kDecode) return located(place, path.error());
  if (!path || !*path) {
    return Error(ErrorCode::kInvalidState, "no checkpoint says that these entries are no longer needed")
        .in_file(place)
        .advise("nothing was deleted; give --checkpoint FILE, or --force");
  }
  const auto upto = CheckpointFile(directory).make_durable(**path);
  if (!upto) return located(place, upto.error());
  return Covering{.file = (std::filesystem::path(place) / **path).string(), .upto = *upto};
}

Status check_covered(const std::shared_ptr<Directory>& directory, const TruncateOptions& options) {
  if (options.force) return {};
  DURABILITY_TRY_ASSIGN(const Covering covering, options.checkpoint.empty()
                                                     ? named_checkpoint(directory, options.place)
                                                     : given_checkpoint(options.checkpoint));
  if (options.through <= covering.upto.value()) return {};
  return Error(ErrorCode::kInvalidState, fmt::format("the checkpoint ends with entry {}, before entry {}",
                                                     covering.upto, options.through))
      .in_file(covering.file)
      .with_values(options.through, covering.upto.value())
      .advise("nothing was deleted; give a newer checkpoint, or --force to lose entries");
}

struct Truncated {
  WalTruncation what;
  EntryId first;  // that the log still holds, or will hold
  EntryId next;
};

Result<Truncated> truncate(const std::shared_ptr<Directory>& directory, EntryId through) {
  DURABILITY_TRY_ASSIGN(auto log, WalWriter<Bytes>::resume(directory));
  DURABILITY_TRY_ASSIGN(const DurableId upto, log.durable_up_to(through));
  DURABILITY_TRY_ASSIGN(auto what, log.truncate_prefix(upto));
  Truncated truncated{
      .what = std::move(what), .first = log.segment_ranges().front().first, .next = log.next_entry_id()};
  DURABILITY_TRY(log.close());
  return truncated;
}

/// Of a log that is not there, which truncation would otherwise begin.
Outcome nothing_truncated() {
  return {.fields = Json{{"deleted_segments", 0},
                         {"deleted_entries", 0},
                         {"first_entry_id", nullptr},
                         {"next_entry_id", nullptr}},
          .text = "nothing to delete: there is no log\n",
          .error = {}};
}

Outcome run_truncate(const TruncateOptions& options) {
  auto directory = open_log(options);
  if (!directory) return Outcome::failed(directory.error());
  const auto segments_there = walog::list_segments(**directory);
  if (segments_there && segments_there->empty()) return nothing_truncated();
  if (Status covered = check_covered(*directory, options); !covered) return Outcome::failed(covered.error());
  const auto done = truncate(*directory, EntryId(options.through));
  if (!done) return Outcome::failed(located(options.place, done.error()));

  std::uint64_t entries = 0;
  for (const SegmentRange& range : done->what.deleted) entries += range.entries;
  const std::size_t segments = done->what.deleted.size();
  return {.fields = Json{{"deleted_segments", segments},
                         {"deleted_entries", entries},
                         {"first_entry_id", done->first.value()},
                         {"next_entry_id", done->next.value()}},
          .text = fmt::format("deleted {} with {}; the log now begins at entry {}\n",
                              count_of(segments, "segment", "segments"),
                              count_of(entries, "entry", "entries"), done->first),
          .error = {}};
}

}  // namespace

void add_wal_truncate(CLI::App& wal, Selected& selected) {
  auto [command, options] = add_log_command<TruncateOptions>(
      wal,
      {.name = "truncate",
       .description = "Deletes the segments whose entries all have an id up to the given one; the newest "
                      "segment always stays. Opens the log as a writer does: it takes the lock, and cuts a "
                      "torn tail off.",
       .place = "DIR",
       .place_description = kDirectoryHelp,
       .effect = Effect::kWrites},
      selected, run_truncate);
  command->add_option("--through", options->through, "The last entry that is no longer needed")
      ->transform(number())
      ->required();
  CLI::Option* checkpoint =
      command
          ->add_option(
              "--checkpoint", options->checkpoint,
              "File of the checkpoint that holds these entries; refuses to go beyond it. Without: the "
              "newest that the log names, if it is that of a segment index")
          ->check(a_place());
  command->add_flag("--force", options->force, "Delete without regard to a checkpoint")->excludes(checkpoint);
}

}  // namespace durability::cli
