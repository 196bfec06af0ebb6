#include "ending.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <string>

namespace durability::cli {
namespace {

// Until a command begins.
constexpr std::string_view kText = "durability: out of memory; nothing was done\n";
constexpr std::string_view kJson =
    R"({"ok":false,"error":{"code":"io","message":"out of memory","path":"","offset":null,)"
    R"("advice":"nothing was done","errno":12}})"
    "\n";
static_assert(ENOMEM == 12);

/// What the command that runs will say, made while there is memory.
struct Prepared {
  std::string text;
  std::string json;
};
std::atomic<const Prepared*> prepared = nullptr;

std::atomic<bool> json_wanted = false;
std::atomic_flag ending = ATOMIC_FLAG_INIT;

// Nothing here allocates. Unwinding would: there is a message to be made of each error, and a summary of what
// was done; and what unwinds through a thread ends in an abort.
[[noreturn]] void end_without_memory() {
  while (ending.test_and_set()) ::pause();  // another thread says it
  if (const auto status = presented()) {    // all is said: freeing it takes memory too
    ::_exit(::close(STDOUT_FILENO) == 0 || errno == EINTR ? *status : kRefused);
  }
  const Prepared* const said = prepared;
  const std::string_view json = said == nullptr ? kJson : std::string_view(said->json);
  if (!json_wanted || !write_to_stdout_plainly(json)) write_to_stderr(said == nullptr ? kText : said->text);
  ::_exit(kRefused);
}

// Memory may end while static objects are made, where no exception can be allocated either.
[[gnu::constructor(101)]] void end_before_main() {
  std::set_new_handler(end_without_memory);
  std::set_terminate(end_without_memory);
}

// Where a standard stream is closed, the next file to be opened would get its number, and an acknowledgement
// would be written into the log. What takes its place fails to be read, or written.
void occupy_standard_streams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    [[maybe_unused]] const int opened = ::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

}  // namespace

void prepare_streams_and_signals() {
  occupy_standard_streams();
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

void end_when_memory_ends(bool json) {
  json_wanted = json;
  std::set_new_handler(end_without_memory);
  std::set_terminate(std::abort);  // what ends there now is a fault of the tool, and is to be seen
}

void prepare_end_of_memory(const std::string& place, Effect effect) {
  const Error error =
      Error::from_errno(ENOMEM, "out of memory")
          .in_file(place)
          .advise(effect == Effect::kReads ? "nothing was changed; free some memory and try again"
                                           : "what counted is kept, the rest was not done");
  auto said = std::make_unique<Prepared>();
  said->text = fmt::format("durability: {}\n", error);
  said->json = object_line(Outcome::failed(error));
  delete prepared.exchange(said.release());
}

ExitStatus report_exception(const std::exception& exception, bool json) {
  Error error(ErrorCode::kInvalidState, fmt::format("an error of the tool itself: {}", exception.what()));
  error.advise("what counted is kept; report it, with the command");
  return present(Outcome::failed(std::move(error)), json);
}

ExitStatus close_output(ExitStatus status) {
  if (::close(STDOUT_FILENO) == 0 || errno == EINTR || status != kSound) return status;
  write_to_stderr(
      fmt::format("durability: {}\n", Error::from_errno(errno, "close").in_file("standard output")));
  return kRefused;
}

}  // namespace durability::cli
