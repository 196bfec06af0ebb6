// Repairing a damaged log and undoing it, every shortage in it: the log can be repaired again, or undone to
// exactly what it was.

#include <gtest/gtest.h>

#include <map>

#include "census.hpp"
#include "durability/walog/format/segment_name.hpp"
#include "durability/walog/maintenance.hpp"
#include "durability/walog/read/segment_listing.hpp"
#include "durability/walog/writer.hpp"
#include "program.hpp"

namespace durability::shortages {
namespace {

using Writer = WalWriter<std::string>;
using Files = std::map<std::string, std::string>;

/// The header of its second segment is damaged.
void write_damaged_log(Directory& directory, const std::shared_ptr<Directory>& shared) {
  auto writer = Writer::open(shared, small_segments()).value();
  for (std::size_t n = 0; n < 40; ++n) writer.append(word(n)).value();
  writer.close().value();
  const auto file = directory.open("wal/wal_2.log", OpenMode::kReadWrite).value();
  file->write_at(4, as_bytes("damage")).value();
  file->sync_data().value();
}

Files files_of(Directory& directory) {
  Files files;
  const auto ids = walog::list_segments(directory).value();
  for (const SegmentId id : ids) {
    const std::string path = walog::segment_path(id);
    files[path] = as_text(directory.read_file(path, 1U << 20U).value());
  }
  return files;
}

WalOptions options() {
  const Exempt exempt;
  return small_segments();
}

Status repair(const std::shared_ptr<Directory>& directory) {
  const WalMaintenance maintenance(directory, options());
  DURABILITY_TRY_ASSIGN(const auto plan, maintenance.repair_plan());
  if (!plan) return {};
  DURABILITY_TRY(maintenance.repair(*plan));
  return {};
}

Status undo(const std::shared_ptr<Directory>& directory) {
  DURABILITY_TRY(WalMaintenance(directory, options()).undo_repair());
  return {};
}

std::string judge(const std::shared_ptr<Directory>& directory, const Files& damaged) {
  const Status undone = undo(directory);
  if (!undone && undone.error().code() != ErrorCode::kNotFound)
    return "cannot be undone: " + undone.error().to_string();
  if (files_of(*directory) != damaged) return "undone, it is not what it was";
  if (const Status repaired = repair(directory); !repaired)
    return "cannot be repaired: " + repaired.error().to_string();
  const auto writer = Writer::open(directory, small_segments());
  if (!writer) return "does not open: " + writer.error().to_string();
  return writer->last_entry_id() > EntryId(0) ? "" : "has lost everything";
}

std::string live(const InShortage& in_shortage, bool also_undo) {
  const Place place;
  const auto plenty = place.directory();
  write_damaged_log(*plenty, plenty);
  const Files damaged = files_of(*plenty);
  in_shortage([&] {
    const auto directory = ask([&] { return place.open(); });
    if (!directory) return;
    if (!ask([&] { return repair(*directory); }) || !also_undo) return;
    // Twice: what was undone in part can be undone.
    if (!ask([&] { return undo(*directory); })) static_cast<void>(ask([&] { return undo(*directory); }));
  });
  return judge(plenty, damaged);
}

TEST(RepairShortages, InRepairing) {
  expect_to_bear([](const InShortage& in_shortage) { return live(in_shortage, false); },
                 {Resource::kAllocation, Resource::kThread, Resource::kDescriptor}, Threads::kMany);
}

TEST(RepairShortages, InUndoing) {
  expect_to_bear([](const InShortage& in_shortage) { return live(in_shortage, true); },
                 {Resource::kAllocation, Resource::kThread, Resource::kDescriptor}, Threads::kMany);
}

}  // namespace
}  // namespace durability::shortages
