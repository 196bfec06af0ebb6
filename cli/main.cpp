// durability: look at a log or a checkpoint, feed it, check it.
//
// Exit status: 0 done and sound, 1 damage found or refused, 2 wrong usage.

#include <algorithm>
#include <exception>
#include <span>
#include <sstream>
#include <string_view>

#include "command.hpp"
#include "ending.hpp"
#include "usage.hpp"

namespace durability::cli {
namespace {

ExitStatus print_help(const CLI::App& app, const CLI::ParseError& asked_for) {
  std::ostringstream text;
  app.exit(asked_for, text, text);
  return present({.fields = {}, .text = text.str(), .error = {}}, false);
}

ExitStatus run(int argc, char** argv, bool json) {
  CLI::App app("Looks at write-ahead logs and checkpoints, feeds and checks them.", "durability");
  app.set_version_flag("--version", DURABILITY_VERSION);
  app.footer("Exit status: 0 done and sound, 1 damage found or refused, 2 wrong usage.");
  app.require_subcommand(1);

  Selected selected;
  CLI::App* wal = app.add_subcommand("wal", "Write-ahead logs");
  wal->require_subcommand(1);
  add_wal_append(*wal, selected);
  add_wal_dump(*wal, selected);
  add_wal_verify(*wal, selected);
  add_wal_ls(*wal, selected);
  add_wal_stat(*wal, selected);
  add_wal_truncate(*wal, selected);
  add_wal_repair(*wal, selected);
  add_wal_convert(*wal, selected);
  CLI::App* checkpoint = app.add_subcommand("checkpoint", "Checkpoint files");
  checkpoint->require_subcommand(1);
  add_checkpoint_show(*checkpoint, selected);
  add_checkpoint_verify(*checkpoint, selected);
  CLI::App* recordlog = app.add_subcommand("recordlog", "Record logs, of one file each");
  recordlog->require_subcommand(1);
  add_recordlog_append(*recordlog, selected);
  add_recordlog_dump(*recordlog, selected);
  add_recordlog_verify(*recordlog, selected);
  add_recover(app, selected);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return print_help(app, error);
    return present(Outcome::failed(explain_usage(app, error, std::span(argv, argv + argc))), json);
  }
  return selected();
}

}  // namespace
}  // namespace durability::cli

int main(int argc, char** argv) {
  using namespace durability::cli;
  prepare_streams_and_signals();
  const bool json =
      std::any_of(argv, argv + argc, [](std::string_view argument) { return argument == "--json"; });
  end_when_memory_ends(json);
  try {
    return close_output(run(argc, argv, json));
  } catch (const std::exception& exception) {  // neither the library nor the tool throws any
    return report_exception(exception, json);
  }
}
