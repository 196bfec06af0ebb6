#pragma once

// How a command is added to the command line.

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>

#include "ending.hpp"
#include "output.hpp"

namespace durability::cli {

/// What every command takes; each adds its own.
struct CommonOptions {
  std::string place;  ///< DIR or FILE
  bool json = false;
};

/// What the command line asked for, to be run once all of it has been understood.
using Selected = std::function<ExitStatus()>;

struct CommandText {
  std::string name;
  std::string description;
  std::string place;  ///< name of its one argument
  std::string place_description;
  Effect effect = Effect::kReads;
};

inline const char* const kDirectoryHelp = "The directory that holds wal/";

/// No place is called nothing; and `-`, elsewhere standard input, is no file here: `wal append -` is not to
/// make a directory of that name.
[[nodiscard]] inline Status check_place(const std::string& place) {
  if (!place.empty() && place != "-") return {};
  return Error(ErrorCode::kInvalidConfig, fmt::format("\"{}\" names no place", place))
      .advise(place.empty()
                  ? "nothing was done; give a path"
                  : "nothing was done; ./- is what is called so, and only lines to append are read from "
                    "standard input, always");
}

/// For Option::check of another file than the command's own.
[[nodiscard]] inline CLI::Validator a_place() {
  const auto check = [](std::string& text) -> std::string {
    const Status sane = check_place(text);
    return sane ? "" : sane.error().message();
  };
  return CLI::Validator(check, "");
}

/// Adds a command; the caller adds its options to both of what is returned.
template <class Options>
std::pair<CLI::App*, std::shared_ptr<Options>> add_command(CLI::App& parent, const CommandText& text,
                                                           Selected& selected,
                                                           Outcome (*run)(const Options&)) {
  auto options = std::make_shared<Options>();
  CLI::App* command = parent.add_subcommand(text.name, text.description);
  command->add_option(text.place, options->place, text.place_description)->required();
  command->add_flag("--json", options->json, "Print JSON, errors included, to standard output");
  command->callback([options, run, effect = text.effect, &selected] {
    selected = [options, run, effect] {
      if (Status sane = check_place(options->place); !sane) {
        return present(Outcome::failed(sane.error()), options->json);
      }
      prepare_end_of_memory(options->place, effect);
      return present(run(*options), options->json);
    };
  });
  return {command, options};
}

void add_wal_append(CLI::App& wal, Selected& selected);
void add_wal_dump(CLI::App& wal, Selected& selected);
void add_wal_verify(CLI::App& wal, Selected& selected);
void add_wal_ls(CLI::App& wal, Selected& selected);
void add_wal_stat(CLI::App& wal, Selected& selected);
void add_wal_truncate(CLI::App& wal, Selected& selected);
void add_wal_repair(CLI::App& wal, Selected& selected);
void add_wal_convert(CLI::App& wal, Selected& selected);
void add_checkpoint_show(CLI::App& checkpoint, Selected& selected);
void add_checkpoint_verify(CLI::App& checkpoint, Selected& selected);
void add_recordlog_append(CLI::App& recordlog, Selected& selected);
void add_recordlog_dump(CLI::App& recordlog, Selected& selected);
void add_recordlog_verify(CLI::App& recordlog, Selected& selected);
void add_recover(CLI::App& app, Selected& selected);

}  // namespace durability::cli
