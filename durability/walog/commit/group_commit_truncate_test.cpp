// Truncation beside appends: deleting segments and making that durable holds nobody up.

#include <gtest/gtest.h>

#include <thread>

#include "durability/base/threads_at_rest_test_support.hpp"
#include "durability/walog/commit/sync_gate_test_support.hpp"
#include "durability/walog/reader.hpp"

namespace durability::walog {
namespace {

using test::fails_with;
using test::Injection;
using test::Operation;
using test::succeeded;

class TruncationTest : public test::GatedWriterTest {
 protected:
  /// Several sealed segments, and an active one, all of them durable.
  void SetUp() override {
    open(test::test_options());
    while (writer_->segment_id() < SegmentId(4)) ASSERT_TRUE(writer_->append("entry"));
    durable_ = writer_->flush_and_sync().value();
    next_ = writer_->next_entry_id();
  }
  /// Holds the operation, and begins a truncation that gets there.
  void truncate_up_to(Operation held) {
    gate_.hold(held);
    const std::uint64_t begun = gate_.begun();
    truncating_ = std::thread([this] { truncated_ = writer_->truncate_prefix(*durable_); });
    gate_.wait_for_syncs(begun + 1);
  }
  void let_go(std::optional<Injection> outcome = std::nullopt) {
    gate_.release(outcome);
    truncating_.join();
  }

  std::optional<DurableId> durable_;
  EntryId next_;
  std::thread truncating_;
  Result<WalTruncation> truncated_{WalTruncation()};
};

TEST_F(TruncationTest, HoldsUpNoAppendWhileItWaitsForTheDisk) {
  for (const Operation held : {Operation::kSyncData, Operation::kRemoveFile, Operation::kSyncDirectory}) {
    SCOPED_TRACE(durability::testing::operation_name(held));
    SetUp();
    truncate_up_to(held);
    EXPECT_EQ(writer_->append("meanwhile").value(), next_);
    EXPECT_TRUE(writer_->flush());
    if (held != Operation::kSyncData) {
      EXPECT_TRUE(writer_->append_durable("durable meanwhile"));
    }
    let_go();
    ASSERT_TRUE(succeeded(truncated_));
    EXPECT_GE(truncated_->deleted.size(), 3U);
    ASSERT_TRUE(writer_->close());
    EXPECT_TRUE(succeeded(WalReader<std::string>(inner_).count(ReadMode::kStrict)));
    inner_ = test::CrashDirectory::make();
    faulty_ = test::FaultyDirectory::make(inner_);
  }
}

// What is the newest segment when a truncation begins stays, even if it is full and covered before the end:
// the next segment was not synced when the first one was deleted.
TEST_F(TruncationTest, DeletesNoSegmentThatWasTheNewestWhenItBegan) {
  const SegmentId newest = writer_->segment_id();
  truncate_up_to(Operation::kRemoveFile);
  EXPECT_TRUE(writer_->append(std::string(400, 'x')));
  EXPECT_GT(writer_->segment_id(), newest);
  let_go();
  ASSERT_TRUE(succeeded(truncated_));
  EXPECT_EQ(truncated_->deleted.back().segment.value() + 1, newest.value());
  EXPECT_EQ(writer_->segment_ranges().front().segment, newest);
}

TEST_F(TruncationTest, WaitsForAnotherOne) {
  truncate_up_to(Operation::kRemoveFile);
  const std::uint64_t begun = gate_.begun();
  Result<WalTruncation> second{WalTruncation()};
  std::thread truncating([&] { second = writer_->truncate_prefix(*durable_); });
  EXPECT_TRUE(writer_->append("meanwhile"));
  durability::test::let_others_come_to_rest();
  EXPECT_EQ(gate_.begun(), begun) << "the second has got to its first removal";
  let_go();
  truncating.join();
  EXPECT_TRUE(succeeded(truncated_));
  ASSERT_TRUE(succeeded(second));
  EXPECT_TRUE(second->deleted.empty());
}

TEST_F(TruncationTest, IsOverWhenCloseReturns) {
  truncate_up_to(Operation::kSyncDirectory);
  std::thread closing([this] {
    EXPECT_TRUE(writer_->close());
    EXPECT_FALSE(inner_->exists(segment_path(SegmentId(3))).value());
  });
  let_go();
  closing.join();
  EXPECT_TRUE(succeeded(truncated_));
}

// A failed sync, of a directory too, ends the writer.
TEST_F(TruncationTest, PoisonsTheWriterWhereASyncFails) {
  for (const Operation failing : {Operation::kSyncData, Operation::kSyncDirectory}) {
    SetUp();
    truncate_up_to(failing);
    let_go(Injection{.os_error = EIO});
    EXPECT_TRUE(fails_with(truncated_, ErrorCode::kIo));
    EXPECT_TRUE(fails_with(writer_->append("later"), ErrorCode::kPoisoned));
    EXPECT_FALSE(writer_->close());
    gate_.release();
    inner_ = test::CrashDirectory::make();
    faulty_ = test::FaultyDirectory::make(inner_);
  }
}

}  // namespace
}  // namespace durability::walog
