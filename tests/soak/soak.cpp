// Runs for as long as it is told: writers live and are killed on real files, with random options; after each
// life the log is opened, read and compared with what was acknowledged. See docs/testing.md.
//
//   soak [--seconds N] [--seed N] [--directory PATH]

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <random>
#include <string_view>

#include "ledger.hpp"

namespace durability::soak {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

struct Options {
  std::chrono::seconds duration{60};
  std::uint64_t seed = std::random_device{}();
  std::filesystem::path place = std::filesystem::temp_directory_path();
};

/// What this process holds.
struct Footprint {
  std::uint64_t resident_kib = 0;
  std::uint64_t descriptors = 0;
};

Footprint footprint() {
  Footprint found;
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word == "VmRSS:") status >> found.resident_kib;
  }
  const std::filesystem::directory_iterator open("/proc/self/fd");
  found.descriptors = static_cast<std::uint64_t>(std::distance(begin(open), end(open)));
  return found;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kMemoryIsOurs = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kMemoryIsOurs = false;  // freed memory stays in quarantine
#else
constexpr bool kMemoryIsOurs = true;
#endif
#else
constexpr bool kMemoryIsOurs = true;
#endif
constexpr std::uint64_t kSlackKib = 32 * 1024;  // what an allocator keeps for threads that came and went

/// A life in a process of its own. Everything it says comes through a pipe.
class Child {
 public:
  Child(const std::filesystem::path& path, const Plan& plan) {
    if (pipe(pipe_) != 0) throw Broken("no pipe");
    process_ = fork();
    if (process_ < 0) throw Broken("no process");
    if (process_ == 0) {
      close(pipe_[0]);
      _exit(work(path, plan));
    }
    close(pipe_[1]);
  }
  ~Child() { close(pipe_[0]); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Hands on what it acknowledges until `deadline`; false where it has ended.
  bool listen(SteadyClock::time_point deadline, Ledger& ledger) {
    while (true) {
      const auto left = std::chrono::duration_cast<milliseconds>(deadline - SteadyClock::now()).count();
      pollfd waiting{.fd = pipe_[0], .events = POLLIN, .revents = 0};
      if (left < 0 || poll(&waiting, 1, static_cast<int>(left)) == 0) return true;
      if (!hear(ledger)) return false;
    }
  }

  /// Kills it, hears it out, and says whether the kill came before its end.
  bool kill_and_hear(Ledger& ledger) {
    kill(process_, SIGKILL);
    while (hear(ledger)) {
    }
    int status = 0;
    waitpid(process_, &status, 0);
    const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    require(killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0), "a writer failed; it says why above");
    return killed;
  }

 private:
  // Acknowledgements are smaller than PIPE_BUF, so each is written whole or not at all.
  bool hear(Ledger& ledger) {
    Acknowledgement said[64];
    const ssize_t got = read(pipe_[0], said, sizeof said);
    if (got <= 0) return false;
    for (std::size_t i = 0; i < static_cast<std::size_t>(got) / sizeof said[0]; ++i)
      ledger.acknowledge(said[i]);
    return true;
  }

  int work(const std::filesystem::path& path, const Plan& plan) {
    try {
      live(need(FsDirectory::open(path), "opening the directory"), plan, [this](const Acknowledgement& said) {
        require(write(pipe_[1], &said, sizeof said) == sizeof said, "the pipe broke");
      });
      return 0;
    } catch (const std::exception& error) {
      fmt::print(stderr, "soak: life {}: {}\n", plan.life, error.what());
      return 1;
    }
  }

  int pipe_[2] = {};
  pid_t process_ = -1;
};

class Soak {
 public:
  explicit Soak(const Options& options) : options_(options), random_(options.seed) {}

  void run() {
    const auto begin = SteadyClock::now();
    const auto end = begin + options_.duration;
    auto next_line = begin + std::chrono::minutes(1);
    while (SteadyClock::now() < end) {
      one_log(end);
      // What is allocated once is there after the first log.
      if (++logs_ == 1) start_ = footprint();
      if (SteadyClock::now() < next_line) continue;
      report(SteadyClock::now() - begin);
      next_line += std::chrono::minutes(1);
    }
    report(SteadyClock::now() - begin);
    require(acknowledged_ > 0 && kills_ > 0,
            "nothing was killed, or nothing acknowledged: nothing was tested");
    const Footprint now = footprint();
    require(!start_ || now.descriptors == start_->descriptors, "descriptors were not closed");
    require(!start_ || !kMemoryIsOurs || now.resident_kib < start_->resident_kib + kSlackKib, "memory grew");
  }

 private:
  /// Some lives on one log.
  void one_log(SteadyClock::time_point end) {
    path_ = options_.place / fmt::format("durability-soak-{}-{}", getpid(), logs_);
    std::filesystem::create_directories(path_);
    const bool record_log = random_.one_in(4);
    {
      const auto directory = need(FsDirectory::open(path_), "opening the directory");
      Ledger ledger(directory, record_log);
      for (auto lives = 3 + random_.below(10); lives > 0 && SteadyClock::now() < end; --lives) {
        ++lives_;
        const bool here = random_.one_in(6);
        // A life that is to be killed is mostly too long to end by itself.
        const Plan plan{.seed = random_.next_u64(),
                        .life = lives_,
                        .record_log = record_log,
                        .appends = 20 + random_.below(here ? 1000 : 20'000)};
        if (here) {
          live_here(directory, plan, ledger);
        } else {
          live_and_die(plan, ledger);
        }
        ledger.settle(plan.life);
      }
      acknowledged_ += ledger.acknowledged();
      entries_ += ledger.entries();
    }
    std::filesystem::remove_all(path_);
  }

  void live_and_die(const Plan& plan, Ledger& ledger) {
    Child child(path_, plan);
    const auto moment = SteadyClock::now() + milliseconds(random_.below(random_.one_in(5) ? 2000 : 200));
    const auto look = moment - milliseconds(random_.below(100));
    if (child.listen(look, ledger)) {
      ledger.look_on();
      child.listen(moment, ledger);
    }
    if (child.kill_and_hear(ledger)) ++kills_;
  }

  // In this process, so that its memory and descriptors are a writer's too.
  static void live_here(const std::shared_ptr<Directory>& directory, const Plan& plan, Ledger& ledger) {
    std::mutex mutex;
    live(directory, plan, [&](const Acknowledgement& said) {
      const std::scoped_lock lock(mutex);
      ledger.acknowledge(said);
    });
  }

  void report(SteadyClock::duration passed) const {
    const Footprint now = footprint();
    const Footprint then = start_.value_or(now);
    fmt::print(
        "{:4} s: {} logs, {} lives, {} killed; {} entries, {} acknowledged, none lost; memory {} to {} MiB, "
        "descriptors {} to {}\n",
        std::chrono::duration_cast<std::chrono::seconds>(passed).count(), logs_, lives_, kills_, entries_,
        acknowledged_, then.resident_kib / 1024, now.resident_kib / 1024, then.descriptors, now.descriptors);
    std::fflush(stdout);
  }

  const Options& options_;
  testing::SeededRandom random_;
  std::filesystem::path path_;
  std::optional<Footprint> start_;
  std::uint64_t logs_ = 0;
  std::uint32_t lives_ = 0;
  std::uint64_t kills_ = 0;
  std::uint64_t entries_ = 0;
  std::uint64_t acknowledged_ = 0;
};

std::uint64_t number_in(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  require(error == std::errc{} && end == text.data() + text.size(), "not a number: " + std::string(text));
  return number;
}

Options parse(int argc, char** argv) {
  Options options;
  require(argc % 2 == 1, "usage: soak [--seconds N] [--seed N] [--directory PATH]");
  for (int i = 1; i < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--seconds") {
      options.duration = std::chrono::seconds(number_in(argv[i + 1]));
    } else if (name == "--seed") {
      options.seed = number_in(argv[i + 1]);
    } else if (name == "--directory") {
      options.place = argv[i + 1];
    } else {
      throw Broken("unknown option " + std::string(name));
    }
  }
  return options;
}

}  // namespace
}  // namespace durability::soak

int main(int argc, char** argv) {
  durability::soak::Options options;
  try {
    options = durability::soak::parse(argc, argv);
    durability::soak::Soak(options).run();
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr,
               "soak: {}\n  the log is still there, in {}/durability-soak-{}-*\n  again: {} --seed {} "
               "--seconds {}\n",
               error.what(), options.place.string(), getpid(), argv[0], options.seed,
               options.duration.count());
    return 1;
  }
}
