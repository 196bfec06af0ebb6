// Waiters that give up, and what finds no place.

#include "durability/async/async_wal_test_support.hpp"

#include <gtest/gtest.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <string>
#include <vector>

namespace durability::async {
namespace {

using namespace boost::asio::experimental::awaitable_operators;
using test::awaitable;
using test::use_awaitable;
using test::Wal;
using test::Words;

class AsyncWalGivingUp : public test::AsyncWalTest {};

// Gave up while the sync was under way; the entry is there all the same, and so is everybody else's.
TEST_F(AsyncWalGivingUp, AWaiterThatGivesUpIsToldAtOnceAndHarmsNobody) {
  open();
  gate_.hold();
  boost::asio::cancellation_signal first;
  boost::asio::cancellation_signal third;
  loop_.start(append("first"), first);
  loop_.poll();
  gate_.wait_for(1);
  loop_.start(append("second"));
  loop_.start(append("third"), third);
  loop_.start(append("fourth"));
  loop_.poll();
  first.emit(boost::asio::cancellation_type::terminal);
  third.emit(boost::asio::cancellation_type::terminal);
  loop_.poll();
  EXPECT_EQ(told_, (Words{"first cancelled", "third cancelled"}));
  gate_.release();
  loop_.run();
  EXPECT_EQ(told_, (Words{"first cancelled", "third cancelled", "second ok", "fourth ok"}));
  EXPECT_EQ(entries(), (Words{"first", "second", "fourth"})) << "no group had taken the third";
}

// A timeout by Asio's own means, as docs/async.md shows it. The timer has expired before the disk answers.
TEST_F(AsyncWalGivingUp, ATimerBesideAnAppendIsATimeout) {
  open();
  gate_.hold();
  loop_.start([](test::AsyncWalTest& test) -> awaitable<void> {
    boost::asio::steady_timer timer(test.loop_.executor(), boost::asio::steady_timer::time_point::min());
    const auto raced =
        co_await (test.wal_->append_durable("slow", use_awaitable) || timer.async_wait(use_awaitable));
    test.told_.push_back(raced.index() == 1 ? "timed out" : "ok");
  }(*this));
  loop_.run_until([this] { return !told_.empty(); });
  EXPECT_EQ(told_, Words{"timed out"});
  gate_.release();
  loop_.run(append("next"));
  EXPECT_EQ(told_.back(), "next ok");
}

TEST_F(AsyncWalGivingUp, WhatFindsNoPlaceIsRefusedAndNeverAppended) {
  open({.max_in_flight = 1, .max_waiting = 2});
  start_and_hold({"a", "b", "c", "d"});
  EXPECT_EQ(told_, Words{"d busy"});
  gate_.release();
  loop_.run();
  EXPECT_EQ(told_, (Words{"d busy", "a ok", "b ok", "c ok"}));
  EXPECT_EQ(gate_.begun(), 3U) << "one at a time was asked for";
  EXPECT_EQ(entries(), (Words{"a", "b", "c"}));
}

// A client that waits for one append at a time, and gives up each of them after a while, found the log `busy`
// at its 18th: whoever gave up kept his place, and his entry's memory, until a group took it.
TEST_F(AsyncWalGivingUp, WhoGivesUpLeavesHisPlaceToOthersAtOnce) {
  open({.max_waiting = 2, .max_waiting_bytes = 100});
  start_and_hold({"first"});
  for (int i = 0; i < 20; ++i) {
    boost::asio::cancellation_signal patience;
    loop_.start(append(std::string(60, 'x')), patience);
    loop_.poll();
    patience.emit(boost::asio::cancellation_type::terminal);
    loop_.poll();
    EXPECT_EQ(told_.back(), std::string(60, 'x') + " cancelled");
  }
  loop_.start(append("last but one"));
  loop_.start(append("last"));
  loop_.poll();
  gate_.release();
  loop_.run();
  EXPECT_EQ(entries(), (Words{"first", "last but one", "last"}));
}

// The same with a pool: a place that nobody waits in any more is nobody's.
TEST_F(AsyncWalGivingUp, WhoGivesUpWaitingForAThreadLeavesHisPlaceToOthersAtOnce) {
  bridge_ = BlockingBridge::make(faulty_, {.threads = 1, .max_waiting = 1}).value();
  gate_.watch(*faulty_);
  gate_.hold();
  const auto write = [this](std::string name) -> awaitable<void> {
    const Status done = co_await bridge_->write_durable(name, {});
    told_.push_back(fmt::format("{} {}", name, done ? "ok" : code_name(done.error().code())));
  };
  loop_.start(write("running"));
  loop_.poll();
  gate_.wait_for(1);
  for (int i = 0; i < 3; ++i) {
    boost::asio::cancellation_signal patience;
    loop_.start(write("impatient"), patience);
    loop_.poll();
    patience.emit(boost::asio::cancellation_type::terminal);
    loop_.poll();
  }
  loop_.start(write("patient"));
  loop_.poll();
  gate_.release();
  loop_.run();
  EXPECT_EQ(told_, (Words{"impatient cancelled", "impatient cancelled", "impatient cancelled", "running ok",
                          "patient ok"}));
}

TEST_F(AsyncWalGivingUp, BytesThatWaitAreBoundedTooButOneEntryAlwaysFinds) {
  open({.max_waiting_bytes = 100});
  start_and_hold({"a", std::string(500, 'b'), "c"});
  EXPECT_EQ(told_, Words{"c busy"});
  gate_.release();
  loop_.run();
  EXPECT_EQ(entries().size(), 2U);
}

}  // namespace
}  // namespace durability::async
