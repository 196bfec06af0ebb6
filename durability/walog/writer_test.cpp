#include "durability/walog/writer.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "durability/storage/memory_directory.hpp"
#include "durability/testing/crash_directory.hpp"
#include "durability/testing/manual_clock.hpp"
#include "durability/testing/manual_worker.hpp"
#include "durability/testing/random.hpp"
#include "durability/walog/reader.hpp"

namespace durability {
namespace {

using testing::CrashDirectory;

struct Put {
  std::string key, value;
  bool operator==(const Put&) const = default;
};
struct Erase {
  std::string key;
  bool operator==(const Erase&) const = default;
};
using Op = std::variant<Put, Erase>;

WalOptions small_segments() {
  WalOptions options;
  options.segment_bytes = 256;
  options.worker = std::make_shared<testing::ManualWorker>();
  return options;
}

std::vector<std::string> texts(const std::shared_ptr<Directory>& directory,
                               ReadMode mode = ReadMode::kStrict) {
  std::vector<std::string> found;
  const auto report = WalReader<std::string>(directory).for_each(
      mode, [&](EntryId, const std::string& text) { found.push_back(text); });
  EXPECT_TRUE(report) << report.error();
  return found;
}

TEST(WalWriter, WhatIsAppendedComesBackInOrder) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  auto wal = WalWriter<Op>::open(directory).value();
  EXPECT_EQ(wal.append(Put{"city", "Kyoto"}).value(), EntryId(1));
  EXPECT_EQ(wal.append(Erase{"city"}).value(), EntryId(2));
  EXPECT_EQ(wal.flush_and_sync().value().entry(), EntryId(2));
  ASSERT_TRUE(wal.close());

  const auto records = WalReader<Op>(directory).replay(ReadMode::kStrict).value();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].entry, Op(Put{"city", "Kyoto"}));
  EXPECT_EQ(records[1].id, EntryId(2));
}

TEST(WalWriter, RotatesAndGoesOnAfterReopening) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  std::vector<std::string> expected;
  for (int run = 0; run < 5; ++run) {
    auto wal = WalWriter<std::string>::open(directory, small_segments());
    ASSERT_TRUE(wal) << wal.error();
    for (int i = 0; i < 10; ++i) {
      expected.push_back("entry " + std::to_string(expected.size()));
      ASSERT_EQ(wal->append(expected.back()).value().value(), expected.size());
    }
    ASSERT_TRUE(wal->flush_and_sync());
    ASSERT_TRUE(wal->close());
  }
  EXPECT_EQ(texts(directory), expected);
}

TEST(WalWriter, WorksInMemoryAndRefusesToCallItDurable) {
  const std::shared_ptr<Directory> directory = MemoryDirectory::make();
  auto wal = WalWriter<std::string>::open(directory, small_segments()).value();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(wal.append("entry"));
  EXPECT_EQ(wal.flush_and_sync().error().code(), ErrorCode::kNotSupported);
  ASSERT_TRUE(wal.append("goes on"));
  ASSERT_TRUE(wal.close());
  EXPECT_EQ(texts(directory).size(), 21U);
}

}  // namespace
}  // namespace durability
