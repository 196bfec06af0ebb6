// Durable appends that nobody waits for: each completion is called once, after the sync that covers it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <thread>

#include "durability/walog/commit/sync_gate_test_support.hpp"
#include "durability/walog/reader.hpp"

namespace durability::walog {
namespace {

using test::CrashDirectory;
using test::fails_with;
using test::Injection;
using ::testing::ElementsAre;

/// What completions were called with, in order.
class Calls {
 public:
  DurableCompletion next() {
    return [this](const Result<DurableId>& durable) {
      const std::lock_guard lock(mutex_);
      calls_.push_back(durable);
      changed_.notify_all();
    };
  }
  std::vector<Result<DurableId>> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return calls_.size() >= count; });
    return calls_;
  }
  std::vector<Result<DurableId>> now() { return wait_for(0); }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Result<DurableId>> calls_;
};

std::vector<std::uint64_t> ids(const std::vector<Result<DurableId>>& calls) {
  std::vector<std::uint64_t> ids;
  ids.reserve(calls.size());
  for (const auto& call : calls) ids.push_back(call ? call->value() : 0);
  return ids;
}

class Completions : public test::GatedWriterTest {
 protected:
  Calls calls_;  // outlives the writer's thread: see TearDown
  void TearDown() override {
    gate_.release();
    writer_.reset();
  }
};

// A sync that had begun before the entry was written does not complete it.
TEST_F(Completions, AreCalledOnlyAfterASyncThatBeganAfterTheEntryWasWritten) {
  gate_.hold();
  EXPECT_TRUE(writer_->append_durable("first", calls_.next()));
  gate_.wait_for_syncs(1);
  EXPECT_TRUE(writer_->append_durable("second", calls_.next()));
  EXPECT_THAT(ids(calls_.now()), ElementsAre());
  gate_.release();
  EXPECT_THAT(ids(calls_.wait_for(2)), ElementsAre(1, 2));
  EXPECT_EQ(gate_.begun(), 2U);
}

TEST_F(Completions, OfOneThreadShareASyncAndComeInTheOrderOfTheIds) {
  gate_.hold();
  EXPECT_TRUE(writer_->append_durable("first", calls_.next()));
  gate_.wait_for_syncs(1);
  for (int i = 0; i < 999; ++i) EXPECT_TRUE(writer_->append_durable("entry", calls_.next()));
  gate_.release();
  const auto completed = ids(calls_.wait_for(1000));
  EXPECT_TRUE(std::ranges::is_sorted(completed));
  EXPECT_EQ(completed.front(), 1U);
  EXPECT_EQ(completed.back(), 1000U);
  EXPECT_EQ(gate_.begun(), 2U);
}

// Every completion after a failed sync gets its error, and nothing is tried again.
TEST_F(Completions, GetTheErrorOfTheSyncThatFailed) {
  gate_.hold();
  EXPECT_TRUE(writer_->append_durable("first", calls_.next()));
  gate_.wait_for_syncs(1);
  EXPECT_TRUE(writer_->append_durable("second", calls_.next()));
  gate_.release(Injection{.os_error = EIO});
  for (const auto& call : calls_.wait_for(2)) EXPECT_EQ(call.error().os_error(), EIO) << call.error();
  EXPECT_TRUE(fails_with(writer_->append_durable("third", calls_.next()), ErrorCode::kPoisoned));
  EXPECT_EQ(calls_.now().size(), 2U);
  EXPECT_EQ(gate_.begun(), 1U);
}

TEST_F(Completions, OfARefusedAppendAreNeverCalled) {
  const std::string too_large((16U << 20U) + 1, 'x');
  EXPECT_TRUE(fails_with(writer_->append_durable(too_large, calls_.next()), ErrorCode::kEncode));
  EXPECT_TRUE(calls_.now().empty());
  EXPECT_EQ(writer_->last_entry_id(), EntryId(0));
}

TEST_F(Completions, AreRefusedWhereTooManyAreInFlight) {
  open({.max_in_flight = 2, .when_full = WhenFull::kRefuse});
  gate_.hold();
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(writer_->append_durable("entry", calls_.next()));
  EXPECT_TRUE(fails_with(writer_->append_durable("entry", calls_.next()), ErrorCode::kBusy));
  EXPECT_EQ(writer_->last_entry_id(), EntryId(2)) << "what is refused is not appended";
  gate_.release();
  EXPECT_THAT(ids(calls_.wait_for(2)), ElementsAre(1, 2));
  // There is room again once the completions have returned, which is a moment after they were called.
  while (!writer_->append_durable("entry", calls_.next())) std::this_thread::yield();
  EXPECT_EQ(ids(calls_.wait_for(3)).back(), 3U);
}

TEST_F(Completions, WaitForRoomWhereTheOptionsSaySo) {
  open({.max_in_flight = 2});
  gate_.hold();
  std::thread appender([&] {
    for (int i = 0; i < 50; ++i) EXPECT_TRUE(writer_->append_durable("entry", calls_.next()));
  });
  gate_.wait_for_syncs(1);
  EXPECT_LE(writer_->last_entry_id(), EntryId(2));
  gate_.release();
  appender.join();
  EXPECT_EQ(ids(calls_.wait_for(50)).back(), 50U);
}

// Within a completion nobody else could make room: to wait would be to wait for oneself.
TEST_F(Completions, ThatAppendAreRefusedWhereThereIsNoRoomAndNotHungUp) {
  open({.max_in_flight = 1});
  std::promise<Status> again;
  EXPECT_TRUE(writer_->append_durable("entry", [&](const Result<DurableId>& durable) {
    EXPECT_TRUE(durable);
    again.set_value(writer_->append_durable("again", calls_.next()));
  }));
  EXPECT_TRUE(fails_with(again.get_future().get(), ErrorCode::kBusy));
}

TEST_F(Completions, MayAppendTheNextEntry) {
  EXPECT_TRUE(writer_->append_durable("first", [&](const Result<DurableId>& durable) {
    EXPECT_TRUE(durable);
    EXPECT_TRUE(writer_->append_durable("second", calls_.next()));
  }));
  EXPECT_THAT(ids(calls_.wait_for(1)), ElementsAre(2));
}

// Closing leaves no completion behind.
TEST_F(Completions, AreAllCalledWhenCloseReturns) {
  for (int i = 0; i < 500; ++i) EXPECT_TRUE(writer_->append_durable("entry", calls_.next()));
  ASSERT_TRUE(writer_->close());
  const auto completed = ids(calls_.now());
  ASSERT_EQ(completed.size(), 500U);
  EXPECT_EQ(completed.back(), 500U);
}

TEST_F(Completions, MayCloseTheLog) {
  std::promise<Status> closed;
  EXPECT_TRUE(writer_->append_durable("first",
                                      [&](const Result<DurableId>&) { closed.set_value(writer_->close()); }));
  EXPECT_TRUE(closed.get_future().get());
  EXPECT_TRUE(fails_with(writer_->append("late"), ErrorCode::kClosed));
}

TEST_F(Completions, OfAWriterThatIsDestroyedSayThatNothingIsKnown) {
  gate_.hold();
  EXPECT_TRUE(writer_->append_durable("first", calls_.next()));
  gate_.wait_for_syncs(1);
  EXPECT_TRUE(writer_->append_durable("second", calls_.next()));
  std::thread destroyer([&] { writer_.reset(); });
  gate_.release();
  destroyer.join();
  const auto calls = calls_.now();
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls.front().value().entry(), EntryId(1));
  EXPECT_TRUE(calls.back() || calls.back().error().code() == ErrorCode::kClosed);
}

// An empty one compiled, and crashed when its time had come, and so did an empty std::function.
TEST_F(Completions, ThatCannotBeCalledAreRefused) {
  EXPECT_TRUE(fails_with(writer_->append_durable("entry", {}), ErrorCode::kInvalidConfig));
  const std::function<void(Result<DurableId>)> empty;
  EXPECT_TRUE(fails_with(writer_->append_durable("entry", empty), ErrorCode::kInvalidConfig));
  void (*const nowhere)(Result<DurableId>) = nullptr;
  EXPECT_TRUE(fails_with(writer_->append_durable("entry", nowhere), ErrorCode::kInvalidConfig));
  EXPECT_EQ(writer_->last_entry_id(), EntryId(0));
}

TEST_F(Completions, MayBeFutures) {
  EXPECT_EQ(writer_->append_durable_future("first").get().value().entry(), EntryId(1));
  EXPECT_EQ(writer_->append_durable_future("second").get().value().entry(), EntryId(2));
}

// A directory that cannot sync: an error, and no thread that tries for ever.
TEST(CompletionsWithoutStableStorage, AreToldThatThereIsNone) {
  const auto writer = SyncWalWriter<std::string>::open(MemoryDirectory::make()).value();
  EXPECT_TRUE(fails_with(writer->append_durable_future("first").get(), ErrorCode::kNotSupported));
  EXPECT_TRUE(writer->close());
}

// Threads that wait and threads that do not, rotations in between.
TEST(GroupCommit, CompletionsAndWaitingThreadsShareSyncsAndLoseNothing) {
  const auto inner = CrashDirectory::make();
  WalOptions options;
  options.segment_bytes = 4096;
  options.max_in_flight = 16;
  const auto writer = SyncWalWriter<std::string>::open(inner, options).value();
  std::mutex mutex;
  std::vector<std::uint64_t> acknowledged;
  const auto note = [&](const Result<DurableId>& durable) {
    ASSERT_TRUE(durable) << durable.error();
    const std::lock_guard lock(mutex);
    acknowledged.push_back(durable->value());
  };
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) note(writer->append_durable("waited for"));
    });
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) EXPECT_TRUE(writer->append_durable("not waited for", note));
    });
  }
  for (auto& thread : threads) thread.join();
  ASSERT_TRUE(writer->close());
  std::ranges::sort(acknowledged);
  ASSERT_EQ(acknowledged.size(), 800U);
  EXPECT_EQ(acknowledged.front(), 1U);
  EXPECT_EQ(acknowledged.back(), 800U);
  EXPECT_EQ(WalReader<std::string>(inner).count(ReadMode::kStrict).value(), 800U);
}

// The owner that a completion held was the last one: the thread that called the completion waited for its own
// end, and the process was terminated (`Resource deadlock avoided`).
TEST_F(Completions, TheLastOwnerMayBeLetGoOfInsideACompletion) {
  gate_.hold();
  std::shared_ptr<SyncWalWriter<std::string>> shared = std::move(writer_);
  SyncWalWriter<std::string>& writer = *shared;
  std::promise<void> alone;
  ASSERT_TRUE(writer.append_durable("a", calls_.next()));
  gate_.wait_for_syncs(1);
  ASSERT_TRUE(writer.append_durable(
      "b", [keep = shared, left = alone.get_future()](const Result<DurableId>& /*durable*/) mutable {
        left.wait();
        keep.reset();
      }));
  ASSERT_TRUE(writer.append_durable("c", calls_.next()));
  shared.reset();
  alone.set_value();
  gate_.release();
  EXPECT_THAT(ids(calls_.wait_for(2)), ElementsAre(1U, 3U));
  auto again = SyncWalWriter<std::string>::open(inner_);
  while (!again && again.error().code() == ErrorCode::kLockFailed) {
    std::this_thread::yield();
    again = SyncWalWriter<std::string>::open(inner_);
  }
  ASSERT_TRUE(again) << again.error();
  EXPECT_EQ((*again)->last_entry_id(), EntryId(3));
}

// As above. What the completion appended before it let go of the log has nobody left to sync it: it gets
// `closed`.
TEST_F(Completions, WhoIsAppendedAfterTheLastOwnerWentIsToldThatItIsClosed) {
  std::shared_ptr<SyncWalWriter<std::string>> shared = std::move(writer_);
  SyncWalWriter<std::string>& writer = *shared;
  std::promise<void> alone;
  ASSERT_TRUE(writer.append_durable(
      "a", [this, keep = shared, left = alone.get_future()](const Result<DurableId>& /*durable*/) mutable {
        left.wait();
        ASSERT_TRUE(keep->append_durable("b", calls_.next()));
        keep.reset();
      }));
  shared.reset();
  alone.set_value();
  EXPECT_TRUE(fails_with(calls_.wait_for(1).front(), ErrorCode::kClosed));
  while (!SyncWalWriter<std::string>::open(inner_)) std::this_thread::yield();
}

}  // namespace
}  // namespace durability::walog
