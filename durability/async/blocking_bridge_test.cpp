#include "durability/async/blocking_bridge.hpp"

#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <future>
#include <map>
#include <string>
#include <vector>

#include "durability/async/test_support.hpp"
#include "durability/storage/memory_directory.hpp"

namespace durability::async {
namespace {

using test::awaitable;
using test::CrashDirectory;
using test::fails_with;
using test::FaultyDirectory;
using test::Gate;
using test::Injection;
using test::Loop;
using test::Operation;
using testing::CrashProfile;

Bytes bytes(std::string_view text) {
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

class BlockingBridgeTest : public ::testing::Test {
 protected:
  void TearDown() override { gate_.release(); }

  /// Writes a file, and says in told_ what came of it.
  awaitable<void> write(BlockingBridge& files, std::string name) {
    const Status done = co_await files.write_durable(name, bytes("x"));
    told_.push_back(fmt::format("{} {}", name, done ? "ok" : code_name(done.error().code())));
  }

  std::shared_ptr<CrashDirectory> disk_ = CrashDirectory::make();
  std::shared_ptr<FaultyDirectory> faulty_ = FaultyDirectory::make(disk_);
  Gate gate_{Operation::kSyncData};
  Loop loop_;
  std::vector<std::string> told_;
};

TEST_F(BlockingBridgeTest, EveryOperationDoesWhatTheDirectorysDoes) {
  const auto bridge = BlockingBridge::make(faulty_).value();
  loop_.run([](AsyncDirectory& files, Directory& inner) -> awaitable<void> {
    (co_await files.write_file("a/file", bytes("hello, world"))).value();
    EXPECT_EQ(as_text((co_await files.read_file("a/file", 100)).value()), "hello, world");
    EXPECT_TRUE(fails_with(co_await files.read_file("a/file", 3), ErrorCode::kInvalidState));
    EXPECT_EQ(as_text((co_await files.read_range("a/file", 7, 3)).value()), "wor");
    EXPECT_EQ(as_text((co_await files.read_range("a/file", 7, UINT64_MAX)).value()), "world");
    EXPECT_TRUE((co_await files.read_range("a/file", UINT64_MAX, 1)).value().empty());
    (co_await files.append("a/file", bytes("!"))).value();
    (co_await files.append("a/new", bytes("made"))).value();
    EXPECT_EQ(as_text(inner.read_file("a/file", 100).value()), "hello, world!");
    EXPECT_TRUE((co_await files.exists("a/file")).value());
    (co_await files.rename("a/file", "b/other")).value();
    EXPECT_FALSE((co_await files.exists("a/file")).value());
    (co_await files.atomic_write("b/other", bytes("new"))).value();
    EXPECT_EQ(as_text(inner.read_file("b/other", 100).value()), "new");
    (co_await files.create_directories("c/d")).value();
    EXPECT_EQ(fmt::format("{}", fmt::join((co_await files.list("")).value(), " ")), "a b c");
    (co_await files.remove("a")).value();
    EXPECT_FALSE(inner.exists("a/new").value());
    EXPECT_TRUE(fails_with(co_await files.read_file("../x", 9), ErrorCode::kInvalidConfig));
    EXPECT_TRUE(fails_with(co_await files.read_range("none", 0, 9), ErrorCode::kNotFound));
  }(*bridge, *disk_));
  EXPECT_EQ(bridge->inner(), faulty_);
}

// Several appends that were awaited side by side asked the same file for its end, wrote to the same place,
// and said ok. Each is whole and in one piece.
TEST_F(BlockingBridgeTest, AppendsSideBySideLoseNothing) {
  const auto bridge = BlockingBridge::make(faulty_).value();
  constexpr std::size_t kEach = 1000;
  for (char writer = 'a'; writer <= 'p'; ++writer) {
    loop_.start([](AsyncDirectory& files, char mine) -> awaitable<void> {
      const Bytes piece(kEach, static_cast<std::byte>(mine));
      for (int i = 0; i < 8; ++i) (co_await files.append(i % 2 == 0 ? "even" : "odd", piece)).value();
      (co_await files.append_durable("even", piece)).value();
    }(*bridge, writer));
  }
  loop_.run();
  std::map<char, int> pieces;
  for (const char* name : {"even", "odd"}) {
    const Bytes all = disk_->read_file(name, 1U << 20U).value();
    const std::string_view text = as_text(all);
    ASSERT_EQ(text.size() % kEach, 0U);
    for (std::size_t at = 0; at < text.size(); at += kEach) {
      EXPECT_EQ(text.substr(at, kEach), std::string(kEach, text[at])) << "in one piece";
      ++pieces[text[at]];
    }
  }
  EXPECT_EQ(pieces.size(), 16U);
  for (const auto& [writer, count] : pieces) EXPECT_EQ(count, 9) << writer;
}

/// What the mildest of the profiles that lose names and bytes alike leaves.
std::shared_ptr<Directory> after_power_cut(CrashDirectory& disk) {
  testing::RandomChooser chooser(7);
  return disk.after_power_cut(CrashProfile::hostile(), chooser);
}

TEST_F(BlockingBridgeTest, TheDurableOnesSurviveAPowerCut) {
  const auto bridge = BlockingBridge::make(faulty_).value();
  loop_.run([](AsyncDirectory& files) -> awaitable<void> {
    (co_await files.write_durable("a/written", bytes("whole"))).value();
    (co_await files.append_durable("b/grown", bytes("first,"))).value();
    (co_await files.append_durable("b/grown", bytes("second"))).value();
    (co_await files.write_durable("c/old", bytes("moved"))).value();
    (co_await files.rename_durable("c/old", "d/new")).value();
    (co_await files.write_durable("gone", bytes("x"))).value();
    (co_await files.remove_durable("gone")).value();
    (co_await files.create_directories("e")).value();
    (co_await files.sync_directory("")).value();
  }(*bridge));
  EXPECT_TRUE(disk_->all_synced()) << disk_->describe();
  const auto left = after_power_cut(*disk_);
  EXPECT_EQ(as_text(left->read_file("a/written", 100).value()), "whole");
  EXPECT_EQ(as_text(left->read_file("b/grown", 100).value()), "first,second");
  EXPECT_EQ(as_text(left->read_file("d/new", 100).value()), "moved");
  EXPECT_FALSE(left->exists("gone").value());
  EXPECT_TRUE(left->exists("e").value());
}

TEST_F(BlockingBridgeTest, WithoutStableStorageTheDurableOnesAreRefusedAndChangeNothing) {
  const auto memory = MemoryDirectory::make();
  const auto bridge = BlockingBridge::make(memory).value();
  loop_.run([](AsyncDirectory& files) -> awaitable<void> {
    EXPECT_FALSE(files.capabilities().stable_storage);
    EXPECT_TRUE(fails_with(co_await files.append_durable("a", bytes("x")), ErrorCode::kNotSupported));
    EXPECT_TRUE(fails_with(co_await files.write_durable("a", bytes("x")), ErrorCode::kNotSupported));
  }(*bridge));
  EXPECT_TRUE(memory->list("").value().empty());
}

// Every file operation, those of opening and closing included, runs on a thread of the pool.
TEST_F(BlockingBridgeTest, NoFileOperationRunsOnTheEventLoop) {
  gate_.watch(*faulty_);
  const auto bridge = BlockingBridge::make(faulty_, {.threads = 2}).value();
  loop_.run([](AsyncDirectory& files) -> awaitable<void> {
    for (int i = 0; i < 20; ++i) {
      (co_await files.write_durable("a/file", bytes("x"))).value();
      (co_await files.append_durable("a/file", bytes("x"))).value();
      (co_await files.read_range("a/file", 0, 2)).value();
      (co_await files.list("a")).value();
    }
  }(*bridge));
  EXPECT_FALSE(gate_.threads().contains(std::this_thread::get_id()));
  EXPECT_LE(gate_.threads().size(), 2U);
  EXPECT_FALSE(gate_.threads().empty());
}

// One runs, two wait, the fourth is refused at once and never happens.
TEST_F(BlockingBridgeTest, WhatFindsNoPlaceIsRefusedAndWhatHasOneWaitsItsTurn) {
  gate_.watch(*faulty_);
  gate_.hold();
  const auto bridge = BlockingBridge::make(faulty_, {.threads = 1, .max_waiting = 2}).value();
  loop_.start(write(*bridge, "a"));
  loop_.poll();
  gate_.wait_for(1);
  for (const char* name : {"b", "c", "d"}) loop_.start(write(*bridge, name));
  loop_.poll();
  EXPECT_EQ(told_, std::vector<std::string>{"d busy"});
  gate_.release();
  loop_.run();
  EXPECT_EQ(told_, (std::vector<std::string>{"d busy", "a ok", "b ok", "c ok"}));
  EXPECT_FALSE(disk_->exists("d").value());
}

// The disk hangs; a waiter gives up, is told at once, and the others go on.
TEST_F(BlockingBridgeTest, WhoGivesUpIsToldAtOnceAndWhatWasNotBegunNeverHappens) {
  gate_.watch(*faulty_);
  gate_.hold();
  const auto bridge = BlockingBridge::make(faulty_, {.threads = 1}).value();
  boost::asio::cancellation_signal running;
  boost::asio::cancellation_signal waiting;
  loop_.start(write(*bridge, "running"), running);
  loop_.poll();
  gate_.wait_for(1);
  loop_.start(write(*bridge, "waiting"), waiting);
  loop_.start(write(*bridge, "other"));
  loop_.poll();
  running.emit(boost::asio::cancellation_type::terminal);
  waiting.emit(boost::asio::cancellation_type::terminal);
  loop_.poll();
  EXPECT_EQ(told_, (std::vector<std::string>{"running cancelled", "waiting cancelled"}));
  gate_.release();
  loop_.run();
  EXPECT_EQ(told_.back(), "other ok");
  bridge->pool()->close();
  EXPECT_TRUE(disk_->exists("running").value()) << "it had begun";
  EXPECT_FALSE(disk_->exists("waiting").value());
}

// Closing waits for what runs and resolves what waits. Whoever waited, and whoever came later, once got
// `cancelled`, and that it may still happen: nothing was begun.
TEST_F(BlockingBridgeTest, ClosingThePoolResolvesEveryWaiter) {
  gate_.watch(*faulty_);
  gate_.hold();
  const auto bridge = BlockingBridge::make(faulty_, {.threads = 1}).value();
  loop_.start(write(*bridge, "a"));
  loop_.poll();
  gate_.wait_for(1);
  loop_.start(write(*bridge, "b"));
  loop_.poll();
  std::thread closer([&] { bridge->pool()->close(); });
  loop_.run_until([this] { return !told_.empty(); });
  EXPECT_EQ(told_, std::vector<std::string>{"b closed"});
  gate_.release();
  closer.join();
  loop_.start(write(*bridge, "late"));
  loop_.run();
  EXPECT_EQ(told_, (std::vector<std::string>{"b closed", "a ok", "late closed"}));
}

TEST_F(BlockingBridgeTest, AnErrorOfTheDiskReachesTheWaiter) {
  const auto bridge = BlockingBridge::make(faulty_).value();
  faulty_->fail({.operation = Operation::kSyncData, .os_error = EIO});
  loop_.run([](AsyncDirectory& files) -> awaitable<void> {
    const Status done = co_await files.append_durable("a", bytes("x"));
    EXPECT_FALSE(done);
    EXPECT_EQ(done.error().os_error(), EIO);
  }(*bridge));
}

// bad_alloc on a thread of the pool has no caller to pass through to.
TEST_F(BlockingBridgeTest, WhatTheWorkThrowsBecomesAnError) {
  const auto pool = BlockingPool::make().value();
  loop_.run([](BlockingPool& threads, boost::asio::any_io_executor home) -> awaitable<void> {
    const Status full = co_await threads.run(
        home, "allocate", []() -> Status { throw std::bad_alloc(); }, test::use_awaitable);
    EXPECT_EQ(full.error().os_error(), ENOMEM);
    const Status thrown = co_await threads.run(
        home, "throw", []() -> Status { throw std::runtime_error("why"); }, test::use_awaitable);
    EXPECT_TRUE(fails_with(thrown, ErrorCode::kInvalidState));
  }(*pool, loop_.executor()));
}

// A log that was opened for a waiter that had given up was destroyed on the pool's thread, and with it the
// last owner of the pool, which then waited for the thread that it ran on.
TEST(BlockingPool, ItsLastOwnerMayBeATask) {
  Loop loop;
  auto pool = BlockingPool::make().value();
  std::promise<void> alone;
  std::optional<bool> told;
  pool->run(
      loop.executor(), "work",
      [pool, left = alone.get_future().share()]() -> Status {
        left.wait();
        return {};
      },
      [&](const Status& done) { told = done.has_value(); });
  pool.reset();
  alone.set_value();
  loop.run();
  EXPECT_EQ(told, true);
}

TEST(BlockingPool, OptionsThatMakeNoSenseAreRefused) {
  EXPECT_TRUE(fails_with(BlockingPool::make({.threads = 0}), ErrorCode::kInvalidConfig));
  EXPECT_TRUE(fails_with(BlockingPool::make({.threads = 1025}), ErrorCode::kInvalidConfig));
  EXPECT_TRUE(fails_with(BlockingPool::make({.max_waiting = 0}), ErrorCode::kInvalidConfig));
}

}  // namespace
}  // namespace durability::async
