#include "watched.hpp"

#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <thread>

namespace durability::shortages {
namespace {

/// Generous: a life takes milliseconds, and some more under a sanitizer.
constexpr int kHangMilliseconds = 20'000;
constexpr int kPatience = 20'000;

/// What the watched process leaves to the watching one.
struct Board {
  Tally tally;
  std::array<char, 2000> wrong{};
};

/// Said after each run; short enough to be written in one piece.
struct Said {
  bool well = false;
  std::uint64_t asked = 0;
  std::uint64_t refused = 0;
  Site first_refused;
};

Board& board() {
  static Board* const shared = [] {
    void* const memory =
        ::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    return new (memory) Board;
  }();
  return *shared;
}

[[noreturn]] void on_terminate() {
  const Exempt exempt;
  std::array<void*, 20> frames{};
  const int depth = ::backtrace(frames.data(), static_cast<int>(frames.size()));
  ::backtrace_symbols_fd(frames.data(), depth, STDERR_FILENO);
  static_cast<void>(std::signal(SIGABRT, SIG_DFL));
  std::abort();
}

void print_stacks_of(pid_t process) {
  const auto command = fmt::format(
      "command -v gdb >/dev/null && gdb -p {} -batch -nx -ex 'thread apply all bt 14' 2>/dev/null |"
      " grep '^#\\|^Thread' >&2",
      process);
  // NOLINTNEXTLINE(cert-env33-c,concurrency-mt-unsafe): a help for people, where there is a debugger
  static_cast<void>(std::system(command.c_str()) + 1);
}

std::size_t open_descriptors() {
  std::size_t open = 0;
  for (int fd = 0; fd < 256; ++fd) open += ::fcntl(fd, F_GETFD) >= 0 ? 1U : 0U;
  return open;
}

/// One life; yields what is wrong.
std::string live(const Life& life, const Shortage& shortage) {
  const std::size_t descriptors = open_descriptors();
  std::string wrong;
  try {
    wrong = life([&](const std::function<void()>& part) {
      arm(shortage, board().tally);
      try {
        part();
      } catch (...) {
        disarm();
        throw;
      }
      disarm();
    });
  } catch (const std::exception& thrown) {
    wrong = fmt::format("threw {}", thrown.what());
  }
  // A thread that lets go of its pool last closes what it holds a moment later.
  for (int turns = 0; open_descriptors() != descriptors && turns < kPatience; ++turns)
    std::this_thread::yield();
  return wrong.empty() && open_descriptors() != descriptors ? "descriptors were left open" : wrong;
}

[[noreturn]] void live_and_say(const Life& life, Shortage shortage, std::span<const std::uint64_t> numbers,
                               int pipe) {
  std::set_terminate(on_terminate);
  // Once without a word: what is done the first time only (memory that a thread keeps, say) is done then.
  shortage.number = ~std::uint64_t{0};
  static_cast<void>(live(life, shortage));
  for (const std::uint64_t number : numbers) {
    shortage.number = number;
    const std::string wrong = live(life, shortage);
    const Tally& tally = board().tally;
    board().wrong.fill('\0');
    std::copy_n(wrong.begin(), std::min(wrong.size(), board().wrong.size() - 1), board().wrong.begin());
    const Said said{.well = wrong.empty(),
                    .asked = tally.asked,
                    .refused = tally.refused,
                    .first_refused = tally.first_refused};
    const bool written = ::write(pipe, &said, sizeof said) == static_cast<ssize_t>(sizeof said);
    if (!said.well || !written) break;
  }
  ::_exit(0);
}

}  // namespace

Watched::Watched(const Life& life, Shortage shortage, std::span<const std::uint64_t> numbers) {
  std::array<int, 2> ends{};
  board();
  if (::pipe(ends.data()) != 0) std::abort();
  std::fflush(nullptr);
  process_ = ::fork();
  if (process_ == 0) {
    ::close(ends[0]);
    // On a stack of its own: a site is told by its callers, and whoever watches is none of them.
    std::thread([&] { live_and_say(life, shortage, numbers, ends[1]); }).join();
  }
  ::close(ends[1]);
  pipe_ = ends[0];
}

Watched::~Watched() {
  ::close(pipe_);
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
}

Outcome Watched::next() {
  pollfd waited{.fd = pipe_, .events = POLLIN, .revents = 0};
  const auto died = [](std::string wrong) {
    return Outcome{
        .wrong = std::move(wrong), .asked = 0, .refused = 1, .first_refused = board().tally.first_refused};
  };
  if (::poll(&waited, 1, kHangMilliseconds) == 0) {
    print_stacks_of(process_);
    return died("hangs");
  }
  Said said;
  if (::read(pipe_, &said, sizeof said) == static_cast<ssize_t>(sizeof said)) {
    return {.wrong = said.well ? "" : board().wrong.data(),
            .asked = said.asked,
            .refused = said.refused,
            .first_refused = said.first_refused};
  }
  siginfo_t how{};
  ::waitid(P_PID, static_cast<id_t>(process_), &how, WEXITED | WNOWAIT);
  return died(
      fmt::format("{} {}", how.si_code == CLD_EXITED ? "ends with status" : "dies of signal", how.si_status));
}

std::span<const std::uint64_t> Watched::sites() { return board().tally.sites; }

void print(const Site& site) {
  const auto end = std::ranges::find(site.callers, nullptr);
  const auto depth = static_cast<std::size_t>(end - site.callers.begin());
  Dl_info program{};
  ::dladdr(reinterpret_cast<void*>(&board), &program);
  std::string offsets;
  for (std::size_t i = 0; i < depth; ++i) {
    Dl_info info{};
    if (::dladdr(site.callers.at(i), &info) == 0 || info.dli_fbase != program.dli_fbase) continue;
    offsets += fmt::format(" {:x}", reinterpret_cast<std::uintptr_t>(site.callers.at(i)) -
                                        reinterpret_cast<std::uintptr_t>(info.dli_fbase) - 1);
  }
  const auto command = fmt::format("addr2line -Cfpse /proc/{}/exe {} >&2", ::getpid(), offsets);
  // NOLINTNEXTLINE(cert-env33-c,concurrency-mt-unsafe): a help for people
  if (std::system(command.c_str()) == 0) return;
  ::backtrace_symbols_fd(site.callers.data(), static_cast<int>(depth), STDERR_FILENO);
}

}  // namespace durability::shortages
