// Group commit with its threads held at the places that matter: no test here sleeps or waits for time.

#include "durability/walog/commit/group_commit.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "durability/walog/commit/sync_gate_test_support.hpp"
#include "durability/walog/reader.hpp"

namespace durability::walog {
namespace {

using durability::testing::Injection;
using test::CrashDirectory;
using test::fails_with;
using test::FaultyDirectory;

class GroupCommitTest : public test::GatedWriterTest {};

// A sync under way when an entry is appended does not acknowledge it; the next one does.
TEST_F(GroupCommitTest, AnEntryIsAcknowledgedOnlyByASyncThatBeganAfterItWasWritten) {
  gate_.hold();
  std::thread first([&] { EXPECT_EQ(writer_->append_durable("first").value().entry(), EntryId(1)); });
  gate_.wait_for_syncs(1);
  // The first sync runs, and holds nobody up.
  ASSERT_EQ(writer_->append("second").value(), EntryId(2));
  std::thread second([&] { EXPECT_EQ(writer_->wait_until_durable(EntryId(2)).value().entry(), EntryId(2)); });
  EXPECT_EQ(writer_->durable_id()->entry(), EntryId(0));
  gate_.release();
  first.join();
  second.join();
  EXPECT_EQ(gate_.begun(), 2U);
}

TEST_F(GroupCommitTest, OneSyncCoversAllWhoWereEncodedBeforeItBegan) {
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(writer_->append("entry"));
  std::vector<std::thread> waiters;
  waiters.reserve(16);
  for (std::uint64_t id = 1; id <= 10; ++id) {
    waiters.emplace_back([this, id] { EXPECT_TRUE(writer_->wait_until_durable(EntryId(id))); });
  }
  for (auto& waiter : waiters) waiter.join();
  EXPECT_EQ(gate_.begun(), 1U);
}

TEST_F(GroupCommitTest, WhatIsDurableAlreadyIsAcknowledgedWithoutASync) {
  ASSERT_TRUE(writer_->append_durable("entry"));
  EXPECT_TRUE(writer_->wait_until_durable(EntryId(1)));
  EXPECT_TRUE(writer_->flush_and_sync());
  EXPECT_EQ(gate_.begun(), 1U);
  EXPECT_TRUE(fails_with(writer_->wait_until_durable(EntryId(2)), ErrorCode::kInvalidState));
}

// The sync fails: every waiter on it gets the error, every later caller too, and nobody tries again.
TEST_F(GroupCommitTest, AFailedSyncReachesEveryWaiterAndIsNotRetried) {
  gate_.hold();
  std::vector<std::thread> waiters;
  waiters.reserve(16);
  std::atomic<int> refused{0};
  for (int i = 0; i < 6; ++i) {
    waiters.emplace_back([&] { refused += writer_->append_durable("entry") ? 0 : 1; });
  }
  gate_.wait_for_syncs(1);
  gate_.release(Injection{.os_error = EIO});
  for (auto& waiter : waiters) waiter.join();
  EXPECT_EQ(refused, 6);
  EXPECT_EQ(gate_.begun(), 1U);
  gate_.release();
  EXPECT_FALSE(writer_->append_durable("later"));
  EXPECT_FALSE(writer_->flush_and_sync());
  EXPECT_FALSE(writer_->close());
  EXPECT_EQ(gate_.begun(), 1U);
  EXPECT_EQ(writer_->durable_id()->entry(), EntryId(0));
}

// Waiters get the sync's own error, not only that the writer is stopped.
TEST_F(GroupCommitTest, EveryWaiterGetsTheErrorOfTheSyncItself) {
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(writer_->append("entry"));
  gate_.hold();
  std::vector<std::thread> waiters;
  waiters.reserve(16);
  std::atomic<int> told{0};
  for (std::uint64_t id = 1; id <= 4; ++id) {
    waiters.emplace_back([this, id, &told] {
      const auto durable = writer_->wait_until_durable(EntryId(id));
      told += !durable && durable.error().message().find("injected: sync_data") != std::string::npos ? 1 : 0;
    });
  }
  gate_.wait_for_syncs(1);
  gate_.release(Injection{.os_error = EIO});
  for (auto& waiter : waiters) waiter.join();
  EXPECT_EQ(told, 4);
}

// Closing waits for the sync under way; a thread that still waits is acknowledged by it or by the close.
TEST_F(GroupCommitTest, ClosingResolvesEveryWaiter) {
  gate_.hold();
  std::vector<std::thread> threads;
  threads.reserve(16);
  std::atomic<int> acknowledged{0};
  std::atomic<int> refused{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      const auto durable = writer_->append_durable("entry");
      (durable ? acknowledged : refused)++;
    });
  }
  gate_.wait_for_syncs(1);
  std::thread closer([&] { EXPECT_TRUE(writer_->close()); });
  gate_.release();
  closer.join();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(acknowledged + refused, 4);
  const auto count = WalReader<std::string>(inner_).count(ReadMode::kStrict).value();
  EXPECT_EQ(count, static_cast<std::uint64_t>(acknowledged.load()))
      << "refused before it was appended, or kept";
  EXPECT_TRUE(fails_with(writer_->append("late"), ErrorCode::kClosed));
}

// Threads that append, wait, flush and rotate; every acknowledged entry is there, once.
TEST(GroupCommit, ManyThreadsLoseNothingAndShareSyncs) {
  constexpr int kThreads = 8;
  constexpr int kEntries = 60;
  const auto inner = CrashDirectory::make();
  const auto directory = FaultyDirectory::make(inner);
  WalOptions options;
  options.segment_bytes = 4096;
  const auto writer = SyncWalWriter<std::string>::open(directory, options).value();
  std::vector<std::thread> threads;
  threads.reserve(16);
  std::mutex mutex;
  std::map<std::uint64_t, std::string> acknowledged;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEntries; ++i) {
        const std::string text = fmt::format("thread {} entry {}", t, i);
        if (i % 7 == 0) {
          const std::vector<std::string> batch = {text, text};
          EXPECT_TRUE(writer->append_batch_atomic(batch));
          EXPECT_TRUE(writer->flush());
        }
        const auto durable = writer->append_durable(text);
        ASSERT_TRUE(durable) << durable.error();
        const std::lock_guard lock(mutex);
        acknowledged[durable->value()] = text;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(acknowledged.size(), std::size_t{kThreads} * kEntries);
  durability::testing::ExhaustiveChooser chooser;
  ASSERT_TRUE(chooser.next());
  const auto after = inner->after_power_cut(durability::testing::CrashProfile::ordered(), chooser);
  std::map<std::uint64_t, std::string> found;
  ASSERT_TRUE(WalReader<std::string>(after).for_each(
      ReadMode::kBestEffort, [&](EntryId id, const std::string& text) { found[id.value()] = text; }));
  for (const auto& [id, text] : acknowledged) EXPECT_EQ(found[id], text);
}

}  // namespace
}  // namespace durability::walog
