#pragma once

// Whether there is a log where the command line says, and where it may have been meant.

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "command.hpp"

namespace durability::cli {

/// Where in its OUT `wal convert` writes a log that is not whole yet.
inline constexpr std::string_view kUnfinishedConversion = "wal.converting";

/// Of the commands that want a log to be there.
struct LogOptions : CommonOptions {
  bool allow_empty = false;
};

/// The directory that holds the log's wal/. `not_found`, with a word about what may have been meant, where it
/// does not exist or holds no segments; with --allow-empty it then is, or stands for, an empty one. Nothing
/// is made.
[[nodiscard]] Result<std::shared_ptr<Directory>> open_log(const LogOptions& options);

/// The same for what is there whether or not any segments are: a directory with a wal/.
[[nodiscard]] Result<std::shared_ptr<Directory>> open_remains(const LogOptions& options);

/// For whoever begins a log at `place`: `invalid_state` where it is the wal/ directory of one, or below that.
[[nodiscard]] Status refuse_nested_log(const std::string& place);

/// For whoever writes a file of another kind: `invalid_state` where it would lie in the wal/ directory of a
/// log.
[[nodiscard]] Status refuse_file_in_log(const std::string& file);

/// For whoever begins a log by appending: `invalid_state` where one was to come from a conversion, which was
/// broken off, or still runs.
[[nodiscard]] Status refuse_unfinished_conversion(const std::string& place);

/// add_command, for those.
template <class Options>
std::pair<CLI::App*, std::shared_ptr<Options>> add_log_command(CLI::App& parent, const CommandText& text,
                                                               Selected& selected,
                                                               Outcome (*run)(const Options&)) {
  auto added = add_command<Options>(parent, text, selected, run);
  added.first->add_flag("--allow-empty", added.second->allow_empty,
                        "Where there is no log take it for an empty one, and for no error");
  return added;
}

}  // namespace durability::cli
