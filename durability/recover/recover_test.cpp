#include "durability/recover/recover.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "durability/testing/crash_directory.hpp"
#include "durability/testing/faulty_directory.hpp"
#include "durability/testing/manual_worker.hpp"
#include "durability/walog/format/segment_name.hpp"
#include "durability/walog/read/segment_listing.hpp"
#include "durability/walog/writer.hpp"

namespace durability {
namespace {

using testing::CrashDirectory;
using testing::FaultyDirectory;

// Entry n of every log here is the word n; the state is the list of all words.
using Words = std::vector<std::string>;

Words words_up_to(std::uint64_t last) {
  Words words;
  for (std::uint64_t n = 1; n <= last; ++n) words.push_back(std::to_string(n));
  return words;
}

WalOptions small_segments() {
  WalOptions options;
  options.segment_bytes = 256;
  options.preallocate_bytes = 0;
  options.worker = std::make_shared<testing::ManualWorker>();
  return options;
}

void write_log(const std::shared_ptr<Directory>& directory, std::uint64_t last, std::uint64_t first = 1) {
  WalOptions options = small_segments();
  options.first_entry_id = EntryId(first);
  auto wal = WalWriter<std::string>::create(directory, options).value();
  for (std::uint64_t n = first; n <= last; ++n) ASSERT_EQ(wal.append(std::to_string(n)).value(), EntryId(n));
  ASSERT_TRUE(wal.close());
}

void write_checkpoint(const std::shared_ptr<Directory>& directory, std::uint64_t last_applied) {
  ASSERT_TRUE(
      CheckpointFile(directory).write("words.ckpt", EntryId(last_applied), words_up_to(last_applied)));
}

void flip_bit(Directory& directory, std::string_view path, std::uint64_t offset) {
  const auto file = directory.open(path, OpenMode::kReadWrite).value();
  std::array<std::byte, 1> byte{};
  ASSERT_EQ(file->read_at(offset, byte).value(), 1U);
  byte[0] ^= std::byte{4};
  ASSERT_TRUE(file->write_at(offset, byte));
}

std::string last_segment(Directory& directory) {
  return walog::segment_path(walog::list_segments(directory).value().back());
}

Result<Recovery<Words>> recover_words(const std::shared_ptr<Directory>& directory,
                                      const RecoveryOptions& options,
                                      std::optional<std::string_view> path = "words.ckpt") {
  return recover_with_wal<Words, std::string>(
      directory, path, options,
      [](const std::optional<Words>& checkpoint) { return checkpoint.value_or(Words{}); },
      [](Words& words, EntryId id, const std::string& word) {
        EXPECT_EQ(id.value(), words.size() + 1) << "each once, in order, after the checkpoint";
        words.push_back(word);
      });
}

const RecoveryOptions kBothWays[] = {RecoveryOptions::strict(), RecoveryOptions::best_effort()};

void expect_state(const Result<Recovery<Words>>& recovered, std::uint64_t last) {
  ASSERT_TRUE(recovered) << recovered.error();
  EXPECT_EQ(recovered->state, words_up_to(last));
  EXPECT_EQ(recovered->last_applied, EntryId(last));
  EXPECT_EQ(recovered->replayed, last - recovered->checkpoint_id.value_or(EntryId(0)).value());
}

void expect_missing(const Result<Recovery<Words>>& recovered, std::string_view range) {
  ASSERT_FALSE(recovered);
  const bool gone = recovered.error().message().find("no longer in the log") != std::string::npos;
  EXPECT_EQ(recovered.error().code(), gone ? ErrorCode::kTruncatedAway : ErrorCode::kInvalidState)
      << recovered.error();
  EXPECT_NE(recovered.error().message().find(range), std::string::npos) << recovered.error();
  EXPECT_FALSE(recovered.error().advice().empty());
}

TEST(RecoverWithWal, StartsFreshWhereThereIsNothing) {
  const auto directory = CrashDirectory::make();
  for (const auto& options : kBothWays) expect_state(recover_words(directory, options), 0);
  EXPECT_EQ(directory->operations(), 0U);
}

TEST(RecoverWithWal, AppliesTheLogAfterTheCheckpointWhereverThatStands) {
  for (std::uint64_t checkpoint = 0; checkpoint <= 20; ++checkpoint) {
    const auto directory = CrashDirectory::make();
    write_log(directory, 20);
    write_checkpoint(directory, checkpoint);
    const std::uint64_t before = directory->operations();
    for (const auto& options : kBothWays) {
      const auto recovered = recover_words(directory, options);
      expect_state(recovered, 20);
      EXPECT_EQ(recovered->checkpoint_id, EntryId(checkpoint));
      EXPECT_FALSE(recovered->torn_tail);
    }
    EXPECT_EQ(directory->operations(), before) << "recovery writes nothing";
  }
}

TEST(RecoverWithWal, LeavesOutATornTailAndSaysSoButNotInStrictMode) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  write_log(directory, 20);
  const Bytes garbage(13, std::byte{0xa5});
  ASSERT_TRUE(directory->open_append(last_segment(*directory)).value()->append(garbage));
  const auto recovered = recover_words(directory, RecoveryOptions::best_effort());
  expect_state(recovered, 20);
  EXPECT_TRUE(recovered->torn_tail);
  EXPECT_EQ(recover_words(directory, RecoveryOptions::strict()).error().code(), ErrorCode::kTornTail);
}

// C27: entries between checkpoint and log are missing; the crate once went on without them.
TEST(RecoverWithWal, RefusesALogThatBeginsLaterThanTheEntryAfterTheCheckpoint) {
  const auto directory = CrashDirectory::make();
  write_log(directory, 20, 9);
  for (const auto& options : kBothWays) {
    write_checkpoint(directory, 5);
    expect_missing(recover_words(directory, options), "6 to 8");
    write_checkpoint(directory, 7);
    expect_missing(recover_words(directory, options), "8 to 8");
    write_checkpoint(directory, 8);
    expect_state(recover_words(directory, options), 20);
  }
}

// C29, C6: without a checkpoint only a log from entry 1 on is whole.
TEST(RecoverWithWal, RefusesALogWithoutItsBeginningWhereThereIsNoCheckpoint) {
  const auto directory = CrashDirectory::make();
  write_log(directory, 20, 9);
  for (const auto& options : kBothWays) expect_missing(recover_words(directory, options), "1 to 8");
}

TEST(RecoverWithWal, RefusesALogThatEndsBeforeTheCheckpoint) {
  const auto directory = CrashDirectory::make();
  write_log(directory, 20);
  for (const auto& options : kBothWays) {
    write_checkpoint(directory, 20);
    expect_state(recover_words(directory, options), 20);
    write_checkpoint(directory, 23);
    expect_missing(recover_words(directory, options), "21 to 23");
  }
}

TEST(RecoverWithWal, RefusesACheckpointWhoseLogIsGoneUnlessItContainsNoEntry) {
  const auto directory = CrashDirectory::make();
  for (const auto& options : kBothWays) {
    write_checkpoint(directory, 3);
    expect_missing(recover_words(directory, options), "1 to 3");
    write_checkpoint(directory, 0);
    expect_state(recover_words(directory, options), 0);
  }
}

TEST(RecoverWithWal, GoesOnWithALogThatWasBegunAfterTheCheckpointOnPurpose) {
  const auto directory = CrashDirectory::make();
  write_checkpoint(directory, 3);
  write_log(directory, 3, 4);
  for (const auto& options : kBothWays) expect_state(recover_words(directory, options), 3);
}

TEST(RecoverWithWal, RefusesACheckpointAtTheLastPossibleId) {
  const auto directory = CrashDirectory::make();
  write_log(directory, 20);
  ASSERT_TRUE(CheckpointFile(directory).write("words.ckpt", EntryId(~std::uint64_t{0}), Words{}));
  for (const auto& options : kBothWays) {
    const auto recovered = recover_words(directory, options);
    ASSERT_FALSE(recovered);
    EXPECT_EQ(recovered.error().code(), ErrorCode::kInvalidState);
    EXPECT_EQ(recovered.error().path(), "words.ckpt");
  }
}

TEST(RecoverWithWal, GivesTheStateOfAnyEarlierMomentAfterTheCheckpoint) {
  for (const std::uint64_t checkpoint : {0U, 7U}) {
    const auto directory = CrashDirectory::make();
    write_log(directory, 20);
    write_checkpoint(directory, checkpoint);
    for (std::uint64_t ceiling = 0; ceiling <= 25; ++ceiling) {
      SCOPED_TRACE(fmt::format("checkpoint {}, ceiling {}", checkpoint, ceiling));
      const auto recovered = recover_words(directory, RecoveryOptions::strict().up_to(EntryId(ceiling)));
      if (ceiling >= checkpoint) {
        expect_state(recovered, std::min(ceiling, std::uint64_t{20}));
      } else {
        EXPECT_EQ(recovered.error().code(), ErrorCode::kInvalidState);
        EXPECT_EQ(recovered.error().path(), "words.ckpt");
      }
    }
  }
}

TEST(RecoverWithWal, HoldsTheLogAgainstTheCheckpointBelowACeilingToo) {
  const auto directory = CrashDirectory::make();
  write_log(directory, 20, 9);
  write_checkpoint(directory, 5);
  for (const std::uint64_t ceiling : {5U, 6U, 30U}) {
    expect_missing(recover_words(directory, RecoveryOptions::strict().up_to(EntryId(ceiling))), "6 to 8");
  }
  write_checkpoint(directory, 25);
  expect_missing(recover_words(directory, RecoveryOptions::strict().up_to(EntryId(30))), "21 to 25");
}

// C5: whoever asks for an earlier moment does so because something later went wrong.
TEST(RecoverWithWal, IgnoresWhatIsDamagedPastTheCeiling) {
  for (std::uint64_t damaged = 1; damaged <= 20; ++damaged) {
    const std::shared_ptr<Directory> directory = CrashDirectory::make();
    write_log(directory, 20);
    std::string segment;
    std::uint64_t offset = 0;
    const auto reader = WalReader<std::string>(directory).from(EntryId(damaged)).up_to(EntryId(damaged));
    ASSERT_TRUE(reader.for_each_bytes(ReadMode::kStrict, [&](const WalEntryView& view) {
      segment = walog::segment_path(view.segment);
      offset = view.offset;
    }));
    flip_bit(*directory, segment, offset + 20);
    for (std::uint64_t ceiling = 0; ceiling <= 20; ++ceiling) {
      SCOPED_TRACE(fmt::format("entry {} is damaged, ceiling {}", damaged, ceiling));
      const auto recovered = recover_words(directory, RecoveryOptions::strict().up_to(EntryId(ceiling)));
      if (ceiling < damaged) {
        expect_state(recovered, ceiling);
      } else {
        EXPECT_FALSE(recovered);
      }
    }
  }
}

TEST(RecoverWithWal, DoesNotDecodeWhatLiesPastTheCeiling) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  auto wal = WalWriter<std::string>::create(directory, small_segments()).value();
  ASSERT_TRUE(wal.append("1"));
  ASSERT_TRUE(wal.append_bytes(as_bytes("\x7fno string")));
  ASSERT_TRUE(wal.close());
  EXPECT_EQ(recover_words(directory, RecoveryOptions::best_effort()).error().code(), ErrorCode::kDecode);
  expect_state(recover_words(directory, RecoveryOptions::best_effort().up_to(EntryId(1))), 1);
}

TEST(RecoverWithWal, DoesWithoutADamagedCheckpointWhereTheLogAloneIsEnough) {
  const auto directory = CrashDirectory::make();
  write_log(directory, 20);
  write_checkpoint(directory, 7);
  flip_bit(*directory, "words.ckpt", 30);
  const auto recovered = recover_words(directory, RecoveryOptions::best_effort());
  expect_state(recovered, 20);
  EXPECT_EQ(recovered->checkpoint_id, std::nullopt);
  ASSERT_TRUE(recovered->ignored_checkpoint);
  EXPECT_EQ(recovered->ignored_checkpoint->code(), ErrorCode::kCrcMismatch);
  EXPECT_EQ(recover_words(directory, RecoveryOptions::strict()).error().code(), ErrorCode::kCrcMismatch);
}

TEST(RecoverWithWal, IgnoresADamagedCheckpointWhereTheOptionsSaySoWhateverTheMode) {
  const auto directory = CrashDirectory::make();
  write_log(directory, 20);
  write_checkpoint(directory, 7);
  flip_bit(*directory, "words.ckpt", 30);
  expect_state(recover_words(directory, RecoveryOptions::strict().ignore_corrupt_checkpoint()), 20);
  const auto options = RecoveryOptions::best_effort().ignore_corrupt_checkpoint(false);
  EXPECT_EQ(recover_words(directory, options).error().code(), ErrorCode::kCrcMismatch);
}

TEST(RecoverWithWal, ReportsADamagedCheckpointWhereTheLogIsNotEnough) {
  for (const std::string_view damage : {"truncated", "format", "crc_mismatch"}) {
    for (const bool log_is_there : {false, true}) {
      const auto directory = CrashDirectory::make();
      if (log_is_there) write_log(directory, 20, 9);
      write_checkpoint(directory, 8);
      if (damage == "truncated") {
        ASSERT_TRUE(directory->open("words.ckpt", OpenMode::kReadWrite).value()->truncate(29));
      } else {
        flip_bit(*directory, "words.ckpt", damage == "format" ? 0 : 30);
      }
      for (const auto& options : kBothWays) {
        const auto recovered = recover_words(directory, options);
        ASSERT_FALSE(recovered);
        EXPECT_EQ(code_name(recovered.error().code()), damage);
        EXPECT_EQ(recovered.error().path(), "words.ckpt");
      }
    }
  }
}

TEST(RecoverWithWal, NeverIgnoresACheckpointOfAnotherTypeOrOneThatCannotBeRead) {
  const std::shared_ptr<Directory> inner = CrashDirectory::make();
  write_log(inner, 20);
  ASSERT_TRUE(CheckpointFile(inner).write_bytes("words.ckpt", EntryId(7), as_bytes("\x7fno words")));
  for (const auto& options : kBothWays) {
    EXPECT_EQ(recover_words(inner, options).error().code(), ErrorCode::kDecode);
    const auto faulty = FaultyDirectory::make(inner);
    faulty->fail({.operation = testing::Operation::kRead, .path = "words.ckpt"});
    EXPECT_EQ(recover_words(faulty, options).error().code(), ErrorCode::kIo);
  }
}

// Whatever apply does, the disk is as it was.
TEST(RecoverWithWal, HandsThroughTheErrorOfApplyAndChangesNothing) {
  const auto directory = CrashDirectory::make();
  write_log(directory, 20);
  write_checkpoint(directory, 7);
  const std::uint64_t operations = directory->operations();
  const std::uint64_t fingerprint = directory->fingerprint();
  for (std::uint64_t fails_at = 8; fails_at <= 21; ++fails_at) {
    std::uint64_t applied = 7;
    const auto recovered = recover_with_wal<Words, std::string>(
        directory, "words.ckpt", RecoveryOptions::best_effort(),
        [](const std::optional<Words>& checkpoint) { return checkpoint.value_or(Words{}).size(); },
        [&](std::size_t& count, EntryId id, const std::string&) -> Status {
          if (id == EntryId(fails_at)) return Error(ErrorCode::kInvalidState, "no room in the table");
          ++applied;
          ++count;
          return {};
        });
    if (fails_at <= 20) {
      ASSERT_FALSE(recovered);
      EXPECT_EQ(recovered.error().message(), "no room in the table");
      EXPECT_EQ(applied, fails_at - 1);
    } else {
      EXPECT_EQ(recovered->state, 20U);
    }
    EXPECT_EQ(directory->operations(), operations);
    EXPECT_EQ(directory->fingerprint(), fingerprint);
  }
  expect_state(recover_words(directory, RecoveryOptions::strict()), 20);
}

// C29: here too only a log from entry 1 on is whole.
TEST(RecoverWithWal, WithoutACheckpointReadsTheLogAloneAndNeedsAllOfIt) {
  for (const std::uint64_t first : {1U, 8U}) {
    const auto directory = CrashDirectory::make();
    write_log(directory, 20, first);
    write_checkpoint(directory, 7);
    for (const auto& options : kBothWays) {
      const auto recovered = recover_words(directory, options, std::nullopt);
      if (first == 1) {
        expect_state(recovered, 20);
        EXPECT_EQ(recovered->replayed, 20U);
      } else {
        expect_missing(recovered, "1 to 7");
      }
    }
  }
}

// A path may come out of a log, and then it can be anything.
TEST(RecoverWithWal, RefusesACheckpointPathThatLeavesTheDirectory) {
  const auto directory = CrashDirectory::make();
  write_log(directory, 3);
  using namespace std::string_view_literals;
  for (const std::string_view path : {"../words.ckpt"sv, "/words.ckpt"sv, "words\0.ckpt"sv, ""sv}) {
    for (const auto& options : kBothWays) {
      EXPECT_EQ(recover_words(directory, options, path).error().code(), ErrorCode::kInvalidConfig);
    }
  }
}

// They were called, and their exceptions came out of the library.
TEST(RecoverWithWal, WithNothingToCallIsInvalidConfig) {
  const std::shared_ptr<Directory> directory = CrashDirectory::make();
  const auto init = [](const std::optional<int>& state) { return state.value_or(0); };
  const auto apply = [](int&, EntryId, int) {};
  const std::function<int(std::optional<int>)> no_init;
  const std::function<void(int&, EntryId, int)> no_apply;
  const auto options = RecoveryOptions::strict();
  const auto without_init = recover_with_wal<int, int>(directory, std::nullopt, options, no_init, apply);
  EXPECT_EQ(without_init.error().code(), ErrorCode::kInvalidConfig);
  const auto without_apply = recover_with_wal<int, int>(directory, std::nullopt, options, init, no_apply);
  EXPECT_EQ(without_apply.error().code(), ErrorCode::kInvalidConfig);
}

// An `apply` with a forgotten & compiled, changed a copy for each entry, and recovery was "ok" with nothing
// in it; the next publication then deleted the entries.
TEST(RecoverWithWal, DoesNotTakeAnApplyThatChangesACopy) {
  using State = std::vector<int>;
  constexpr auto kOfACopy = [](State, EntryId, const int&) {};
  constexpr auto kOfAConstant = [](const State&, EntryId, const int&) {};
  constexpr auto kOfTheState = [](State&, EntryId, const int&) {};
  constexpr auto kGeneric = [](auto& state, EntryId, const auto& entry) { state.push_back(entry); };
  constexpr auto kThroughAPointer = [](const std::shared_ptr<State>&, EntryId, const int&) {};
  EXPECT_FALSE((recover::kChangesTheState<decltype(kOfACopy), State, int>));
  EXPECT_FALSE((recover::kChangesTheState<decltype(kOfAConstant), State, int>));
  EXPECT_TRUE((recover::kChangesTheState<decltype(kOfTheState), State, int>));
  EXPECT_TRUE((recover::kChangesTheState<decltype(kGeneric), State, int>));
  EXPECT_TRUE((recover::kChangesTheState<decltype(kThroughAPointer), std::shared_ptr<State>, int>));
}

}  // namespace
}  // namespace durability
