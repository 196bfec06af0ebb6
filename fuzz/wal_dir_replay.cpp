// Any log, read in every way: all ways agree, and none writes.

#include "log_files.hpp"
#include "log_reading.hpp"
#include "memory_watch.hpp"
#include "require.hpp"

namespace durability::fuzz {
namespace {

constexpr std::size_t kSmallBuffer = 64;
constexpr std::size_t kBuffer = 4096;

bool starts_with(const std::vector<Entry>& whole, const std::vector<Entry>& front) {
  return front.size() <= whole.size() && std::equal(front.begin(), front.end(), whole.begin());
}

// Reading keeps one buffer, however large the log, and what a hostile length claims.
void check_memory(const std::shared_ptr<Directory>& directory, std::uint64_t log_bytes) {
  const MemoryWatch watch;
  const auto report =
      WalReader<Bytes>(directory).for_each_bytes(ReadMode::kBestEffort, [](const WalEntryView&) {});
  require(watch.peak_bytes() <= log_bytes + kAllowance, "memory stays within the log's size and 1 MiB");
  static_cast<void>(report.has_value());
}

void check_modes(const Reading& strict, const Reading& best) {
  require(starts_with(best.entries, strict.entries), "best effort delivers what strict reading does");
  if (strict.ok()) {
    require_ok(best.report, "what strict reading accepts, best effort does");
    require(best.entries == strict.entries, "where strict reading is content, both deliver the same");
    require(!best.report->torn_tail, "where strict reading is content, there is no torn tail");
    require(best.report->first == strict.report->first && best.report->next == strict.report->next,
            "both report the same");
  } else if (best.ok()) {
    require(best.report->torn_tail, "what best effort puts up with is a torn tail, and it says so");
  }
}

// A log read from some entry on, up to some entry, and entry by entry.
void check_parts(const std::shared_ptr<Directory>& directory, const Reading& best) {
  if (!best.ok() || best.entries.empty()) return;
  const std::size_t count = best.entries.size();
  for (const std::size_t index : {std::size_t{0}, count / 3, count / 2, count - 1}) {
    const EntryId id = best.entries[index].id;
    const auto one = read_log(directory, ReadMode::kBestEffort, kSmallBuffer, {.from = id, .up_to = id});
    require_ok(one.report, "reading one entry of a sound log");
    require(one.entries.size() == 1 && one.entries.front() == best.entries[index],
            "an entry read alone is the one that is read with all");
    const auto rest = read_log(directory, ReadMode::kBestEffort, kBuffer, {.from = id});
    require_ok(rest.report, "reading the rest of a sound log");
    require(rest.entries.size() == count - index &&
                std::equal(rest.entries.begin(), rest.entries.end(),
                           best.entries.begin() + static_cast<std::ptrdiff_t>(index)),
            "the rest is what follows when all is read");
  }
}

void check_maintenance(const std::shared_ptr<Directory>& directory, const Reading& strict,
                       const Reading& best) {
  const WalMaintenance maintenance(directory);
  const auto verified = maintenance.segment_ranges_strict();
  require(verified.has_value() == strict.ok(), "verifying agrees with strict reading");
  if (!verified) {
    require(verified.error().code() == strict.report.error().code(), "and on what is wrong");
  } else {
    std::uint64_t entries = 0;
    for (const auto& range : *verified) entries += range.entries;
    require(entries == strict.entries.size(), "and on how many entries there are");
  }
  // What trusts seals sees less damage, never more.
  require(maintenance.segment_ranges().has_value() || !best.ok(), "listing refuses nothing that reads");
  const auto inspected = maintenance.inspect();
  if (inspected && strict.ok()) require(!inspected->error, "inspecting finds nothing in a sound log");
}

void check(ByteView input) {
  const std::shared_ptr<Directory> directory = MemoryDirectory::make();
  unpack(*directory, input);
  const Snapshot before = snapshot(*directory);

  const Reading strict = read_log(directory, ReadMode::kStrict, kBuffer);
  const Reading best = read_log(directory, ReadMode::kBestEffort, kBuffer);
  check_modes(strict, best);
  const Reading streamed = read_log(directory, ReadMode::kBestEffort, kSmallBuffer);
  require(streamed.entries == best.entries && streamed.ok() == best.ok(), "a small buffer reads the same");
  check_parts(directory, best);
  check_maintenance(directory, strict, best);
  check_memory(directory, total_bytes(before));

  require(snapshot(*directory) == before, "readers write nothing");
}

}  // namespace
}  // namespace durability::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  durability::fuzz::check(std::as_bytes(std::span(data, size)));
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  return durability::fuzz::mutate_log(data, size, max_size, seed, 0);
}
