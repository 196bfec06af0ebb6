#include "durability/testing/crash_path.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>
#include <utility>

namespace durability::testing {
namespace {

Error no_path(std::string_view line) {
  return Error(ErrorCode::kInvalidConfig, fmt::format("no path of crashes: '{}'", line))
      .advise("give what a failure printed after '|'");
}

Result<CrashStep> parse_step(std::string_view word) {
  const auto first = word.find(':');
  const auto second = first == std::string_view::npos ? first : word.find(':', first + 1);
  if (second == std::string_view::npos) return no_path(word);
  CrashStep step;
  const std::string_view number = word.substr(0, first);
  const auto cut = std::from_chars(number.data(), number.data() + number.size(), step.cut);
  if (cut.ec != std::errc() || cut.ptr != number.data() + number.size()) return no_path(word);
  step.way = word.substr(first + 1, second - first - 1);
  step.choices = word.substr(second + 1);
  DURABILITY_TRY(ReplayChooser::parse(step.choices));
  return step;
}

// Of a name or path, the same on every machine.
std::uint64_t hash(std::string_view text) noexcept {
  std::uint64_t value = 0xcbf29ce484222325U;
  for (const char letter : text) {
    value = (value ^ static_cast<unsigned char>(letter)) * 0x100000001b3U;
  }
  return value;
}

}  // namespace

std::string to_string(const CrashPath& path) {
  std::string line;
  for (const CrashStep& step : path) {
    if (!line.empty()) line += ' ';
    line += fmt::format("{}:{}:{}", step.cut, step.way, step.choices);
  }
  return line;
}

Result<CrashPath> parse_crash_path(std::string_view line) {
  CrashPath path;
  std::istringstream words{std::string(line)};
  for (std::string word; words >> word;) {
    DURABILITY_TRY_ASSIGN(CrashStep step, parse_step(word));
    path.push_back(std::move(step));
  }
  if (path.empty()) return no_path(line);
  return path;
}

Crash crash_of(const CrashPath& path, const std::vector<CrashProfile>& profiles) {
  Crash crash{
      .profile = std::nullopt, .seed = hash(to_string(path)), .number = static_cast<int>(path.size())};
  const auto profile =
      std::ranges::find_if(profiles, [&](const auto& one) { return one.name == path.back().way; });
  if (profile != profiles.end()) crash.profile = *profile;
  return crash;
}

std::shared_ptr<CrashDirectory> leave(const Machine& machine, const CrashStep& step,
                                      const std::vector<CrashProfile>& profiles) {
  const auto profile = crash_of({step}, profiles).profile;
  if (!profile) return machine.directory()->after_kill();
  ReplayChooser chooser(ReplayChooser::parse(step.choices).value());
  return machine.directory()->after_power_cut(*profile, chooser);
}

std::string follow(const CrashSubject& subject, const CrashOptions& disk,
                   const std::vector<CrashProfile>& profiles, const CrashPath& path, std::string* story) {
  const auto running = subject.clone();
  auto machine = std::make_unique<Machine>(CrashDirectory::make(disk).value(), path.front().cut);
  std::string wrong = running->work(*machine);
  for (std::size_t i = 0; i < path.size() && wrong.empty() && path[i].way != CrashStep::kNone; ++i) {
    const CrashPath so_far(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    if (story != nullptr) {
      *story += fmt::format("-- at operation {}\n{}", path[i].cut, machine->directory()->describe());
    }
    const auto left = leave(*machine, path[i], profiles);
    if (story != nullptr) *story += fmt::format("-- left by {}\n{}", path[i].way, left->describe());
    machine = std::make_unique<Machine>(left, i + 1 < path.size() ? path[i + 1].cut : Machine::kNever);
    wrong = running->recover(*machine, crash_of(so_far, profiles));
  }
  return wrong;
}

}  // namespace durability::testing
