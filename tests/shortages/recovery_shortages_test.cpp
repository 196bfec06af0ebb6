// Reading, recovering and looking at a log, every shortage in it: each either says that it could not, or
// yields what it yields in plenty.

#include <gtest/gtest.h>

#include "census.hpp"
#include "durability/recover/recover.hpp"
#include "durability/segment_index/publish_checkpoint.hpp"
#include "durability/segment_index/recovery_manager.hpp"
#include "durability/walog/maintenance.hpp"
#include "durability/walog/writer.hpp"
#include "program.hpp"

namespace durability::shortages {
namespace {

constexpr std::uint64_t kEntries = 60;

/// Six segments of an index, in a log that has published two checkpoints.
void write_index(const std::shared_ptr<Directory>& directory) {
  WalOptions options = small_segments();
  auto writer = WalWriter<WalEntry>::open(directory, options).value();
  CheckpointState state;
  for (std::uint64_t n = 1; n <= kEntries; ++n) {
    const WalEntry entry = segment_index::AddSegment{.segment_id = n, .doc_count = 5};
    writer.append(entry).value();
    segment_index::apply(state.segments, entry);
    if (n % 25 != 0) continue;
    const auto upto = writer.flush_and_sync().value();
    publish_checkpoint(directory, writer, state, upto, n == 25 ? "first" : "second").value();
  }
  writer.close().value();
}

/// What may fail; where it does not, it must be right.
template <class Call, class IsRight>
void look(std::string& wrong, std::string_view what, const Call& call, const IsRight& is_right) {
  for (int tries = 0; tries < 2; ++tries) {
    const auto answer = ask(call);
    const Exempt exempt;
    if (answer && !is_right(*answer)) wrong = fmt::format("{} yields something else", what);
  }
}

void look_at_all(const std::shared_ptr<Directory>& directory, std::string& wrong) {
  const auto recovers = [](const RecoveredState& state) { return state.segments.size() == kEntries; };
  const RecoveryManager manager(directory);
  look(wrong, "recover_latest", [&] { return manager.recover_latest(); }, recovers);
  look(
      wrong, "recover_latest, best effort",
      [&] { return manager.recover_latest(RecoveryOptions::best_effort().read_ahead()); }, recovers);
  look(wrong, "recover", [&] { return manager.recover("second"); }, recovers);
  const WalMaintenance maintenance(directory);
  look(
      wrong, "inspect", [&] { return maintenance.inspect(); },
      [](const WalInspection& inspection) { return !inspection.error && inspection.segments.size() > 1; });
  look(
      wrong, "segment_ranges", [&] { return maintenance.segment_ranges_strict(); },
      [](const auto& ranges) { return ranges.back().first.value() + ranges.back().entries == kEntries + 3; });
  look(
      wrong, "repair_plan", [&] { return maintenance.repair_plan(); },
      [](const auto& plan) { return !plan.has_value(); });
  for (const auto mode : {ReadMode::kStrict, ReadMode::kBestEffort}) {
    look(
        wrong, "replay", [&] { return WalReader<WalEntry>(directory).reading_ahead().replay(mode); },
        [](const auto& records) { return records.back().id == EntryId(kEntries + 2); });
  }
}

TEST(RecoveryShortages, InReadingAndRecovering) {
  expect_to_bear(
      [](const InShortage& in_shortage) {
        const Place place;
        write_index(place.directory());
        std::string wrong;
        in_shortage([&] {
          if (const auto directory = ask([&] { return place.open(); })) look_at_all(*directory, wrong);
        });
        if (wrong.empty()) look_at_all(place.directory(), wrong);
        return wrong;
      },
      {Resource::kAllocation, Resource::kThread, Resource::kDescriptor}, Threads::kMany);
}

}  // namespace
}  // namespace durability::shortages
