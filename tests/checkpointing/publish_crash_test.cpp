// K1: a log that is published several times, crashed at each of its operations, under every profile. Every
// directory that may be left must hold:
//   - the state after some prefix of what was appended, every acknowledged entry in it
//   - for each marker in the log, the checkpoint that it names, or a newer one      (checkpoint, then marker)
//   - where the log lost its beginning, a marker that says by which checkpoint      (marker, then truncation)
// and a program goes on from it: the log opens, grows, is published again, and recovers.

#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include "crash_everywhere.hpp"
#include "durability/publish/publisher.hpp"
#include "durability/recover/recover.hpp"

namespace durability {
namespace {

using testing::CrashDirectory;

// Entries are words, and markers of the form `upto 7`. The state is all of them in order.
using Words = std::vector<std::string>;

constexpr std::string_view kPath = "d/words.ckpt";
constexpr std::string_view kMarker = "upto ";

struct History {
  Words attempted;          // may be there after a crash
  std::uint64_t acked = 0;  // must be
};

std::string marker_text(DurableId upto) { return fmt::format("{}{}", kMarker, upto.value()); }

std::optional<std::uint64_t> upto_of_marker(std::string_view text) {
  if (!text.starts_with(kMarker)) return std::nullopt;
  std::uint64_t upto = 0;
  std::from_chars(text.data() + kMarker.size(), text.data() + text.size(), upto);
  return upto;
}

Status append(WalWriter<std::string>& wal, History& history, const std::string& word) {
  history.attempted.push_back(word);
  DURABILITY_TRY(wal.append(word));
  return {};
}

Status publish(const std::shared_ptr<Directory>& directory, WalWriter<std::string>& wal, History& history) {
  const Words state = history.attempted;
  DURABILITY_TRY_ASSIGN(const DurableId upto, wal.flush_and_sync());
  history.acked = upto.value();
  const auto make_marker = [&](std::string_view, DurableId id) {
    history.attempted.push_back(marker_text(id));
    return history.attempted.back();
  };
  DURABILITY_TRY(CheckpointPublisher(directory).publish(wal, state, upto, kPath, make_marker));
  history.acked = history.attempted.size();
  return {};
}

Status work(const std::shared_ptr<Directory>& directory, std::uint64_t segment_bytes, History& history) {
  DURABILITY_TRY_ASSIGN(auto wal, WalWriter<std::string>::open(directory, repeatable(segment_bytes)));
  for (int round = 0; round < 3; ++round) {
    for (int word = 0; word < 3; ++word) {
      DURABILITY_TRY(append(wal, history, fmt::format("a longer word, number {} of round {}", word, round)));
    }
    DURABILITY_TRY(publish(directory, wal, history));
  }
  DURABILITY_TRY(append(wal, history, "the last word"));
  return wal.flush();
}

Result<Recovery<Words>> recover_words(const std::shared_ptr<Directory>& directory) {
  return recover_with_wal<Words, std::string>(
      directory, kPath, RecoveryOptions::best_effort(),
      [](const std::optional<Words>& checkpoint) { return checkpoint.value_or(Words{}); },
      [](Words& words, EntryId, const std::string& word) { words.push_back(word); });
}

void expect_prefix(const std::shared_ptr<CrashDirectory>& directory, const History& history) {
  const auto recovered = recover_words(directory);
  ASSERT_TRUE(recovered) << recovered.error();
  const Words& state = recovered->state;
  ASSERT_GE(state.size(), history.acked) << "acknowledged entries are lost";
  ASSERT_LE(state.size(), history.attempted.size());
  EXPECT_TRUE(std::equal(state.begin(), state.end(), history.attempted.begin()));
  EXPECT_EQ(recovered->last_applied.value(), state.size());
  EXPECT_EQ(directory->operations(), 0U) << "recovery wrote something";
}

void expect_markers_to_be_right(const std::shared_ptr<Directory>& directory) {
  const auto checkpoint = CheckpointFile(directory).read_bytes(kPath);
  const std::uint64_t in_checkpoint = checkpoint ? checkpoint->last_applied.value() : 0;
  std::optional<std::uint64_t> newest;
  const auto log = WalReader<std::string>(directory).for_each(
      ReadMode::kBestEffort, [&](EntryId, const std::string& text) {
        const auto upto = upto_of_marker(text);
        if (!upto) return;
        newest = upto;
        EXPECT_LE(*upto, in_checkpoint) << "a marker names a checkpoint that is not there";
      });
  ASSERT_TRUE(log) << log.error();
  if (log->first > EntryId(1)) {
    ASSERT_TRUE(newest) << "the log lost its beginning, and no marker says to which checkpoint";
    EXPECT_LE(log->first.value(), *newest + 1);
  }
}

void expect_to_go_on(const std::shared_ptr<Directory>& directory, std::uint64_t segment_bytes) {
  const Words found = recover_words(directory).value().state;
  History history{.attempted = found};
  auto wal = WalWriter<std::string>::open(directory, repeatable(segment_bytes));
  ASSERT_TRUE(wal) << wal.error();
  ASSERT_EQ(wal->last_entry_id().value(), found.size());
  EXPECT_EQ(recover_words(directory).value().state, found) << "recovering twice gives the same";
  ASSERT_TRUE(append(*wal, history, "behind the crash"));
  const auto published = publish(directory, *wal, history);
  ASSERT_TRUE(published) << published.error();
  EXPECT_EQ(recover_words(directory).value().state, history.attempted);
}

void check(const std::shared_ptr<CrashDirectory>& directory, const History& history,
           std::uint64_t segment_bytes) {
  SCOPED_TRACE(directory->describe());
  expect_prefix(directory, history);
  if (::testing::Test::HasFailure()) return;
  expect_markers_to_be_right(directory);
  expect_to_go_on(directory, segment_bytes);
}

void crash_and_check(std::uint64_t segment_bytes) {
  History history;
  crash_everywhere(
      [&](const std::shared_ptr<Directory>& directory) {
        history = {};
        return work(directory, segment_bytes, history);
      },
      [&](const auto& left) { check(left, history, segment_bytes); });
}

TEST(PublishCrash, LosesNothingWhereverItHappensInALogOfManySmallSegments) { crash_and_check(200); }

// Nothing is truncated here, so nothing but publishing itself makes the marker durable.
TEST(PublishCrash, LosesNothingWhereverItHappensInALogOfOneSegment) { crash_and_check(4096); }

}  // namespace
}  // namespace durability
