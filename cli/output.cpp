#include "output.hpp"

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace durability::cli {
namespace {

constexpr int kNone = -1;
std::atomic<int> presented_status = kNone;

constexpr auto kReplaceBadUtf8 = Json::error_handler_t::replace;

Json or_null(std::optional<std::uint64_t> number) { return number ? Json(*number) : Json(nullptr); }

Json json_of(const Error& error) {
  Json object{{"code", code_name(error.code())},
              {"message", error.message()},
              {"path", error.path()},
              {"offset", or_null(error.offset())}};
  if (!error.advice().empty()) object["advice"] = error.advice();
  if (error.os_error() != 0) object["errno"] = error.os_error();
  if (error.expected() && error.actual()) {
    object["expected"] = *error.expected();
    object["actual"] = *error.actual();
  }
  return object;
}

ExitStatus status_of(const Error& error) {
  return error.code() == ErrorCode::kInvalidConfig ? kWrongUsage : kRefused;
}

ExitStatus print_error(const Error& error) {
  write_to_stderr(fmt::format("durability: {}\n", error));
  return status_of(error);
}

/// 0, or the errno of what went wrong. Waits for a reader of a pipe that does not block.
int write_all(int fd, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd room{.fd = fd, .events = POLLOUT, .revents = 0};
      ::poll(&room, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

}  // namespace

std::string object_line(const Outcome& outcome) {
  Json object{{"ok", !outcome.error}};
  if (outcome.fields) object.update(*outcome.fields);
  if (outcome.error) object["error"] = json_of(*outcome.error);
  return object.dump(-1, ' ', false, kReplaceBadUtf8) + "\n";
}

ExitStatus present(const Outcome& outcome, bool json) {
  std::string text = outcome.text;
  if (json) text = outcome.fields || outcome.error ? object_line(outcome) : "";
  if (Status written = write_to_stdout(text); !written) {
    if (outcome.error) return print_error(*outcome.error);
    return print_error(written.error());
  }
  const ExitStatus status = outcome.error ? status_of(*outcome.error) : kSound;
  if (json) presented_status = status;
  if (!outcome.note.empty()) write_to_stderr(fmt::format("durability: {}\n", outcome.note));
  if (outcome.error && !json) print_error(*outcome.error);
  presented_status = status;
  return status;
}

std::optional<ExitStatus> presented() noexcept {
  const int status = presented_status;
  return status == kNone ? std::nullopt : std::optional(static_cast<ExitStatus>(status));
}

Json id_or_null(std::optional<EntryId> id) { return id ? Json(id->value()) : Json(nullptr); }

std::string count_of(std::uint64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

Error located(const std::string& directory, Error error) {
  const std::filesystem::path root(directory);
  return error.in_file(error.path().empty() ? directory : (root / error.path()).string());
}

Error cannot_listen(int os_error, std::string_view what) {
  return Error::from_errno(os_error, what)
      .in_file("standard input")
      .advise(fmt::format("nothing was appended; {} and try again", remedy_for(os_error)));
}

Status write_to_stdout(std::string_view text) {
  const int error = write_all(STDOUT_FILENO, text);
  if (error == 0) return {};
  return Error::from_errno(error, "write").in_file("standard output").advise("stopped there");
}

bool write_to_stdout_plainly(std::string_view text) noexcept { return write_all(STDOUT_FILENO, text) == 0; }

void write_to_stderr(std::string_view text) noexcept {
  [[maybe_unused]] const int error = write_all(STDERR_FILENO, text);
}

}  // namespace durability::cli
