// durability: look at a log or a checkpoint, feed it, check it.
//
// Exit status: 0 done and sound, 1 damage found or refused, 2 wrong usage.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <string_view>

#include "command.hpp"

namespace durability::cli {
namespace {

// Where a standard stream is closed, the next file to be opened would get its number, and an acknowledgement
// would be written into the log. What takes its place fails to be read, or written.
void occupy_standard_streams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    [[maybe_unused]] const int opened = ::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

ExitStatus wrong_usage(const CLI::App& app, const CLI::ParseError& error, bool json) {
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
    app.exit(error);  // prints the help that was asked for
    return kSound;
  }
  Error usage(ErrorCode::kInvalidConfig, error.what());
  usage.advise("nothing was done; see --help");
  return present(Outcome::failed(std::move(usage)), json);
}

ExitStatus run(int argc, char** argv) {
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
    const bool json =
        std::any_of(argv, argv + argc, [](std::string_view argument) { return argument == "--json"; });
    return wrong_usage(app, error, json);
  }
  return selected();
}

}  // namespace
}  // namespace durability::cli

int main(int argc, char** argv) {
  durability::cli::occupy_standard_streams();
  try {
    return durability::cli::run(argc, argv);
  } catch (const std::exception& exception) {  // the library throws none: out of memory, or of threads
    fmt::print(stderr, "durability: {}\n", exception.what());
    return durability::cli::kRefused;
  }
}
