// The power is cut, or the process killed, at each step of applying and of undoing a repair.
//
// Whatever is left: every byte that was there is in the log or in quarantine; the log opens, or can be
// repaired, to its sound prefix; and undoing brings back what was there, byte for byte.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <iostream>

#include "durability/walog/maintenance.hpp"
#include "durability/walog/test_support.hpp"

namespace durability::walog {
namespace {

using durability::testing::CrashProfile;
using durability::testing::ExhaustiveChooser;
using durability::testing::kAllCrashProfiles;
using durability::testing::RandomChooser;
using test::CrashDirectory;
using test::put;
using test::SegmentImage;
using test::succeeded;

using Files = std::map<std::string, std::string>;

constexpr auto kConsent = WalRepairConsent::kThoughItOpens;

struct DamagedLog {
  std::string name;
  Files files;
  std::string sound;  // what is left of it
};

void PrintTo(const DamagedLog& log, std::ostream* out) { *out << log.name; }

std::string text_of(const SegmentImage& image) { return std::string(as_text(image.bytes)); }

DamagedLog acknowledged_damage() {
  SegmentImage one(1);
  one.entry("a").entry("b").durable(2).entry("c").flip(one.at(1) + 24);
  return {"AcknowledgedDamage", {{"wal_1.log", text_of(one)}}, "a: ok"};
}

DamagedLog damage_in_the_middle() {
  SegmentImage one(1);
  one.entry("a").durable(1).seal();
  SegmentImage two(2, 2);
  two.entry("b").entry("c").durable(3).seal().flip(two.at(1) + 24);
  SegmentImage three(3, 4);
  three.entry("d").durable(4).seal();
  SegmentImage four(4, 5);
  four.entry("e");
  return {"DamageInTheMiddle",
          {{"wal_1.log", text_of(one)},
           {"wal_2.log", text_of(two)},
           {"wal_3.log", text_of(three)},
           {"wal_4.log", text_of(four)}},
          "a b: ok"};
}

DamagedLog missing_segment() {
  DamagedLog log = damage_in_the_middle();
  log.name = "MissingSegment";
  log.files.erase("wal_2.log");
  log.sound = "a: ok";
  return log;
}

DamagedLog damaged_beginning() {
  DamagedLog log = damage_in_the_middle();
  log.name = "DamagedBeginning";
  log.files["wal_1.log"][0] = 'X';
  log.sound = ": ok";
  return log;
}

DamagedLog version_3() {
  Files files;
  const auto directory = CrashDirectory::make();
  WalOptions options = test::test_options();
  options.format = WalFormat::kV3;
  options.segment_bytes = 128;
  const auto writer = test::open_writer(directory, options).value();
  for (const char* text : {"aaaa", "bbbb", "cccc", "dddd", "eeee", "ffff", "gggg"}) {
    EXPECT_TRUE(writer->append(as_bytes(text)));
  }
  EXPECT_TRUE(writer->close());
  for (const auto& [name, contents] : test::snapshot(*directory)) files[name] = contents;
  files["wal_1.log"][24 + 20 + 16] ^= 1;
  return {"Version3", files, "aaaa: ok"};
}

std::shared_ptr<CrashDirectory> disk_with(const Files& files) {
  auto disk = CrashDirectory::make({.sector_bytes = 32}).value();
  EXPECT_TRUE(disk->create_directories("wal"));
  for (const auto& [name, contents] : files) {
    const auto file = disk->create("wal/" + name).value();
    EXPECT_TRUE(file->write_at(0, as_bytes(contents)));
    EXPECT_TRUE(file->sync_data());
  }
  EXPECT_TRUE(disk->lock("wal/.lock"));
  EXPECT_TRUE(disk->sync_directory("wal"));
  return disk;
}

WalMaintenance maintenance(const std::shared_ptr<Directory>& directory) {
  return WalMaintenance(directory, test::test_options());
}

Files files_in(Directory& directory, const std::string& place) {
  Files files;
  const auto names = directory.list(place).value();
  for (const auto& name : names) {
    const std::string path = fmt::format("{}/{}", place, name);
    if (name == ".lock" || directory.do_kind(path).value() != EntryKind::kFile) continue;
    files[name] = std::string(as_text(directory.read_file(path, 1U << 20U).value()));
  }
  return files;
}

// A log's file is in its place, or whole in quarantine.
bool holds(Directory& directory, const std::string& name, const std::string& contents) {
  if (files_in(directory, "wal")[name] == contents) return true;
  const auto numbers = directory.list("wal/quarantine").value();
  return std::ranges::any_of(numbers, [&](const std::string& number) {
    return files_in(directory, "wal/quarantine/" + number)[name] == contents;
  });
}

void expect_all_held(Directory& directory, const DamagedLog& log) {
  for (const auto& [name, contents] : log.files) {
    EXPECT_TRUE(holds(directory, name, contents)) << name << " is lost";
  }
}

// And the power is cut once more.
std::shared_ptr<CrashDirectory> cut_again(CrashDirectory& disk, std::uint64_t seed) {
  RandomChooser random(seed);
  return disk.after_power_cut(CrashProfile::weak(), random);
}

using State = std::function<std::shared_ptr<CrashDirectory>()>;

void expect_nothing_lost(const State& state, const DamagedLog& log) {
  const auto crashed = state();
  expect_all_held(*crashed, log);
  // It opens, or is repaired.
  const auto plan = maintenance(crashed).repair_plan();
  ASSERT_TRUE(plan) << plan.error();
  if (*plan) {
    EXPECT_TRUE(succeeded(maintenance(crashed).repair(**plan, kConsent))) << **plan;
  }
  const auto writer = test::open_writer(crashed);
  ASSERT_TRUE(writer) << writer.error();
  EXPECT_TRUE((*writer)->close());
  EXPECT_EQ(test::read_strict(crashed), log.sound);
  expect_all_held(*crashed, log);
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    EXPECT_EQ(test::read_strict(cut_again(*crashed, seed)), log.sound);
  }
}

void expect_undone(const State& state, const DamagedLog& log) {
  const auto crashed = state();
  const auto undone = maintenance(crashed).undo_repair();
  if (!undone) {
    // Before there is a record nothing was changed; when it is gone everything is back.
    EXPECT_EQ(undone.error().code(), ErrorCode::kNotFound) << undone.error();
  }
  Files left = files_in(*crashed, "wal");
  std::erase_if(left, [](const auto& file) { return Directory::is_temporary_name(file.first); });
  EXPECT_TRUE(left == log.files) << crashed->describe();
  for (std::uint64_t seed = 1; undone && seed <= 3; ++seed) {
    const auto left_then = cut_again(*crashed, seed);
    EXPECT_TRUE(files_in(*left_then, "wal") == log.files) << left_then->describe();
    EXPECT_TRUE(test::fails_with(maintenance(left_then).undo_repair(), ErrorCode::kNotFound));
  }
}

// What `work` leaves on a disk that `prepare` made, when it is cut off after so many operations.
State cut_off(const DamagedLog& log,
              const std::function<void(const std::shared_ptr<CrashDirectory>&)>& prepare,
              const std::function<bool(const std::shared_ptr<CrashDirectory>&)>& work,
              std::uint64_t operations,
              const std::function<std::shared_ptr<CrashDirectory>(CrashDirectory&)>& crash) {
  return [=] {
    const auto disk = disk_with(log.files);
    prepare(disk);
    disk->cut_after(disk->operations() + operations);
    work(disk);
    return crash(*disk);
  };
}

class CrashInRepair : public ::testing::TestWithParam<DamagedLog> {
 protected:
  using Disk = std::shared_ptr<CrashDirectory>;

  // Judges every state that a crash of `work` can leave: all of them where there are few, else a sample.
  void crash_everywhere(const std::function<void(const Disk&)>& prepare,
                        const std::function<bool(const Disk&)>& work) {
    std::uint64_t states = 0;
    bool finished = false;
    for (std::uint64_t operations = 0; !finished && !HasFailure(); ++operations) {
      const auto judge = [&](const std::string& crash, const auto& what) {
        ++states;
        SCOPED_TRACE(fmt::format("{}, cut after {} operations, {}", GetParam().name, operations, crash));
        const State state = cut_off(GetParam(), prepare, work, operations, what);
        expect_nothing_lost(state, GetParam());
        expect_undone(state, GetParam());
      };
      const auto disk = disk_with(GetParam().files);
      prepare(disk);
      disk->cut_after(disk->operations() + operations);
      finished = work(disk);
      judge("kill", [](CrashDirectory& directory) { return directory.after_kill(); });
      for (const CrashProfile& profile : kAllCrashProfiles) {
        ExhaustiveChooser chooser;
        std::vector<std::string> ways;
        while (ways.size() < kMostStates && chooser.next()) {
          static_cast<void>(disk->after_power_cut(profile, chooser));
          ways.push_back(chooser.choices());
        }
        for (const std::string& way : ways) {
          judge(fmt::format("{} {}", profile.name, way), [&](CrashDirectory& directory) {
            durability::testing::ReplayChooser replay(durability::testing::ReplayChooser::parse(way).value());
            return directory.after_power_cut(profile, replay);
          });
        }
        for (std::uint64_t seed = 1; ways.size() == kMostStates && seed <= kSamples; ++seed) {
          judge(fmt::format("{} seed {}", profile.name, seed), [&](CrashDirectory& directory) {
            RandomChooser random(seed);
            return directory.after_power_cut(profile, random);
          });
        }
      }
    }
    std::cout << fmt::format("[  states  ] {} crash states\n", states);
  }

  static constexpr std::size_t kMostStates = 6;
  static constexpr std::uint64_t kSamples = 4;
};

bool repair(const std::shared_ptr<Directory>& disk) {
  const auto plan = maintenance(disk).repair_plan();
  return plan && *plan && maintenance(disk).repair(**plan, kConsent);
}

TEST_P(CrashInRepair, LosesNothing) {
  crash_everywhere([](const auto&) {}, repair);
}

TEST_P(CrashInRepair, LosesNothingWhileItIsUndone) {
  crash_everywhere([](const auto& disk) { ASSERT_TRUE(repair(disk)); },
                   [](const auto& disk) { return maintenance(disk).undo_repair().has_value(); });
}

TEST_P(CrashInRepair, IsDurableWhenItReturns) {
  const auto disk = disk_with(GetParam().files);
  ASSERT_TRUE(repair(disk));
  EXPECT_TRUE(disk->all_synced()) << disk->describe();
}

INSTANTIATE_TEST_SUITE_P(Logs, CrashInRepair,
                         ::testing::Values(acknowledged_damage(), damage_in_the_middle(), missing_segment(),
                                           damaged_beginning(), version_3()),
                         [](const auto& log) { return log.param.name; });

// What a killed process left in the page cache only is durable before a repair relies on it.
TEST(Repair, KeepsWhatWasNotSyncedWhenItsWriterWasKilled) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto disk = CrashDirectory::make();
    SegmentImage one(1);
    one.entry("a").entry("b").durable(2).seal();
    SegmentImage two(2, 3);
    two.entry("c").entry("d").durable(4).mark().flip(two.at(0) + 24);
    for (const auto& [name, image] : {std::pair{"wal/wal_1.log", one}, std::pair{"wal/wal_2.log", two}}) {
      const auto file = disk->create(name).value();
      ASSERT_TRUE(file->write_at(0, ByteView(image.bytes)));
    }
    ASSERT_TRUE(repair(disk));
    EXPECT_EQ(test::read_strict(cut_again(*disk, seed)), "a b: ok") << "seed " << seed;
  }
}

std::vector<std::string> changes_of(const DamagedLog& log, bool undo) {
  const auto disk = disk_with(log.files);
  const auto faulty = test::FaultyDirectory::make(disk);
  const auto plan = maintenance(faulty).repair_plan().value().value();
  if (undo) {
    EXPECT_TRUE(succeeded(maintenance(disk).repair(plan, kConsent)));
  }
  faulty->clear_log();
  EXPECT_TRUE(
      succeeded(undo ? maintenance(faulty).undo_repair() : maintenance(faulty).repair(plan, kConsent)));
  std::vector<std::string> changes = faulty->changes();
  for (std::string& change : changes) {
    // The random part of a temporary's name.
    for (auto at = change.find(".tmp"); at != std::string::npos; at = change.find(".tmp", at - 12)) {
      change.replace(at - 16, 16, "");
    }
  }
  return changes;
}

TEST(Repair, ChangesTheLogOnlyWhenQuarantineIsDurableAndFromItsEndOn) {
  const std::vector<std::string> expected = {
      "sync_data wal/wal_1.log",
      "sync_data wal/wal_2.log",
      "sync_data wal/wal_3.log",
      "sync_data wal/wal_4.log",
      "sync_directory wal",
      "sync_directory .",
      "make_directory wal",
      "sync_directory .",
      "make_directory wal/quarantine",
      "sync_directory wal",
      "make_directory wal/quarantine/1",
      "sync_directory wal/quarantine",
      "create wal/quarantine/1/wal_2.log",
      "write wal/quarantine/1/wal_2.log",
      "sync_data wal/quarantine/1/wal_2.log",
      "create wal/quarantine/1/wal_3.log",
      "write wal/quarantine/1/wal_3.log",
      "sync_data wal/quarantine/1/wal_3.log",
      "create wal/quarantine/1/record..tmp",
      "write wal/quarantine/1/record..tmp",
      "sync_data wal/quarantine/1/record..tmp",
      "rename wal/quarantine/1/record..tmp -> wal/quarantine/1/record",
      "sync_directory wal/quarantine/1",
      "rename wal/wal_4.log -> wal/quarantine/1/wal_4.log",
      "sync_directory wal/quarantine/1",
      "sync_directory wal",
      "create wal/wal_3.log..tmp",
      "sync_data wal/wal_3.log..tmp",
      "rename wal/wal_3.log..tmp -> wal/wal_3.log",
      "sync_directory wal",
      "create wal/wal_2.log..tmp",
      "write wal/wal_2.log..tmp",
      "write wal/wal_2.log..tmp",
      "sync_data wal/wal_2.log..tmp",
      "rename wal/wal_2.log..tmp -> wal/wal_2.log",
      "sync_directory wal",
  };
  EXPECT_EQ(changes_of(damage_in_the_middle(), false), expected);
}

TEST(Repair, IsUndoneFromTheEndOnAndQuarantineGoesLast) {
  const std::vector<std::string> expected = {
      "rename wal/quarantine/1/wal_4.log -> wal/wal_4.log",
      "sync_directory wal",
      "sync_directory wal/quarantine/1",
      "rename wal/quarantine/1/wal_3.log -> wal/wal_3.log",
      "sync_directory wal",
      "sync_directory wal/quarantine/1",
      "rename wal/quarantine/1/wal_2.log -> wal/wal_2.log",
      "sync_directory wal",
      "sync_directory wal/quarantine/1",
      "sync_directory wal",
      "remove_file wal/quarantine/1/record",
      "remove_directory wal/quarantine/1",
      "sync_directory wal/quarantine",
  };
  EXPECT_EQ(changes_of(damage_in_the_middle(), true), expected);
}

// The process that replaced the lock's file may be writing by now.
TEST(Repair, ChangesNothingOnceItsLockIsGone) {
  for (const bool undo : {false, true}) {
    const auto disk = disk_with(damage_in_the_middle().files);
    const auto plan = maintenance(disk).repair_plan().value().value();
    if (undo) {
      ASSERT_TRUE(succeeded(maintenance(disk).repair(plan, kConsent)));
    }
    const auto before = files_in(*disk, "wal");
    const auto faulty = test::FaultyDirectory::make(disk);
    faulty->set_hook([&](const test::OperationRecord& record) {
      const bool now =
          undo ? record.operation == test::Operation::kRead : record.to_string() == "sync_directory .";
      if (now) {
        EXPECT_TRUE(disk->remove("wal/.lock"));
      }
      return std::nullopt;
    });
    const auto done = undo ? maintenance(faulty).undo_repair() : maintenance(faulty).repair(plan, kConsent);
    EXPECT_TRUE(test::fails_with(done, ErrorCode::kLockFailed)) << undo;
    EXPECT_TRUE(files_in(*disk, "wal") == before) << disk->describe();
  }
}

TEST(Repair, LeavesNoTemporaryWhereARenameFails) {
  std::uint64_t failed = 0;
  for (bool done = false; !done; ++failed) {
    const auto disk = disk_with(damage_in_the_middle().files);
    const auto plan = maintenance(disk).repair_plan().value().value();
    const auto faulty = test::FaultyDirectory::make(disk);
    faulty->fail({.operation = test::Operation::kRename, .after = failed});
    done = maintenance(faulty).repair(plan, kConsent).has_value();
    for (const auto& [name, contents] : files_in(*disk, "wal")) {
      EXPECT_FALSE(Directory::is_temporary_name(name)) << name << " after rename " << failed;
    }
  }
  EXPECT_GT(failed, 2U) << "no rename was made to fail";
}

}  // namespace
}  // namespace durability::walog
