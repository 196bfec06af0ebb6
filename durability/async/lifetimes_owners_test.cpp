// Lifetimes with a story of their own: coroutines that own what they wait for, a worker that was passed in, a
// child of fork(), waiters on another loop. Every operation × every end: lifetimes_test.cpp.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "durability/async/lifetimes_test_support.hpp"
#include "durability/base/threads_at_rest_test_support.hpp"

namespace durability::async {
namespace {

using test::awaitable;
using test::CrashDirectory;
using test::FaultyDirectory;
using test::Gate;
using test::note;
using test::nothing_ahead;
using test::Replay;
using test::Table;
using test::Told;
using test::use_awaitable;
using test::Wal;
using test::Witness;
using test::World;

/// A coroutine that owns what it waits for, as the first example of docs/async.md does.
template <class Own>
void expect_destroyed_with_its_context(Own own) {
  const auto told = std::make_shared<Told>();
  const auto faulty = FaultyDirectory::make(CrashDirectory::make());
  Gate gate{std::nullopt};
  {
    auto writer = WalWriter<std::string>::open(faulty, nothing_ahead()).value();
    EXPECT_TRUE(writer.append("written before"));
    EXPECT_TRUE(writer.close());
  }
  auto context = std::make_unique<boost::asio::io_context>();
  boost::asio::co_spawn(*context, own(faulty, gate, told), test::Rethrow());
  while (gate.begun() == 0) {
    context->run_for(std::chrono::milliseconds(1));
    context->restart();
  }
  std::thread destroying([&] { context.reset(); });  // waits for the disk
  gate.release();
  destroying.join();
  EXPECT_EQ(told.use_count(), 1) << "the coroutine is still there";
  EXPECT_TRUE(told->words.empty());
  EXPECT_TRUE(WalWriter<std::string>::open(faulty, nothing_ahead())) << "and holds the lock";
}

// Shown by AddressSanitizer: the log's thread told the coroutine on a context that was gone.
TEST(AsyncLifetimes, ACoroutineThatOwnsTheLogItWaitsForGoesWithItsContext) {
  expect_destroyed_with_its_context(
      [](std::shared_ptr<FaultyDirectory> disk, Gate& gate, Witness told) -> awaitable<void> {
        const auto bridge = BlockingBridge::make(disk).value();
        auto wal = (co_await Wal::open(co_await boost::asio::this_coro::executor, bridge, nothing_ahead(), {},
                                       use_awaitable))
                       .value();
        gate.watch(*disk);
        gate.hold();
        note(*told, co_await wal->append_durable("entry", use_awaitable));
      });
}

// The reading thread held the channel, the channel the waiter, the waiter's frame the replay, and the replay
// the thread: nobody was left to end it.
TEST(AsyncLifetimes, ACoroutineThatOwnsTheReplayItWaitsForGoesWithItsContext) {
  expect_destroyed_with_its_context([](std::shared_ptr<FaultyDirectory> disk, Gate& gate,
                                       Witness told) -> awaitable<void> {
    gate.watch(*disk);
    gate.hold();
    Replay replay(co_await boost::asio::this_coro::executor, WalReader<std::string>(disk), ReadMode::kStrict);
    note(*told, co_await replay.next(use_awaitable));
  });
}

// The destructor did not wait for the group under way on a worker that was passed in: the worker went on with
// a log that was gone.
TEST(AsyncLifetimes, TheDestructorWaitsForTheGroupUnderWayOnAWorkerThatWasPassedIn) {
  const auto told = std::make_shared<Told>();
  Gate syncs{durability::testing::Operation::kSyncData};  // in a write the log's own mutex is held
  World world(false);
  const auto worker = Worker::thread().value();
  world.gate.release();
  world.wal = Wal::from_writer(world.context->get_executor(), world.bridge,
                               SyncWalWriter<std::string>::open(world.faulty, nothing_ahead()).value(),
                               {.worker = worker})
                  .value();
  syncs.watch(*world.faulty);
  const std::uint64_t before = syncs.begun();
  syncs.hold();
  world.wal->append_durable("entry", [told](const Result<DurableId>& durable) { note(*told, durable); });
  syncs.wait_for(before + 1);
  std::atomic<bool> destroyed = false;
  std::thread destroying([&] {
    world.wal.reset();
    destroyed = true;
  });
  durability::test::let_others_come_to_rest();
  EXPECT_FALSE(destroyed) << "its sync is under way";
  syncs.release();
  destroying.join();
  world.context->run();
  EXPECT_EQ(told->words, std::vector<std::string>{"ok"});
  EXPECT_TRUE(WalWriter<std::string>::open(world.faulty, nothing_ahead())) << "the lock is let go";
}

// A child of fork() has none of the threads: an operation there waited for ever, and so did the destructors.
TEST(AsyncLifetimes, InAChildOfForkEverythingIsRefusedAndNothingIsWaitedFor) {
  World world(true);
  world.gate.release();
  const auto told = std::make_shared<Told>();
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    world.context->notify_fork(boost::asio::execution_context::fork_child);
    world.wal->append_durable("entry", [told](const Result<DurableId>& durable) { note(*told, durable); });
    world.wal->publish(Table{}, *world.upto, "table.ckpt",
                       [told](const Result<PublishResult>& published) { note(*told, published); });
    world.context->run();
    world.let_go();
    ::_exit(told->words == std::vector<std::string>(2, "invalid_state") ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

// A waiter on another loop than the log's own hears of it there, whether or not the log's loop is left.
TEST(AsyncLifetimes, AWaiterOnAnotherLoopOutlivesTheLogsOwn) {
  const auto told = std::make_shared<Told>();
  World world(true);
  boost::asio::io_context other;
  world.wal->append_durable(
      "entry", boost::asio::bind_executor(
                   other.get_executor(), [told](const Result<DurableId>& durable) { note(*told, durable); }));
  world.gate.wait_for(1);
  world.context.reset();
  world.gate.release();
  other.run();
  EXPECT_EQ(told->words, std::vector<std::string>{"ok"});
  world.wal->append_durable(
      "later", boost::asio::bind_executor(
                   other.get_executor(), [told](const Result<DurableId>& durable) { note(*told, durable); }));
  other.restart();
  other.run();
  EXPECT_EQ(told->words, (std::vector<std::string>{"ok", "ok"}));
}

// What begins on a log whose loop is gone touched that loop. A handler bound to it is destroyed uncalled.
TEST(AsyncLifetimes, ALogGoesOnForWaitersElsewhereWhenItsLoopIsGone) {
  const auto told = std::make_shared<Told>();
  World world(true);
  boost::asio::io_context other;
  const auto wait = [told](const auto& result) { note(*told, result); };
  world.gate.release();
  world.context.reset();
  world.wal->append_durable("nobody hears of it", wait);
  world.wal->publish(Table{}, *world.upto, "unheard.ckpt", wait);
  EXPECT_EQ(told.use_count(), 2) << "this frame's, and the callback's here";
  world.wal->publish(Table{}, *world.upto, "table.ckpt",
                     boost::asio::bind_executor(other.get_executor(), wait));
  other.run();
  EXPECT_EQ(told->words, std::vector<std::string>{"ok"});
}

// And the other way round: its own loop goes, the log's goes on.
TEST(AsyncLifetimes, AWaitersOwnLoopMayGoBeforeTheLogs) {
  const auto told = std::make_shared<Told>();
  World world(true);
  auto other = std::make_unique<boost::asio::io_context>();
  const auto wait = [told](const Result<DurableId>& durable) { note(*told, durable); };
  world.wal->append_durable("entry", boost::asio::bind_executor(other->get_executor(), wait));
  world.wal->append_durable("next", wait);
  world.gate.wait_for(1);
  other.reset();
  world.gate.release();
  world.context->run();
  EXPECT_EQ(told->words, std::vector<std::string>{"ok"});
}

}  // namespace
}  // namespace durability::async
