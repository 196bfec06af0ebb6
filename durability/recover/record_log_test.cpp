#include "durability/recover/record_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "durability/recordlog/writer.hpp"
#include "durability/testing/crash_directory.hpp"

namespace durability {
namespace {

using testing::CrashDirectory;

// Record n of every log here is the word n; the state is the list of all words.
using Words = std::vector<std::string>;

constexpr const char* kCheckpoint = "words.ckpt";
constexpr const char* kLog = "words.log";

Words words_up_to(std::uint64_t last) {
  Words words;
  for (std::uint64_t n = 1; n <= last; ++n) words.push_back(std::to_string(n));
  return words;
}

/// A log of `records`, and where `checkpoint` is given, a checkpoint of that many.
std::shared_ptr<CrashDirectory> store(std::uint64_t records, std::optional<std::uint64_t> checkpoint = {}) {
  auto directory = CrashDirectory::make();
  auto log = RecordLogWriter<std::string>::create(directory, kLog).value();
  for (const std::string& word : words_up_to(records)) EXPECT_TRUE(log.append(word));
  EXPECT_TRUE(log.close());
  if (checkpoint) {
    EXPECT_TRUE(CheckpointFile(directory).write(kCheckpoint, EntryId(*checkpoint), words_up_to(*checkpoint)));
  }
  return directory;
}

Result<Recovery<Words>> recover_words(const std::shared_ptr<Directory>& directory,
                                      const RecoveryOptions& options = RecoveryOptions::strict()) {
  return recover_with_record_log<Words, std::string>(
      directory, kCheckpoint, kLog, options,
      [](const std::optional<Words>& checkpoint) { return checkpoint.value_or(Words{}); },
      [](Words& words, EntryId number, const std::string& word) {
        EXPECT_EQ(number.value(), words.size() + 1);
        words.push_back(word);
      });
}

void damage(Directory& directory, std::string_view path, std::uint64_t offset) {
  const auto file = directory.open(path, OpenMode::kReadWrite).value();
  ASSERT_TRUE(file->write_at(offset, as_bytes("?")));
}

TEST(RecordLogRecovery, AppliesWhatComesAfterTheCheckpointAndOnlyThat) {
  for (std::uint64_t checkpoint = 0; checkpoint <= 5; ++checkpoint) {
    const auto directory = store(5, checkpoint);
    const auto before = directory->fingerprint();
    const auto recovered = recover_words(directory);
    ASSERT_TRUE(recovered) << recovered.error();
    EXPECT_EQ(recovered->state, words_up_to(5));
    EXPECT_EQ(recovered->checkpoint_id, EntryId(checkpoint));
    EXPECT_EQ(recovered->last_applied, EntryId(5));
    EXPECT_EQ(recovered->replayed, 5 - checkpoint);
    EXPECT_EQ(directory->fingerprint(), before);
  }
}

TEST(RecordLogRecovery, TakesTheLogAloneOrNothingWhereThereIsNothing) {
  const auto recovered = recover_words(store(3));
  ASSERT_TRUE(recovered);
  EXPECT_EQ(recovered->state, words_up_to(3));
  EXPECT_FALSE(recovered->checkpoint_id);
  const auto fresh = recover_words(CrashDirectory::make());
  ASSERT_TRUE(fresh);
  EXPECT_TRUE(fresh->state.empty());
}

// The next record would get a number that the checkpoint has already, and be skipped the next time.
TEST(RecordLogRecovery, RefusesALogThatEndsBeforeTheCheckpoint) {
  const auto refused = recover_words(store(3, 4), RecoveryOptions::best_effort());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidState);
  EXPECT_EQ(refused.error().path(), kLog);
  EXPECT_THAT(refused.error().message(), ::testing::HasSubstr("entries 4 to 4 are missing"));
}

TEST(RecordLogRecovery, IgnoresADamagedCheckpointInBestEffortWhereTheLogIsThere) {
  const auto directory = store(4, 2);
  damage(*directory, kCheckpoint, 30);
  EXPECT_EQ(recover_words(directory).error().code(), ErrorCode::kCrcMismatch);
  const auto recovered = recover_words(directory, RecoveryOptions::best_effort());
  ASSERT_TRUE(recovered) << recovered.error();
  EXPECT_EQ(recovered->state, words_up_to(4));
  EXPECT_TRUE(recovered->ignored_checkpoint);
  ASSERT_TRUE(directory->remove(kLog));
  const auto refused = recover_words(directory, RecoveryOptions::best_effort());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kCrcMismatch);
}

TEST(RecordLogRecovery, LeavesOutATornTailInBestEffort) {
  const auto directory = store(4, 2);
  const auto file = directory->open(kLog, OpenMode::kReadWrite).value();
  ASSERT_TRUE(file->truncate(file->size().value() - 1));
  EXPECT_EQ(recover_words(directory).error().code(), ErrorCode::kTruncated);
  const auto recovered = recover_words(directory, RecoveryOptions::best_effort());
  ASSERT_TRUE(recovered);
  EXPECT_EQ(recovered->state, words_up_to(3));
  EXPECT_TRUE(recovered->torn_tail);
}

// C5: whoever asks for an earlier moment does so because something later went wrong.
TEST(RecordLogRecovery, UpToARecordIgnoresDamageAfterIt) {
  const auto directory = store(4, 1);
  constexpr std::uint64_t kThird = 8 + 2 * 10;  // a record is 8 bytes, a length and a digit
  damage(*directory, kLog, kThird + 9);
  EXPECT_EQ(recover_words(directory, RecoveryOptions::best_effort()).error().code(), ErrorCode::kCrcMismatch);
  const auto recovered = recover_words(directory, RecoveryOptions::strict().up_to(EntryId(2)));
  ASSERT_TRUE(recovered) << recovered.error();
  EXPECT_EQ(recovered->state, words_up_to(2));
  EXPECT_EQ(recovered->last_applied, EntryId(2));
  EXPECT_EQ(recover_words(directory, RecoveryOptions::strict().up_to(EntryId(0))).error().code(),
            ErrorCode::kInvalidState);
}

TEST(RecordLogReplay, SinceARecordSkipsThoseUpToItAndCountsTheOthers) {
  const auto directory = store(5);
  for (std::uint64_t since = 0; since <= 5; ++since) {
    Words seen;
    const auto applied =
        replay_record_log_since<std::string>(directory, kLog, EntryId(since), ReadMode::kStrict,
                                             [&](EntryId, const std::string& word) { seen.push_back(word); });
    ASSERT_TRUE(applied) << applied.error();
    EXPECT_EQ(*applied, 5 - since);
    ASSERT_EQ(seen.size(), 5 - since);
    EXPECT_TRUE(seen.empty() || seen.front() == std::to_string(since + 1));
  }
  const auto refused = replay_record_log_since<std::string>(directory, kLog, EntryId(6), ReadMode::kStrict,
                                                            [](EntryId, const std::string&) {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidState);
  const auto stopped = replay_record_log_since<std::string>(
      directory, kLog, EntryId(0), ReadMode::kStrict,
      [](EntryId, const std::string&) -> Status { return Error(ErrorCode::kInvalidConfig, "mine"); });
  EXPECT_EQ(stopped.error().message(), "mine");
}

}  // namespace
}  // namespace durability
