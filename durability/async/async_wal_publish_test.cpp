// Publishing while an event loop goes on.

#include "durability/async/async_wal_test_support.hpp"

#include <gtest/gtest.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "durability/async/async_reader.hpp"
#include "durability/publish/held_publication_test_support.hpp"

namespace durability::async {
namespace {

using namespace boost::asio::experimental::awaitable_operators;
using test::awaitable;
using test::fails_with;
using test::use_awaitable;
using test::Wal;
using test::Words;

/// Entry n is the word n; the state after it is all words up to n.
Words words_up_to(std::uint64_t last) {
  Words words;
  for (std::uint64_t n = 1; n <= last; ++n) words.push_back(std::to_string(n));
  return words;
}

class AsyncWalPublishing : public test::AsyncWalTest {
 protected:
  ~AsyncWalPublishing() override { rename_.let_go(); }

  /// Sixty words in several segments; the first publication that begins will be held at its rename.
  void write_sixty() {
    WalOptions options;
    options.segment_bytes = 256;
    open({}, options);
    for (std::uint64_t n = 1; n <= 60; ++n) {
      wal_->append_durable(std::to_string(n),
                           [this](const Result<DurableId>& id) { ids_.push_back(id.value()); });
    }
    loop_.run();
    rename_.watch(*faulty_);
  }
  /// Publishes the state after that entry, and says in told_ what came of it.
  awaitable<void> publish(std::uint64_t upto) {
    const auto published =
        co_await wal_->publish(words_up_to(upto), ids_.at(upto - 1), "words.ckpt", use_awaitable);
    told_.push_back(fmt::format("{} {}", upto, published ? "published" : published.error().to_string()));
  }
  awaitable<void> publish_with_a_timer(std::uint64_t upto) {
    boost::asio::steady_timer timer(loop_.executor(), boost::asio::steady_timer::time_point::max());
    expire_ = [&timer] { timer.cancel(); };
    boost::system::error_code expired;
    const auto first =
        co_await (publish(upto) || timer.async_wait(boost::asio::redirect_error(use_awaitable, expired)));
    told_.push_back(fmt::format("{} {}", upto, first.index() == 1 ? "timed out" : "in time"));
  }
  /// It is about to rename its checkpoint when its waiter gives up.
  void publish_and_give_up(std::uint64_t upto, bool by_timer) {
    boost::asio::cancellation_signal signal;
    loop_.start(by_timer ? publish_with_a_timer(upto) : publish(upto), signal);
    loop_.poll();
    rename_.wait_for_it();
    if (by_timer) {
      expire_();
    } else {
      signal.emit(boost::asio::cancellation_type::terminal);
    }
    loop_.poll();
    ASSERT_FALSE(told_.empty()) << "told while the disk still hangs";
    EXPECT_TRUE(told_.front().find("given up") != std::string::npos) << told_.front();
    told_.clear();
  }
  /// The checkpoint, and the log after it, without a gap, once nobody publishes any more.
  void expect_state(std::uint64_t checkpoint, std::uint64_t last) {
    bridge_->pool()->close();
    const auto recovered = recover_with_wal<Words, std::string>(
        disk_, "words.ckpt", RecoveryOptions::best_effort(),
        [](const std::optional<Words>& words) { return words.value_or(Words{}); },
        [](Words& words, EntryId, const std::string& word) { words.push_back(word); });
    ASSERT_TRUE(recovered) << recovered.error();
    EXPECT_EQ(CheckpointFile(disk_).read_header("words.ckpt")->last_applied, EntryId(checkpoint));
    EXPECT_EQ(recovered->state, words_up_to(last));
  }

  durability::test::FirstRename rename_{"words.ckpt"};
  std::vector<DurableId> ids_;
  std::function<void()> expire_;
};

// Publishing the state after entry 20 took too long, and its waiter gave up; it went on in the pool. The
// program published the state after entry 60, which succeeded and truncated the log. Then the first one's
// rename put the older checkpoint over the newer: entries 21 to 56 were in neither checkpoint nor log.
TEST_F(AsyncWalPublishing, WhatWasCancelledNeverTakesThePlaceOfWhatWasPublishedAfterIt) {
  write_sixty();
  publish_and_give_up(20, false);
  loop_.start(publish(60));
  loop_.poll();
  rename_.let_go_last();
  loop_.run();
  EXPECT_EQ(told_, Words{"60 published"});
  EXPECT_GT(wal_->writer()->segment_ranges().front().first, EntryId(21)) << "the log was truncated";
  expect_state(60, 60);
}

// The same as docs/async.md shows a timeout.
TEST_F(AsyncWalPublishing, WhatTimedOutNeverTakesThePlaceOfWhatWasPublishedAfterIt) {
  write_sixty();
  publish_and_give_up(20, true);
  loop_.start(publish(60));
  loop_.poll();
  rename_.let_go_last();
  loop_.run();
  EXPECT_EQ(told_, Words{"60 published"});
  EXPECT_GT(wal_->writer()->segment_ranges().front().first, EntryId(21)) << "the log was truncated";
  expect_state(60, 60);
}

// And the other way round: what was given up was the newer one.
TEST_F(AsyncWalPublishing, WhoeverComesWithAnOlderStateThanOneThatWasGivenUpIsRefused) {
  write_sixty();
  publish_and_give_up(60, false);
  loop_.start(publish(20));
  loop_.poll();
  rename_.let_go_last();
  loop_.run();
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_TRUE(told_.front().find("60 is published already") != std::string::npos) << told_.front();
  expect_state(60, 60);
}

TEST_F(AsyncWalPublishing, AppendsGoOnWhileOneThatWasGivenUpIsHeld) {
  write_sixty();
  publish_and_give_up(20, false);
  loop_.run(append("61"));
  EXPECT_EQ(told_, Words{"61 ok"});
  rename_.let_go();
  expect_state(20, 61);
}

TEST_F(AsyncWalPublishing, AStateIsPublishedAndRecoveredWithoutBlocking) {
  open();
  using Table = std::map<std::string, std::string>;
  loop_.run([](test::AsyncWalTest& test) -> awaitable<void> {
    Wal& wal = *test.wal_;
    const DurableId upto = (co_await wal.append_durable("a", use_awaitable)).value();
    const Table state = {{"a", "1"}};
    (co_await wal.publish(state, upto, "table.ckpt", use_awaitable)).value();
    const auto marker = [](std::string_view, DurableId) { return std::string("marker"); };
    const auto published = co_await wal.publish(state, upto, "table.ckpt", marker, use_awaitable);
    EXPECT_EQ(published.value().marker, EntryId(2));
    (co_await wal.append_durable("b", use_awaitable)).value();
    (co_await wal.close(use_awaitable)).value();
    const auto recovered = co_await async_recover_with_wal<Table, std::string>(
        test.loop_.executor(), *test.bridge_, "table.ckpt", RecoveryOptions::strict(),
        [](const std::optional<Table>& table) { return table.value(); },
        [](Table& table, EntryId, const std::string& entry) { table[entry] = "replayed"; }, use_awaitable);
    EXPECT_EQ(recovered.value().replayed, 2U);
    EXPECT_EQ(recovered.value().state.size(), 3U);
  }(*this));
}

// What the library calls itself is looked at before anything begins; an exception of it had been the outcome.
TEST_F(AsyncWalPublishing, WithNothingToCallIsInvalidConfig) {
  open();
  loop_.run([](AsyncWalPublishing& test) -> awaitable<void> {
    const DurableId upto = (co_await test.wal_->append_durable("a", use_awaitable)).value();
    const std::function<std::string(std::string_view, DurableId)> no_marker;
    EXPECT_TRUE(fails_with(co_await test.wal_->publish(Words(), upto, "words.ckpt", no_marker, use_awaitable),
                           ErrorCode::kInvalidConfig));
    const std::function<void(Words&, EntryId, std::string)> no_apply;
    const auto recovered = co_await async_recover_with_wal<Words, std::string>(
        test.loop_.executor(), *test.bridge_, "words.ckpt", RecoveryOptions::strict(),
        [](const std::optional<Words>& words) { return words.value_or(Words{}); }, no_apply, use_awaitable);
    EXPECT_TRUE(fails_with(recovered, ErrorCode::kInvalidConfig));
  }(*this));
  EXPECT_FALSE(disk_->exists("words.ckpt").value());
}

}  // namespace
}  // namespace durability::async
