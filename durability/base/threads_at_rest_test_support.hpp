#pragma once

// For tests of who waits for whom. How long a thread needs until it waits is a matter of luck; whether all of
// them wait is asked of the system.

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

#include <unistd.h>

namespace durability::test {

/// How often each of the other threads has ceased to run; none where one of them runs, or would if it could.
inline std::optional<std::map<std::string, std::uint64_t>> others_asleep() {
  std::map<std::string, std::uint64_t> pauses;
  const std::string own = std::to_string(::gettid());
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    const std::string id = thread.path().filename();
    if (id == own) continue;
    std::uint64_t& paused = pauses[id];
    std::ifstream status(thread.path() / "status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("State:") && line.find("S (sleeping)") == std::string::npos) return std::nullopt;
      const std::size_t value = line.find("ctxt_switches:\t");
      if (value == std::string::npos) continue;
      std::uint64_t count = 0;
      std::from_chars(&line[line.find('\t') + 1], line.data() + line.size(), count);
      paused += count;
    }
  }
  return pauses;
}

/// Returns when all other threads wait, so that nothing happens any more but what the caller does: whoever
/// sleeps at two looks, and has not run in between, slept at the moment between the looks, as all did.
inline void let_others_come_to_rest() {
  while (true) {
    try {
      const auto before = others_asleep();
      if (before && before == others_asleep()) return;
    } catch (const std::filesystem::filesystem_error&) {  // a thread that ended meanwhile
    }
    std::this_thread::yield();
  }
}

}  // namespace durability::test
