// recover: what a segment index would find when it starts.

#include <filesystem>
#include <iterator>

#include "durability/segment_index/recovery_manager.hpp"
#include "log_place.hpp"
#include "number.hpp"
#include "read_mode.hpp"

namespace durability::cli {
namespace {

struct RecoverOptions : LogOptions {
  std::string checkpoint;
  bool latest = false;
  std::optional<std::uint64_t> up_to;
  ReadMode mode = ReadMode::kBestEffort;
};

// As the log names checkpoints: below DIR. An absolute path may lead there too.
std::string below(const std::string& directory, const std::string& file) {
  const std::filesystem::path given(file);
  if (given.is_relative()) return file;
  std::filesystem::path root = std::filesystem::absolute(directory).lexically_normal();
  if (!root.has_filename()) root = root.parent_path();  // "log/"
  return given.lexically_normal().lexically_relative(root).string();
}

RecoveryOptions library_options(const RecoverOptions& options) {
  const auto chosen =
      options.mode == ReadMode::kStrict ? RecoveryOptions::strict() : RecoveryOptions::best_effort();
  return options.up_to ? chosen.up_to(EntryId(*options.up_to)) : chosen;
}

Result<RecoveredState> recover(const std::shared_ptr<Directory>& directory, const RecoverOptions& options) {
  const RecoveryManager manager(directory);
  if (options.latest) return manager.recover_latest(library_options(options));
  if (options.checkpoint.empty()) return manager.recover({}, library_options(options));
  return manager.recover(below(options.place, options.checkpoint), library_options(options));
}

struct Totals {
  std::uint64_t documents = 0;
  std::uint64_t deletes = 0;
};

Totals totals_of(const IndexSegments& segments) {
  Totals totals;
  for (const auto& [id, segment] : segments) {
    totals.documents += segment.doc_count;
    totals.deletes += segment.deleted_docs.size();
  }
  return totals;
}

std::optional<EntryId> last_entry(const RecoveredState& state) {
  return state.last_entry_id > EntryId(0) ? std::optional(state.last_entry_id) : std::nullopt;
}

Json fields_of(const RecoveredState& state) {
  Json segments = Json::array();
  for (const auto& [id, segment] : state.segments) {
    segments.push_back(
        Json{{"segment_id", id}, {"doc_count", segment.doc_count}, {"deleted_docs", segment.deleted_docs}});
  }
  const Totals totals = totals_of(state.segments);
  const auto text_or_null = [](const auto& text) { return text ? Json(*text) : Json(nullptr); };
  std::optional<std::string> ignored;
  if (state.ignored_checkpoint) ignored = state.ignored_checkpoint->to_string();
  return {{"last_entry_id", id_or_null(last_entry(state))},
          {"checkpoint", text_or_null(state.checkpoint)},
          {"ignored_checkpoint", text_or_null(ignored)},
          {"torn_tail", state.torn_tail},
          {"segments", std::move(segments)},
          {"documents", totals.documents},
          {"deletes", totals.deletes}};
}

std::string text_of(const RecoveredState& state) {
  std::string text = fmt::format("{:>20}  {:>10}  {:>10}\n", "segment", "documents", "deletes");
  for (const auto& [id, segment] : state.segments) {
    fmt::format_to(std::back_inserter(text), "{:>20}  {:>10}  {:>10}\n", id, segment.doc_count,
                   segment.deleted_docs.size());
  }
  const Totals totals = totals_of(state.segments);
  fmt::format_to(
      std::back_inserter(text), "{}, {}, {}; ", count_of(state.segments.size(), "segment", "segments"),
      count_of(totals.documents, "document", "documents"), count_of(totals.deletes, "delete", "deletes"));
  text += last_entry(state) ? fmt::format("the last entry is {}\n", state.last_entry_id) : "no entries\n";
  text += state.checkpoint
              ? fmt::format("began with the checkpoint {}\n", escape_for_display(*state.checkpoint))
              : "began without a checkpoint\n";
  if (state.ignored_checkpoint) text += fmt::format("ignored: {}\n", *state.ignored_checkpoint);
  if (state.torn_tail) text += "left out a torn tail\n";
  return text;
}

/// An entry that does not decode: most likely this is another kind of log, and recovery the wrong command.
Error explained(Error error) {
  if (error.code() != ErrorCode::kDecode || !error.path().starts_with(walog::kWalDirectory)) return error;
  Error other(ErrorCode::kDecode,
              "not an entry of a segment index, which is what recover reads: " + error.message());
  other.in_file(error.path()).advise("nothing was changed; wal dump shows entries of any kind");
  if (error.offset()) other.at_offset(*error.offset());
  return other;
}

Outcome run_recover(const RecoverOptions& options) {
  auto directory = open_log(options);
  if (!directory) return Outcome::failed(directory.error());
  const auto state = recover(*directory, options);
  if (!state) return Outcome::failed(located(options.place, explained(state.error())));
  return {.fields = fields_of(*state), .text = text_of(*state), .error = {}};
}

}  // namespace

void add_recover(CLI::App& app, Selected& selected) {
  auto [command, options] = add_log_command<RecoverOptions>(
      app,
      {.name = "recover",
       .description = "Recovers a segment index from a checkpoint and the log after it, and prints what it "
                      "found: segments, documents, deletes. Writes nothing.\n"
                      "Without --checkpoint and --latest from the log alone, which must begin at entry 1.",
       .place = "DIR",
       .place_description = kDirectoryHelp},
      selected, run_recover);
  auto* checkpoint = command
                         ->add_option("--checkpoint", options->checkpoint,
                                      "Begin with this checkpoint, if it is there; a path below DIR")
                         ->check(a_place());
  command->add_flag("--latest", options->latest, "Begin with the newest checkpoint that the log names")
      ->excludes(checkpoint);
  command->add_option("--up-to", options->up_to, "The state after the entry of this id")->transform(number());
  add_read_mode(*command, options->mode);
}

}  // namespace durability::cli
