// How a log on an event loop begins and ends.

#include "durability/async/async_wal_test_support.hpp"

#include <gtest/gtest.h>

#include <boost/asio/deferred.hpp>
#include <string>
#include <thread>

#include "durability/async/async_reader.hpp"

namespace durability::async {
namespace {

using test::awaitable;
using test::fails_with;
using test::Gate;
using test::Operation;
using test::use_awaitable;
using test::Wal;
using test::Words;

class AsyncWalEnds : public test::AsyncWalTest {};

// What is queued is committed, everyone is told, then the log is closed; what comes later is refused.
TEST_F(AsyncWalEnds, ClosingCommitsWhatIsQueuedAndTellsEveryone) {
  open({.max_in_flight = 2});
  start_and_hold({"a", "b", "c", "d"});
  loop_.start(close());
  loop_.start(append("late"));
  loop_.start(close());
  loop_.poll();
  gate_.release();
  loop_.run();
  EXPECT_EQ(told_, (Words{"late closed", "close closed", "a ok", "b ok", "c ok", "d ok", "close ok"}));
  EXPECT_EQ(entries(), (Words{"a", "b", "c", "d"}));
  EXPECT_TRUE(WalReader<std::string>(disk_).count(ReadMode::kStrict));
}

// Without a close the group under way is finished and acknowledged, the queue after it is `closed`. It was
// `cancelled`, with the advice that it may still happen.
TEST_F(AsyncWalEnds, DestroyingItResolvesEveryWaiter) {
  open({.max_in_flight = 1});
  start_and_hold({"a", "b", "c"});
  std::thread destroyer([this] { wal_.reset(); });
  loop_.run_until([this] { return told_.size() == 2; });
  EXPECT_EQ(told_, (Words{"b closed", "c closed"}));
  gate_.release();
  destroyer.join();
  loop_.run();
  EXPECT_EQ(told_.back(), "a ok");
  EXPECT_EQ(entries(), Words{"a"});
}

// An operation may be made and not begun, and outlive the log.
TEST_F(AsyncWalEnds, WhatIsBegunOnceItWasDestroyedIsRefused) {
  open();
  auto later = wal_->append_durable("late", boost::asio::deferred);
  wal_.reset();
  std::string told;
  std::move(later)(
      [&](const Result<DurableId>& durable) { told = durable ? "ok" : code_name(durable.error().code()); });
  loop_.run();
  EXPECT_EQ(told, "closed");
}

TEST_F(AsyncWalEnds, ACloseThatNobodyWaitsForAnyMoreGoesOn) {
  open();
  start_and_hold({"a"});
  boost::asio::cancellation_signal signal;
  loop_.start(close(), signal);
  loop_.poll();
  signal.emit(boost::asio::cancellation_type::terminal);
  loop_.poll();
  EXPECT_EQ(told_, Words{"close cancelled"});
  gate_.release();
  loop_.run();
  EXPECT_EQ(told_.back(), "a ok");
  wal_.reset();
  EXPECT_TRUE(WalReader<std::string>(disk_).count(ReadMode::kStrict)) << "it ends in a mark";
}

// A null pointer was a crash, on a thread that nobody had asked for.
TEST_F(AsyncWalEnds, WhatIsNotThereIsInvalidConfig) {
  loop_.run([](test::AsyncWalTest& test) -> awaitable<void> {
    const auto home = test.loop_.executor();
    EXPECT_TRUE(fails_with(BlockingBridge::make(nullptr), ErrorCode::kInvalidConfig));
    EXPECT_TRUE(
        fails_with(co_await Wal::open(home, nullptr, {}, {}, use_awaitable), ErrorCode::kInvalidConfig));
    BlockingBridge no_directory(nullptr, test.bridge_->pool());
    EXPECT_TRUE(fails_with(co_await no_directory.exists("a"), ErrorCode::kInvalidConfig));
    const auto no_pool = std::make_shared<BlockingBridge>(test.faulty_, nullptr);
    EXPECT_TRUE(fails_with(co_await no_pool->list(""), ErrorCode::kInvalidConfig));
    EXPECT_TRUE(
        fails_with(co_await Wal::open(home, no_pool, {}, {}, use_awaitable), ErrorCode::kInvalidConfig));
    EXPECT_TRUE(fails_with(Wal::from_writer(home, test.bridge_, nullptr), ErrorCode::kInvalidConfig));
    const std::shared_ptr<Wal::Writer> writer = SyncWalWriter<std::string>::open(test.faulty_).value();
    EXPECT_TRUE(fails_with(Wal::from_writer(home, nullptr, writer), ErrorCode::kInvalidConfig));
    EXPECT_TRUE(fails_with(Wal::from_writer({}, test.bridge_, writer), ErrorCode::kInvalidConfig));
    const auto recovered = co_await async_recover_with_wal<Words, std::string>(
        home, *no_pool, std::nullopt, RecoveryOptions::strict(),
        [](const std::optional<Words>&) { return Words(); }, [](Words&, EntryId, const std::string&) {},
        use_awaitable);
    EXPECT_TRUE(fails_with(recovered, ErrorCode::kInvalidConfig));
  }(*this));
}

TEST_F(AsyncWalEnds, WhatCannotBeOpenedSaysWhy) {
  open();
  loop_.run([](test::AsyncWalTest& test) -> awaitable<void> {
    const auto second = co_await Wal::open(test.loop_.executor(), test.bridge_, {}, {}, use_awaitable);
    EXPECT_TRUE(fails_with(second, ErrorCode::kLockFailed));
    const auto none =
        co_await Wal::open(test.loop_.executor(), test.bridge_, {}, {.max_in_flight = 0}, use_awaitable);
    EXPECT_TRUE(fails_with(none, ErrorCode::kInvalidConfig));
  }(*this));
}

// Opened all the same, for nobody: it closes itself, and lets go of the lock.
TEST_F(AsyncWalEnds, ALogThatNobodyWaitsForAnyMoreIsLetGo) {
  boost::asio::cancellation_signal signal;
  std::optional<ErrorCode> told;
  Gate locking(Operation::kLock);
  locking.watch(*faulty_);
  locking.hold();
  Wal::open(
      loop_.executor(), bridge_, {}, {},
      boost::asio::bind_cancellation_slot(
          signal.slot(), [&](const Result<std::unique_ptr<Wal>>& opened) { told = opened.error().code(); }));
  locking.wait_for(1);
  signal.emit(boost::asio::cancellation_type::terminal);
  loop_.run();
  EXPECT_EQ(told, ErrorCode::kCancelled);
  locking.release();
  bridge_->pool()->close();
  EXPECT_TRUE(SyncWalWriter<std::string>::open(disk_));
}

}  // namespace
}  // namespace durability::async
