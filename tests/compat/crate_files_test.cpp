// Record logs and checkpoints that the Rust crate `durability` wrote (0.6.4 and 0.10.0), then damaged, with
// what the crate said of each. Ours must say the same, but for the differences that are listed by name.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "file_verdicts.hpp"

namespace durability {
namespace {

using compat::json;

constexpr const char* kPath = "f.bin";

/// The cases of a corpus: `check(row, directory)`, whose file, if there is one, is kPath; how many there are.
template <class Check>
int for_each_case(std::string_view corpus, Check check) {
  const auto root = std::filesystem::path(DURABILITY_SOURCE_DIR) / "tests" / "vectors" / "crate" / corpus;
  std::ifstream verdicts(root / "verdicts.jsonl");
  int cases = 0;
  for (std::string line; std::getline(verdicts, line); ++cases) {
    const json row = json::parse(line);
    const std::shared_ptr<Directory> directory = MemoryDirectory::make();
    const auto file = root / "cases" / row.at("case").get<std::string>() / kPath;
    if (std::filesystem::exists(file)) {
      std::ifstream in(file, std::ios::binary);
      const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
      EXPECT_TRUE(directory->create(kPath).value()->write_at(0, as_bytes(text)));
    }
    check(row, directory);
  }
  return cases;
}

TEST(CrateRecordLogs, EveryVerdictOfTheCorpusIsOurs) {
  const int cases = for_each_case("recordlog", [](const json& row, const auto& directory) {
    const json ours{{"strict", compat::reading_records(directory, kPath, ReadMode::kStrict)},
                    {"best_effort", compat::reading_records(directory, kPath, ReadMode::kBestEffort)}};
    EXPECT_EQ(ours, row.at("verdict")) << row;
  });
  EXPECT_EQ(cases, 120);
}

// Opening a log of the crate for appending keeps what best effort reads of it, and goes on in version 1;
// unless what looks torn to a reader is a damaged length, with whole records after it.
TEST(CrateRecordLogs, AreGoneOnWithAfterWhatBestEffortReads) {
  int opened = 0;
  std::vector<std::string> refused;
  for_each_case("recordlog", [&](const json& row, const auto& directory) {
    const json& best_effort = row.at("verdict").at("best_effort");
    if (!best_effort.at("ok")) return;
    const std::uint64_t before = best_effort.at("records");
    RecordLogOptions options;
    options.format = RecordLogFormat::kV1;
    auto writer = RecordLogWriter<Bytes>::open(directory, kPath, options);
    if (!writer) {
      EXPECT_EQ(writer.error().code(), ErrorCode::kFormat) << writer.error();
      refused.push_back(row.at("damage"));
      return;
    }
    ++opened;
    EXPECT_EQ(writer->append_bytes(as_bytes("after")).value().value(), before + 1) << row;
    ASSERT_TRUE(writer->close());
    const RecordLogReader<Bytes> reader(directory, kPath);
    EXPECT_EQ(reader.count(ReadMode::kStrict).value(), before + 1) << row;
    EXPECT_EQ(reader.format().value(), RecordLogFormat::kV1);
  });
  EXPECT_EQ(opened, 63);
  EXPECT_EQ(refused, std::vector<std::string>{"flip byte 766 bit 6"});
}

TEST(CrateCheckpoints, EveryVerdictOfTheCorpusIsOursOrADifferenceThatIsListed) {
  int refused_for_bytes_past_it = 0;
  const int cases = for_each_case("checkpoint", [&](const json& row, const auto& directory) {
    const json& crate = row.at("verdict");
    const json ours = compat::reading_checkpoint(directory, kPath);
    if (ours == crate) return;
    const bool meant = compat::deliberate_checkpoint_difference(
                           crate, ours, [&] { return directory; }, kPath) == compat::kPastThePayload;
    EXPECT_TRUE(meant) << row << "\n  ours " << ours;
    refused_for_bytes_past_it += meant ? 1 : 0;
  });
  EXPECT_EQ(cases, 120);
  EXPECT_EQ(refused_for_bytes_past_it, 26);
}

}  // namespace
}  // namespace durability
