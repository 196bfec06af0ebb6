// Every operation of a repair, and of its undoing, fails. Whatever was done by then can be undone to exactly
// the damaged log that was there, or repaired again to one that opens.

#include <gtest/gtest.h>

#include "census.hpp"
#include "durability/testing/crash_directory.hpp"
#include "durability/testing/manual_clock.hpp"
#include "durability/testing/manual_worker.hpp"
#include "durability/testing/random.hpp"
#include "durability/walog/format/segment_name.hpp"
#include "durability/walog/maintenance.hpp"
#include "durability/walog/read/segment_listing.hpp"
#include "durability/walog/writer.hpp"

namespace durability::faults {
namespace {

using testing::CrashDirectory;
using testing::FaultyDirectory;
using Writer = WalWriter<std::string>;

/// Contents by path.
using Files = std::map<std::string, std::string>;

WalOptions options() {
  WalOptions options;
  options.segment_bytes = 512;
  options.worker = std::make_shared<testing::ManualWorker>();
  options.clock = std::make_shared<testing::ManualClock>();
  options.random = std::make_shared<testing::SeededRandom>(7);
  return options;
}

/// The header of its second segment is damaged.
std::shared_ptr<CrashDirectory> damaged_log() {
  const auto disk = CrashDirectory::make();
  auto writer = Writer::open(disk, options()).value();
  for (int i = 0; i < 40; ++i) EXPECT_TRUE(writer.append(fmt::format("the entry {}", i)));
  EXPECT_TRUE(writer.close());
  const auto file = disk->open("wal/wal_2.log", OpenMode::kReadWrite).value();
  EXPECT_TRUE(file->write_at(4, as_bytes("damage")));
  EXPECT_TRUE(file->sync_data());
  EXPECT_FALSE(Writer::open(disk, options()));
  return disk;
}

/// The segments.
Files files_of(Directory& directory) {
  Files files;
  const auto ids = walog::list_segments(directory).value();
  for (const SegmentId id : ids) {
    const std::string path = walog::segment_path(id);
    files[path] = as_text(directory.read_file(path, 1U << 20U).value());
  }
  return files;
}

Result<std::string> repair(const std::shared_ptr<Directory>& directory) {
  const WalMaintenance maintenance(directory, options());
  DURABILITY_TRY_ASSIGN(const auto plan, maintenance.repair_plan());
  if (!plan) return std::string("nothing to repair");
  // Who reads a plan that names most of the log unreadable mends the device first.
  if (!plan->unreadable.empty()) return Error::from_errno(EIO, "the device reads nothing");
  return maintenance.repair(*plan);
}

Result<std::string> undo(const std::shared_ptr<Directory>& directory) {
  return WalMaintenance(directory, options()).undo_repair();
}

using Act = Result<std::string> (*)(const std::shared_ptr<Directory>&);

/// `act` with the trap laid under it; what fails says so.
std::string act_on(const std::shared_ptr<CrashDirectory>& disk, Act act, Trap& trap) {
  const auto faulty = FaultyDirectory::make(disk);
  trap.lay_under(*faulty);
  const auto done = act(faulty);
  faulty->mend();
  if (done) return "";
  const bool told = done.error().code() == ErrorCode::kIo && trap.fault() &&
                    done.error().os_error() == trap.fault()->os_error;
  return told ? "" : done.error().to_string();
}

std::string repairable(const std::shared_ptr<CrashDirectory>& disk) {
  const auto repaired = repair(disk);
  if (!repaired) return repaired.error().to_string();
  const auto writer = Writer::open(disk, options());
  if (!writer) return writer.error().to_string();
  return writer->last_entry_id() > EntryId(0) ? "" : "the log has lost everything";
}

std::string undone(const std::shared_ptr<CrashDirectory>& disk, const Files& damaged) {
  const auto undone = undo(disk);
  if (!undone && undone.error().code() != ErrorCode::kNotFound) return undone.error().to_string();
  return files_of(*disk) == damaged ? "" : "the log is not the damaged one that it was";
}

void expect_every_site_to_fail_well(const Play& play) {
  Census census;
  census.fail_every_operation("repair", play);
  if (!::testing::Test::HasFailure()) census.report();
}

TEST(RepairFaults, LeaveALogThatCanBeUndoneToWhatItWas) {
  expect_every_site_to_fail_well([](Trap& trap) {
    const auto disk = damaged_log();
    const Files damaged = files_of(*disk);
    std::string wrong = act_on(disk, repair, trap);
    if (wrong.empty()) wrong = undone(disk, damaged);
    return wrong.empty() ? repairable(disk) : wrong;
  });
}

TEST(RepairFaults, LeaveALogThatCanBeRepairedAgain) {
  expect_every_site_to_fail_well([](Trap& trap) {
    const auto disk = damaged_log();
    std::string wrong = act_on(disk, repair, trap);
    return wrong.empty() ? repairable(disk) : wrong;
  });
}

TEST(RepairFaults, InUndoingLeaveALogThatCanBeUndoneAgain) {
  expect_every_site_to_fail_well([](Trap& trap) {
    const auto disk = damaged_log();
    const Files damaged = files_of(*disk);
    if (!repair(disk)) return std::string("cannot be repaired");
    std::string wrong = act_on(disk, undo, trap);
    return wrong.empty() ? undone(disk, damaged) : wrong;
  });
}

}  // namespace
}  // namespace durability::faults
