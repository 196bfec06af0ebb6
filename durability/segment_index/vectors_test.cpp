// Holds entries, states and recovery to those of the Rust crate: tests/vectors/segment_index/README.md.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>
#include <string>

#include "durability/segment_index/recovery_manager.hpp"
#include "durability/storage/fs_directory.hpp"
#include "durability/walog/writer.hpp"

namespace durability {
namespace {

using segment_index::AddSegment;
using segment_index::CancelMerge;
using segment_index::DeleteDocuments;
using segment_index::EndMerge;
using segment_index::StartMerge;

constexpr std::uint64_t kMost64 = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint32_t kMost32 = std::numeric_limits<std::uint32_t>::max();

std::filesystem::path vectors() {
  return std::filesystem::path(DURABILITY_SOURCE_DIR) / "tests" / "vectors" / "segment_index";
}

/// name → hex, of the lines of one kind.
std::map<std::string, std::string> lines_of(std::string_view wanted) {
  std::map<std::string, std::string> found;
  std::ifstream file(vectors() / "vectors.txt");
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string kind;
    std::string name;
    std::string hex;
    if (std::getline(fields, kind, '\t') && std::getline(fields, name, '\t') && kind == wanted) {
      std::getline(fields, hex, '\t');
      found[name] = hex;
    }
  }
  return found;
}

template <class T>
std::string hex_of(const T& value) {
  Bytes bytes;
  EXPECT_TRUE(Postcard::encode(value, bytes));
  std::string text;
  for (const std::byte byte : bytes) text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  return text;
}

Bytes bytes_of(const std::string& hex) {
  Bytes bytes;
  for (std::size_t at = 0; at + 2 <= hex.size(); at += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoul(hex.substr(at, 2), nullptr, 16)));
  }
  return bytes;
}

// The values of generator/src/main.rs, under the names they have there.
const std::map<std::string, WalEntry> kEntries = {
    {"add", AddSegment{.segment_id = 1, .doc_count = 5}},
    {"add most", AddSegment{.segment_id = kMost64, .doc_count = kMost32}},
    {"start", StartMerge{.transaction_id = 300, .segment_ids = {1, 2, std::uint64_t{1} << 40U}}},
    {"start nothing", StartMerge{}},
    {"cancel", CancelMerge{.transaction_id = 300, .segment_ids = {1, 2}}},
    {"end", EndMerge{.transaction_id = 7,
                     .new_segment_id = 3,
                     .old_segment_ids = {1, 2},
                     .remapped_deletes = {{3, 4}, {2, 99}, {3, 128}}}},
    {"end nothing",
     EndMerge{.transaction_id = 7, .new_segment_id = 0, .old_segment_ids = {}, .remapped_deletes = {}}},
    {"delete", DeleteDocuments{.deletes = {{1, 4}, {kMost64, kMost32}, {1, 4}}}},
    {"delete nothing", DeleteDocuments{}},
    {"checkpoint", segment_index::Checkpoint{.checkpoint_path = "checkpoints/gr\xc3\xb6\xc3\x9f"
                                                                "e.ckpt",
                                             .last_entry_id = 1000}},
    {"checkpoint nowhere", segment_index::Checkpoint{.checkpoint_path = "", .last_entry_id = kMost64}},
};

const std::map<std::string, CheckpointState> kStates = {
    {"nothing", {}},
    {"one", {.segments = {{7, {.doc_count = 3, .deleted_docs = {0, 2}}}}}},
    {"three",
     {.segments = {{1, {}},
                   {kMost64, {.doc_count = 1, .deleted_docs = {0}}},
                   {300, {.doc_count = 70000, .deleted_docs = {kMost32, 128, 127, 1}}}}}},
};

template <class T>
void expect_bytes(std::string_view kind, const std::map<std::string, T>& values) {
  const auto lines = lines_of(kind);
  ASSERT_EQ(lines.size(), values.size());
  for (const auto& [name, hex] : lines) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(values.contains(name));
    EXPECT_EQ(hex_of(values.at(name)), hex);
    const auto decoded = Postcard::decode<T>(bytes_of(hex));
    ASSERT_TRUE(decoded) << decoded.error();
    EXPECT_EQ(*decoded, values.at(name));
  }
}

TEST(SegmentIndexVectors, EntriesAreThoseOfTheCrate) { expect_bytes("entry", kEntries); }

TEST(SegmentIndexVectors, StatesAreThoseOfTheCrate) { expect_bytes("state", kStates); }

TEST(SegmentIndexVectors, EveryAlternativeIsAmongThem) {
  std::set<std::size_t> alternatives;
  for (const auto& [name, entry] : kEntries) alternatives.insert(entry.index());
  EXPECT_EQ(alternatives.size(), std::variant_size_v<WalEntry>);
}

// C7 among them: deletes before, during and after a merge, in a log that was truncated twice.
TEST(SegmentIndexVectors, LogsOfTheCrateRecoverToItsState) {
  const auto logs = lines_of("log");
  ASSERT_EQ(logs.size(), 3U);
  for (const auto& [name, hex] : logs) {
    SCOPED_TRACE(name);
    const auto root = vectors() / "logs" / name;
    if (!std::filesystem::exists(root)) {  // an empty log has no file
      EXPECT_EQ(hex_of(CheckpointState{}), hex);
      continue;
    }
    const auto directory = FsDirectory::open(root.string(), FsOptions{.create = false}).value();
    for (const auto& recovered : {RecoveryManager(directory).recover_latest(),
                                  RecoveryManager(directory).recover_latest_best_effort()}) {
      ASSERT_TRUE(recovered) << recovered.error();
      EXPECT_EQ(recovered->checkpoint.has_value(), name == "published");
      EXPECT_EQ(hex_of(RecoveryManager::to_checkpoint_state(*recovered)), hex);
    }
  }
}

}  // namespace
}  // namespace durability
