// Publications side by side, of one log: each has its turn.

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "durability/publish/held_publication_test_support.hpp"
#include "durability/publish/publisher.hpp"
#include "durability/testing/crash_directory.hpp"
#include "durability/testing/faulty_directory.hpp"
#include "durability/walog/reader.hpp"
#include "durability/walog/sync_writer.hpp"

namespace durability {
namespace {

using testing::CrashDirectory;
using testing::FaultyDirectory;
using Words = std::vector<std::string>;
using Wal = SyncWalWriter<std::string>;

constexpr std::string_view kPath = "words.ckpt";

// Entry n is the word n; the state after it is all words up to n.
Words words_up_to(std::uint64_t last) {
  Words words;
  for (std::uint64_t n = 1; n <= last; ++n) words.push_back(std::to_string(n));
  return words;
}

class PublishingSideBySide : public ::testing::Test {
 protected:
  void SetUp() override {
    WalOptions options;
    options.segment_bytes = 256;
    options.preallocate_bytes = 0;
    wal_ = Wal::open(faulty_, options).value();
    for (std::uint64_t n = 1; n <= 60; ++n) ids_.push_back(wal_->append_durable(std::to_string(n)).value());
    rename_.watch(*faulty_);
  }
  void TearDown() override { rename_.let_go(); }

  [[nodiscard]] static Result<PublishResult> publish(const std::shared_ptr<Directory>& directory, Wal& wal,
                                                     DurableId upto) {
    return CheckpointPublisher(directory).publish(wal, words_up_to(upto.value()), upto, kPath);
  }
  [[nodiscard]] DurableId id(std::uint64_t n) const { return ids_.at(n - 1); }
  /// Begins a publication, and returns when it is about to rename its checkpoint.
  [[nodiscard]] std::thread held_publication(std::uint64_t upto) {
    std::thread publishing([this, upto] { first_ = publish(faulty_, *wal_, id(upto)); });
    rename_.wait_for_it();
    return publishing;
  }
  /// The checkpoint, and the log after it, without a gap.
  void expect_state(std::uint64_t last) {
    auto checkpoint = CheckpointFile(inner_).read<Words>(kPath);
    ASSERT_TRUE(checkpoint) << checkpoint.error();
    Words& words = checkpoint->state;
    const auto replayed = WalReader<std::string>(inner_)
                              .from(EntryId(checkpoint->last_applied.value() + 1))
                              .for_each(ReadMode::kBestEffort,
                                        [&](EntryId, const std::string& word) { words.push_back(word); });
    ASSERT_TRUE(replayed) << replayed.error();
    EXPECT_EQ(words, words_up_to(last));
  }

  test::FirstRename rename_{std::string(kPath)};
  std::shared_ptr<CrashDirectory> inner_ = CrashDirectory::make();
  std::shared_ptr<FaultyDirectory> faulty_ = FaultyDirectory::make(inner_);
  std::unique_ptr<Wal> wal_;
  std::vector<DurableId> ids_;
  Result<PublishResult> first_ = Error(ErrorCode::kInvalidState, "not begun");
};

// A publication of the state after entry 20 was slow, and somebody else published that after 60, which
// truncated the log. Then the first one's rename put the older checkpoint over the newer: entries 21 to 56
// were nowhere.
TEST_F(PublishingSideBySide, AnOlderCheckpointNeverTakesThePlaceOfANewerOneWhoseLogIsGone) {
  std::thread first = held_publication(20);
  Result<PublishResult> second = Error(ErrorCode::kInvalidState, "not begun");
  std::thread publishing([&] { second = publish(faulty_, *wal_, id(60)); });
  rename_.let_go_last();
  first.join();
  publishing.join();
  EXPECT_TRUE(first_) << first_.error();
  ASSERT_TRUE(second) << second.error();
  EXPECT_GT(wal_->segment_ranges().front().first, EntryId(21));
  EXPECT_EQ(CheckpointFile(inner_).read_bytes(kPath)->last_applied, EntryId(60));
  expect_state(60);
}

TEST_F(PublishingSideBySide, WhoeverComesWithAnOlderStateIsRefused) {
  std::thread first = held_publication(60);
  Result<PublishResult> second = Error(ErrorCode::kInvalidState, "not begun");
  std::thread publishing([&] { second = publish(faulty_, *wal_, id(20)); });
  rename_.let_go_last();
  first.join();
  publishing.join();
  EXPECT_TRUE(first_) << first_.error();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::kInvalidState) << second.error();
  EXPECT_NE(second.error().message().find("60 is published already"), std::string::npos) << second.error();
  expect_state(60);
}

// What a truncation by hand deletes, a publication that has looked at the log already would need.
TEST_F(PublishingSideBySide, ATruncationWaitsForThePublication) {
  std::thread first = held_publication(20);
  std::thread truncating([&] { EXPECT_TRUE(wal_->truncate_prefix(wal_->durable_id().value())); });
  rename_.let_go_last();
  first.join();
  truncating.join();
  ASSERT_TRUE(first_) << first_.error();
  EXPECT_FALSE(first_->truncation.deleted.empty()) << "the truncation by hand was there first";
}

TEST_F(PublishingSideBySide, AppendsGoOnMeanwhile) {
  std::thread first = held_publication(20);
  EXPECT_EQ(wal_->append_durable("61").value().entry(), EntryId(61));
  rename_.let_go();
  first.join();
  EXPECT_TRUE(first_) << first_.error();
  expect_state(61);
}

// The publication syncs its marker: a close that let no sync begin any more while it waited would wait for
// ever.
TEST_F(PublishingSideBySide, ClosingWaitsForThePublicationAndItsMarker) {
  std::thread first([this] {
    first_ = CheckpointPublisher(faulty_).publish(*wal_, words_up_to(20), id(20), kPath,
                                                  [](std::string_view, DurableId) { return "marker"; });
  });
  rename_.wait_for_it();
  std::thread closing([&] { EXPECT_TRUE(wal_->close()); });
  rename_.let_go_last();
  closing.join();
  EXPECT_TRUE(Wal::open(inner_)) << "the lock is released, the log is whole";
  first.join();
  ASSERT_TRUE(first_) << first_.error();
  EXPECT_EQ(first_->marker, EntryId(61));
}

TEST_F(PublishingSideBySide, DestroyingTheLogWaitsForThePublication) {
  std::thread first([this, wal = wal_.get(), upto = id(60)] { first_ = publish(faulty_, *wal, upto); });
  rename_.wait_for_it();
  std::thread destroying([&] { wal_.reset(); });
  rename_.let_go_last();
  destroying.join();
  EXPECT_TRUE(Wal::open(inner_));
  first.join();
  EXPECT_TRUE(first_) << first_.error();
  expect_state(60);
}

TEST_F(PublishingSideBySide, WhoeverStillWaitsWhenTheLogIsClosedIsTold) {
  std::thread first = held_publication(20);
  std::thread closing([&] { EXPECT_TRUE(wal_->close()); });
  Result<PublishResult> second = Error(ErrorCode::kIo, "not begun");
  std::thread publishing([&, upto = id(60)] { second = publish(faulty_, *wal_, upto); });
  rename_.let_go_last();
  first.join();
  closing.join();
  publishing.join();
  EXPECT_TRUE(first_) << first_.error();
  // It may have had its turn before the close; if not, it changed nothing.
  if (!second) {
    EXPECT_EQ(code_name(second.error().code()), code_name(wal_->flush().error().code())) << second.error();
  }
}

}  // namespace
}  // namespace durability
