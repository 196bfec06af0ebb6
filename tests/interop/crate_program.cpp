#include "crate_program.hpp"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <stdexcept>

namespace durability::interop {
namespace {

constexpr int kCannotBeHad = 77;

// The program's path, the last line that build.sh prints; all of what it says goes to `said`.
std::string build(std::string& said, int& status) {
  const std::string command =
      fmt::format("'{}/tests/interop/build.sh' '{}' 2>&1", DURABILITY_SOURCE_DIR, DURABILITY_INTEROP_TARGET);
  FILE* const script = popen(command.c_str(), "r");
  if (script == nullptr) throw std::runtime_error("cannot start build.sh");
  std::array<char, 4096> line{};
  std::string last;
  while (std::fgets(line.data(), static_cast<int>(line.size()), script) != nullptr) {
    last = line.data();
    said += last;
  }
  status = WEXITSTATUS(pclose(script));
  return last.substr(0, last.find('\n'));
}

}  // namespace

std::unique_ptr<CrateProgram> CrateProgram::start(std::string& why_not) {
  int status = 0;
  std::string said;
  const std::string path = build(said, status);
  if (status == kCannotBeHad) {
    why_not = said;
    return nullptr;
  }
  if (status != 0) throw std::runtime_error("the crate's program does not build:\n" + said);

  std::signal(SIGPIPE, SIG_IGN);  // a program that died is noticed where its answer is missing
  std::array<int, 2> commands{};
  std::array<int, 2> answers{};
  if (pipe(commands.data()) != 0 || pipe(answers.data()) != 0) throw std::runtime_error("no pipe");
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("no process");
  if (child == 0) {
    dup2(commands[0], STDIN_FILENO);
    dup2(answers[1], STDOUT_FILENO);
    for (const int end : {commands[0], commands[1], answers[0], answers[1]}) close(end);
    execl(path.c_str(), path.c_str(), nullptr);
    _exit(127);
  }
  close(commands[0]);
  close(answers[1]);
  return std::unique_ptr<CrateProgram>(new CrateProgram(child, commands[1], answers[0]));
}

CrateProgram::~CrateProgram() {
  close(commands_);  // the end of its input ends it
  close(answers_);
  waitpid(child_, nullptr, 0);
}

json CrateProgram::ask(const std::string& command) {
  const std::string line = command + '\n';
  for (std::size_t sent = 0; sent < line.size();) {
    const ssize_t wrote = write(commands_, line.data() + sent, line.size() - sent);
    if (wrote <= 0) throw std::runtime_error("the crate's program is gone");
    sent += static_cast<std::size_t>(wrote);
  }
  std::size_t end = 0;
  while ((end = read_.find('\n')) == std::string::npos) {
    std::array<char, 65536> piece{};
    const ssize_t got = read(answers_, piece.data(), piece.size());
    if (got <= 0) throw std::runtime_error("the crate's program died of: " + command.substr(0, 400));
    read_.append(piece.data(), static_cast<std::size_t>(got));
  }
  json answer = json::parse(read_.substr(0, end));
  read_.erase(0, end + 1);
  return answer;
}

}  // namespace durability::interop
