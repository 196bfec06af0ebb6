// Any log, opened for appending: it goes on, or it is refused and no byte is changed. What is refused can be
// repaired, and the repair taken back.
//
//   input: options u8, then the log's files (log_files.hpp)

#include "durability/formats.hpp"
#include "durability/testing/crash_directory.hpp"
#include "durability/testing/manual_clock.hpp"
#include "durability/testing/manual_worker.hpp"
#include "durability/testing/random.hpp"
#include "log_files.hpp"
#include "log_reading.hpp"
#include "require.hpp"

namespace durability::fuzz {
namespace {

constexpr std::size_t kBuffer = 4096;

struct Choices {
  bool stable = false;  // the directory has stable storage
  bool small = false;   // segments
  bool atomic = false;  // what is appended is a batch
  bool repair = false;  // what is refused
  std::optional<WalFormat> format{};
};

Choices choices_in(std::byte options) {
  const auto bits = std::to_integer<unsigned>(options);
  Choices choices{.stable = (bits & 1U) != 0,
                  .small = (bits & 2U) != 0,
                  .atomic = (bits & 4U) != 0,
                  .repair = (bits & 8U) != 0};
  switch ((bits >> 4U) & 3U) {
    case 1: choices.format = WalFormat::kV2; break;
    case 2: choices.format = WalFormat::kV3; break;
    case 3: choices.format = WalFormat::kV4; break;
    default: break;
  }
  return choices;
}

WalOptions options_for(const Choices& choices) {
  WalOptions options;
  options.format = choices.format;
  options.segment_bytes = choices.small ? 128 : 4096;
  options.clock = std::make_shared<testing::ManualClock>();
  options.random = std::make_shared<testing::SeededRandom>(1);
  options.worker = std::make_shared<testing::ManualWorker>();
  return options;
}

void require_opening_code(const Error& error) {
  require_helpful(error);
  switch (error.code()) {
    case ErrorCode::kTruncated:
    case ErrorCode::kFormat:
    case ErrorCode::kCrcMismatch:
    case ErrorCode::kCorrupt:
    case ErrorCode::kInvalidState: return;
    default: require(false, fmt::format("an opening is refused with a code of its own: {}", error));
  }
}

Snapshot without_temporaries(Snapshot files) {
  std::erase_if(files, [](const auto& file) { return Directory::is_temporary_name(file.first); });
  return files;
}

bool only_version_4(const Snapshot& files) {
  return std::ranges::all_of(files, [](const auto& file) {
    const auto format = formats::stated_format(as_bytes(file.second));
    return !format || *format == WalFormat::kV4;
  });
}

/// Appends to a log that was opened. Yields what was acknowledged; nothing where ids are used up.
std::vector<Entry> append_to(WalWriter<Bytes>& writer, const Choices& choices) {
  const std::vector<Bytes> payloads(choices.atomic ? 3 : 1, Bytes(10, std::byte{0x5a}));
  const EntryId first = writer.next_entry_id();
  auto last = choices.atomic ? writer.append_batch_atomic(payloads) : writer.append_bytes(payloads.front());
  std::vector<Entry> appended;
  if (last) {
    Bytes encoded;
    require_ok(Postcard::encode(payloads.front(), encoded), "encoding");
    const Bytes& stored = choices.atomic ? encoded : payloads.front();
    for (std::uint64_t id = first.value(); id <= last->value(); ++id)
      appended.push_back({EntryId(id), stored});
    require(appended.size() == payloads.size(), "a batch takes as many ids as it has entries");
  } else {
    const auto code = last.error().code();
    require(code == ErrorCode::kInvalidState || (code == ErrorCode::kNotSupported && choices.atomic),
            fmt::format("appending is refused where ids are used up: {}", last.error()));
  }
  const auto synced = writer.flush_and_sync();
  if (choices.stable && last) require_ok(synced, "syncing");
  require_ok(writer.close(), "closing");
  return appended;
}

void check_continued(const std::shared_ptr<Directory>& directory, const Choices& choices,
                     WalWriter<Bytes>& writer, const Reading& before) {
  // Opening trusts seals, so what lies before one may be damaged still.
  require(writer.next_entry_id() >= before.next(), "no id that was read is given out again");
  if (before.ok()) require(writer.next_entry_id() == before.next(), "the log goes on where it ended");

  const auto appended = append_to(writer, choices);
  if (!before.ok()) return;
  std::vector<Entry> expected = before.entries;
  expected.insert(expected.end(), appended.begin(), appended.end());
  const Reading after = read_log(directory, ReadMode::kStrict, kBuffer);
  require_ok(after.report, "what was opened and closed reads strictly");
  require(after.entries == expected, "it holds what best effort read, and what was appended");

  const auto again = WalWriter<Bytes>::open(directory, options_for(choices));
  if (!again) {
    require(again.error().code() == ErrorCode::kInvalidState, "it opens again, unless ids are used up");
    return;
  }
  require(!again->recovery_report().repaired, "after a close there is nothing to mend");
  require(again->next_entry_id() == after.next(), "opening again changes nothing");
}

void check_repair(const std::shared_ptr<Directory>& directory, const Choices& choices,
                  const Reading& before) {
  const Snapshot refused = snapshot(*directory);
  WalOptions options = options_for(choices);
  options.first_entry_id = EntryId(7);  // for a log whose beginning is lost
  const WalMaintenance maintenance(directory, options);
  const auto plan = maintenance.repair_plan();
  require(snapshot(*directory) == refused, "planning writes nothing");
  if (!plan) return;
  require(plan->has_value(), "what is refused has a plan");
  const auto quarantine = maintenance.repair(**plan, WalRepairConsent::kThoughItOpens);
  if (!quarantine) {
    require(snapshot(*directory) == refused, "a repair that is refused changes nothing");
    return;
  }
  const Reading mended = read_log(directory, ReadMode::kStrict, kBuffer);
  require_ok(mended.report, "a repaired log reads strictly");
  // Reading may have refused before its first entry (a gap), or gone on to the end of the damaged segment.
  const auto common = static_cast<std::ptrdiff_t>(std::min(mended.entries.size(), before.entries.size()));
  require(std::equal(mended.entries.begin(), mended.entries.begin() + common, before.entries.begin()),
          "of what was read before it holds a first part, or all and more");
  require(mended.report->next == (*plan)->next, "it ends where the plan said");
  require_ok(maintenance.undo_repair(), "taking the repair back");
  require(snapshot(*directory) == refused, "that puts back every byte");
}

void check(ByteView input) {
  if (input.empty()) return;
  const Choices choices = choices_in(input.front());
  const std::shared_ptr<Directory> directory =
      choices.stable ? std::shared_ptr<Directory>(testing::CrashDirectory::make()) : MemoryDirectory::make();
  unpack(*directory, input.subspan(1));
  const Snapshot found = snapshot(*directory);
  const Reading before = read_log(directory, ReadMode::kBestEffort, kBuffer);

  auto writer = WalWriter<Bytes>::open(directory, options_for(choices));
  if (writer) {
    check_continued(directory, choices, *writer, before);
    return;
  }
  require_opening_code(writer.error());
  require(without_temporaries(snapshot(*directory)) == without_temporaries(found),
          "what is refused is left as it was");
  if (before.ok() && only_version_4(found)) {
    require(writer.error().code() == ErrorCode::kInvalidState,
            fmt::format("version 4 opens what it reads, unless ids are used up: {}", writer.error()));
  }
  if (choices.repair && choices.stable) check_repair(directory, choices, before);
}

}  // namespace
}  // namespace durability::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  durability::fuzz::check(std::as_bytes(std::span(data, size)));
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  return durability::fuzz::mutate_log(data, size, max_size, seed, 1);
}
