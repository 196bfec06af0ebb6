// Cuts the power under a log, in a simulated disk, at every operation of a run, and shows what opening the
// log makes of it. A real kill leaves the kernel alive, so it hardly ever tears a write; this does.
//
//   power_cut < lines        exit status 1 if one acknowledged entry is missing
//
// The disk is durability/testing/crash_directory.hpp: it loses names, sizes and sectors of bytes that were
// not synced, independently of each other.

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "durability/durability.hpp"
#include "durability/testing/crash_directory.hpp"
#include "durability/testing/manual_worker.hpp"

namespace {

namespace d = durability;
namespace t = durability::testing;
using Log = d::WalWriter<std::string>;
using Lines = std::vector<std::string>;

constexpr std::size_t kGroup = 8;       // entries that are made durable together
constexpr std::uint64_t kOutcomes = 8;  // that are tried for each operation and fault profile
constexpr std::size_t kMaxLines = 200;

d::WalOptions small_segments() {
  d::WalOptions options;
  options.segment_bytes = 8192;  // so that the run goes across several
  options.worker = std::make_shared<t::ManualWorker>();
  return options;
}

/// Appends the lines in groups, until the power is cut. Returns how many were acknowledged as durable.
std::size_t write_log(const std::shared_ptr<t::CrashDirectory>& disk, const Lines& lines) {
  std::size_t acknowledged = 0;
  auto log = Log::open(disk, small_segments());
  for (std::size_t next = 0; log && next < lines.size();) {
    for (std::size_t i = 0; i < kGroup && next < lines.size(); ++i, ++next) {
      if (!log->append(lines[next])) return acknowledged;
    }
    if (!log->flush_and_sync()) return acknowledged;
    acknowledged = next;
  }
  if (log && !log->close()) return acknowledged;
  return acknowledged;
}

struct Totals {
  std::uint64_t cuts = 0;
  std::uint64_t torn = 0;
  std::uint64_t failed = 0;
};

/// What is wrong with the entries; nothing where they are what was appended, and all that was acknowledged.
std::string compare(const std::vector<d::WalRecord<std::string>>& entries, const Lines& lines,
                    std::size_t acknowledged) {
  if (entries.size() < acknowledged) {
    return fmt::format("{} of {} acknowledged entries are there", entries.size(), acknowledged);
  }
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i >= lines.size() || entries[i].id.value() != i + 1 || entries[i].entry != lines[i]) {
      return fmt::format("entry {} is not what was appended", entries[i].id);
    }
  }
  return {};
}

/// Opens what the power cut left, which mends it, and looks.
std::string check(const std::shared_ptr<d::Directory>& disk, const Lines& lines, std::size_t acknowledged,
                  Totals& totals) {
  const d::WalReader<std::string> reader(disk);
  const auto before = reader.count(d::ReadMode::kStrict);
  auto log = Log::open(disk, small_segments());
  if (!log) return "it does not open: " + log.error().to_string();
  const auto entries = reader.replay(d::ReadMode::kStrict);
  if (!entries) return "opened, it is damaged: " + entries.error().to_string();
  const bool torn = !before && before.error().code() == d::ErrorCode::kTornTail;
  if (torn && acknowledged > 0 && totals.torn++ == 0) {
    std::cout << "a torn write, with " << acknowledged << " entries acknowledged; reading it strictly says:\n"
              << "  " << before.error() << '\n'
              << "opening it cut off " << log->recovery_report().bytes_cut << " bytes, and "
              << entries->size() << " entries are there\n";
  }
  return compare(*entries, lines, acknowledged);
}

/// Runs until the power is cut at the given operation, and tries outcomes. False past the last operation.
bool cut_at(std::uint64_t operation, const Lines& lines, Totals& totals) {
  const auto disk = t::CrashDirectory::make();
  disk->cut_after(operation);
  const std::size_t acknowledged = write_log(disk, lines);
  const bool was_cut = disk->operations() > operation;
  for (const t::CrashProfile& profile : t::kAllCrashProfiles) {
    for (std::uint64_t seed = 0; seed < kOutcomes; ++seed) {
      t::RandomChooser chooser(operation * kOutcomes + seed);
      ++totals.cuts;
      const auto fault = check(disk->after_power_cut(profile, chooser), lines, acknowledged, totals);
      if (fault.empty()) continue;
      ++totals.failed;
      std::cout << "FAILED: power cut at operation " << operation << ", " << profile.name << ", seed " << seed
                << ": " << fault << '\n';
    }
  }
  return was_cut;
}

}  // namespace

int main() {
  Lines lines;
  for (std::string line; lines.size() < kMaxLines && std::getline(std::cin, line);) lines.push_back(line);
  Totals totals;
  std::uint64_t operation = 0;
  while (cut_at(operation, lines, totals)) ++operation;
  std::cout << "the power was cut at each of " << operation << " operations, with " << totals.cuts
            << " outcomes: " << totals.torn << " torn writes, " << totals.failed
            << " logs that lost an acknowledged entry or did not open\n";
  return totals.failed == 0 && totals.torn > 0 ? 0 : 1;
}
