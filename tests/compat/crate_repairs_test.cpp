// Every log of the corpus that opening refuses is repaired, or refused with a reason: and then it opens,
// strict reading finds nothing, and what could be read before is there.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <vector>

#include "durability/durability.hpp"
#include "durability/testing/crash_directory.hpp"

namespace durability::compat {
namespace {

using Disk = std::shared_ptr<testing::CrashDirectory>;

std::filesystem::path cases() {
  return std::filesystem::path(DURABILITY_SOURCE_DIR) / "tests" / "vectors" / "crate" / "wal" / "cases";
}

Disk load(const std::string& name) {
  const auto disk = testing::CrashDirectory::make();
  if (!std::filesystem::exists(cases() / name / "wal")) return disk;
  for (const auto& entry : std::filesystem::directory_iterator(cases() / name / "wal")) {
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const auto file = disk->create("wal/" + entry.path().filename().string()).value();
    EXPECT_TRUE(file->write_at(0, as_bytes(text)));
  }
  return disk;
}

struct Reading {
  std::vector<std::pair<EntryId, std::string>> entries;
  bool sound = false;
};

Reading read(const Disk& disk) {
  Reading reading;
  const auto report = WalReader<int>(disk).for_each_bytes(ReadMode::kStrict, [&](const WalEntryView& view) {
    reading.entries.emplace_back(view.id, as_text(view.payload));
  });
  reading.sound = report.has_value();
  return reading;
}

std::map<std::string, Bytes> files_of(Directory& directory) {
  std::map<std::string, Bytes> files;
  const auto names = directory.list("wal").value();
  for (const auto& name : names) {
    if (name == ".lock" || directory.do_kind("wal/" + name).value() != EntryKind::kFile) continue;
    files[name] = directory.read_file("wal/" + name, 1U << 30U).value();
  }
  return files;
}

std::optional<EntryId> next_on_opening(const Disk& disk) {
  auto writer = WalWriter<int>::open(disk);
  if (!writer) return {};
  const EntryId next = writer->next_entry_id();
  EXPECT_TRUE(writer->close());
  return next;
}

enum class Outcome { kOpens, kRepaired, kRefused };

Outcome repair(const std::string& name) {
  if (next_on_opening(load(name))) return Outcome::kOpens;
  const auto disk = load(name);
  const Reading before = read(disk);
  const auto files = files_of(*disk);
  const WalMaintenance maintenance(disk);
  const auto plan = maintenance.repair_plan();
  if (!plan) {
    std::cout << name << ": " << plan.error() << '\n';
    EXPECT_FALSE(plan.error().advice().empty());
    EXPECT_EQ(files_of(*disk), files);
    return Outcome::kRefused;
  }
  EXPECT_TRUE(maintenance.repair(plan->value())) << plan->value();
  const Reading after = read(disk);
  EXPECT_TRUE(after.sound) << plan->value();
  EXPECT_GE(after.entries.size(), before.entries.size());
  EXPECT_TRUE(std::equal(before.entries.begin(), before.entries.end(), after.entries.begin()));
  EXPECT_TRUE(maintenance.undo_repair());
  EXPECT_EQ(files_of(*disk), files);
  EXPECT_TRUE(maintenance.repair(plan->value()));
  EXPECT_EQ(next_on_opening(disk), plan->value().next) << plan->value();
  EXPECT_EQ(read(disk).entries, after.entries);
  return Outcome::kRepaired;
}

TEST(CrateRepairs, WhatOpeningRefusesIsRepairedOrRefusedWithAReason) {
  std::map<Outcome, int> seen;
  for (const auto& entry : std::filesystem::directory_iterator(cases())) {
    const std::string name = entry.path().filename().string();
    SCOPED_TRACE(name);
    ++seen[repair(name)];
  }
  std::cout << "[  repairs ] " << seen[Outcome::kOpens] << " open, " << seen[Outcome::kRepaired]
            << " are repaired, " << seen[Outcome::kRefused] << " are refused\n";
  EXPECT_GT(seen[Outcome::kRepaired], 100);
  EXPECT_LT(seen[Outcome::kRefused], seen[Outcome::kRepaired] / 10);
}

}  // namespace
}  // namespace durability::compat
