// Every operation of this module × what may end while it is under way. An operation lives on three sides: the
// waiter's execution context, the object that it was begun on, and the thread that works for it; any of them
// may go first, and each of them once left the others with pointers to it. Built for AddressSanitizer and
// ThreadSanitizer, which see what the assertions do not.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "durability/async/async_reader.hpp"
#include "durability/async/async_wal.hpp"
#include "durability/async/test_support.hpp"
#include "durability/testing/manual_worker.hpp"

namespace durability::async {
namespace {

using namespace boost::asio::experimental::awaitable_operators;
using test::awaitable;
using test::CrashDirectory;
using test::FaultyDirectory;
using test::Gate;
using test::use_awaitable;
using Wal = AsyncWal<std::string>;
using Replay = AsyncReplay<std::string>;
using Table = std::map<std::string, std::string>;
using boost::asio::cancellation_type;

/// What a waiter heard. It is held by the waiter's frame, or by its callback, and by the test.
struct Told {
  std::vector<std::string> words;
};
using Witness = std::shared_ptr<Told>;

template <class T>
void note(Told& told, const Result<T>& result) {
  told.words.emplace_back(result ? "ok" : code_name(result.error().code()));
}

/// Everything that an operation may lean on. Each part can be let go by itself.
struct World {
  explicit World(bool with_log) {
    faulty = FaultyDirectory::make(CrashDirectory::make());
    bridge = BlockingBridge::make(faulty, {.threads = 1}).value();
    auto writer = WalWriter<std::string>::open(faulty).value();
    EXPECT_TRUE(writer.append("written before"));
    EXPECT_TRUE(writer.close());
    context = std::make_unique<boost::asio::io_context>();
    if (with_log) {
      WalOptions options;
      options.preallocate_bytes = 0;
      options.worker = std::make_shared<testing::ManualWorker>();
      auto log = SyncWalWriter<std::string>::open(faulty, options).value();
      upto = log->durable_id();
      EXPECT_TRUE(log->append("not synced"));
      wal = Wal::from_writer(context->get_executor(), bridge, std::move(log)).value();
    }
    gate.watch(*faulty);
    gate.hold();
  }
  ~World() {
    gate.release();
    let_go();
  }
  void let_go() {
    replay.reset();
    wal.reset();
    bridge.reset();
  }
  /// Somebody else's operations in front, which wait for the disk.
  void occupy() {
    boost::asio::co_spawn(
        *context,
        [](std::shared_ptr<BlockingBridge> files) -> awaitable<void> {
          static_cast<void>(co_await files->exists("occupied"));
        }(bridge),
        [](const std::exception_ptr&) {});
    if (wal) wal->append_durable("in front", [](const Result<DurableId>&) {});
    context->poll();
    gate.wait_for(1);
  }

  Gate gate{std::nullopt};
  std::shared_ptr<FaultyDirectory> faulty;
  std::unique_ptr<boost::asio::io_context> context;
  std::shared_ptr<BlockingBridge> bridge;
  std::unique_ptr<Wal> wal;
  std::unique_ptr<Replay> replay;
  std::optional<DurableId> upto;
  boost::asio::cancellation_signal signal;
};

/// An operation, begun by a callback or by a coroutine; both listen to World::signal.
struct Case {
  std::string name;
  bool with_log;
  std::function<void(World&, Witness)> as_callback;
  std::function<void(World&, Witness)> as_coroutine;
  std::function<void(World&, Witness)> with_timer;  // a coroutine that gives up at once
};

template <class Begin>
awaitable<void> await_it(Begin begin, World& world, Witness told) {
  auto outcome = co_await begin(world, use_awaitable);
  note(*told, outcome);
}

template <class Begin>
awaitable<void> await_or_give_up(Begin begin, World& world, Witness told) {
  boost::asio::steady_timer timer(*world.context, boost::asio::steady_timer::time_point::min());
  const auto first = co_await (begin(world, use_awaitable) || timer.async_wait(use_awaitable));
  told->words.emplace_back(first.index() == 1 ? "cancelled" : "in time");
}

void spawn(World& world, awaitable<void> task) {
  boost::asio::co_spawn(*world.context, std::move(task),
                        boost::asio::bind_cancellation_slot(world.signal.slot(), test::Rethrow()));
}

template <class Begin>
Case with_coroutines(std::string name, bool with_log, Begin begin) {
  return {
      .name = std::move(name),
      .with_log = with_log,
      .as_callback = {},
      .as_coroutine = [begin](World& world,
                              Witness told) { spawn(world, await_it(begin, world, std::move(told))); },
      .with_timer = [begin](World& world,
                            Witness told) { spawn(world, await_or_give_up(begin, world, std::move(told))); }};
}

/// An operation that takes any token.
template <class Begin>
Case of(std::string name, bool with_log, Begin begin) {
  Case made = with_coroutines(std::move(name), with_log, begin);
  made.as_callback = [begin](World& world, Witness told) {
    auto callback = [told = std::move(told)](const auto& result) { note(*told, result); };
    begin(world, boost::asio::bind_cancellation_slot(world.signal.slot(), std::move(callback)));
  };
  return made;
}

/// An operation of the bridge: awaited, or spawned for a callback.
template <class Begin>
Case of_bridge(std::string name, Begin begin) {
  Case made = with_coroutines("bridge." + std::move(name), false,
                              [begin](World& world, const auto& /*token*/) { return begin(*world.bridge); });
  made.as_callback = [begin](World& world, Witness told) {
    auto callback = [told = std::move(told)](const std::exception_ptr& thrown, const auto& result) {
      test::Rethrow()(thrown);
      note(*told, result);
    };
    boost::asio::co_spawn(*world.context, begin(*world.bridge),
                          boost::asio::bind_cancellation_slot(world.signal.slot(), std::move(callback)));
  };
  return made;
}

std::vector<Case> cases_of_logs() {
  const auto last = [](World& world, auto token) {
    return async_recover_with_wal<Table, std::string>(
        world.context->get_executor(), *world.bridge, std::nullopt, RecoveryOptions::best_effort(),
        [](const std::optional<Table>& table) { return table.value_or(Table{}); },
        [](Table& table, EntryId, const std::string& entry) { table[entry] = "replayed"; }, std::move(token));
  };
  const auto next = [](World& world, auto token) {
    world.replay = std::make_unique<Replay>(world.context->get_executor(),
                                            WalReader<std::string>(world.faulty), ReadMode::kBestEffort);
    return world.replay->next(std::move(token));
  };
  return {
      of("open", false,
         [](World& world, auto token) {
           return Wal::open(world.context->get_executor(), world.bridge, {}, {}, std::move(token));
         }),
      of("append_durable", true,
         [](World& world, auto token) { return world.wal->append_durable("entry", std::move(token)); }),
      of("append_durable_bytes", true,
         [](World& world, auto token) {
           return world.wal->append_durable_bytes(Bytes(3, std::byte{2}), std::move(token));
         }),
      of("flush_and_sync", true,
         [](World& world, auto token) { return world.wal->flush_and_sync(std::move(token)); }),
      of("publish", true,
         [](World& world, auto token) {
           return world.wal->publish(Table{}, *world.upto, "table.ckpt", std::move(token));
         }),
      of("publish with a marker", true,
         [](World& world, auto token) {
           const auto marker = [](std::string_view, DurableId) { return std::string("marker"); };
           return world.wal->publish(Table{}, *world.upto, "table.ckpt", marker, std::move(token));
         }),
      of("close", true, [](World& world, auto token) { return world.wal->close(std::move(token)); }),
      of("next", false, next),
      of("async_recover_with_wal", false, last),
  };
}

std::vector<Case> cases_of_bridges() {
  using Files = BlockingBridge;
  const auto some = [] { return Bytes(3, std::byte{2}); };
  return {
      of_bridge("write_file", [some](Files& files) { return files.write_file("a", some()); }),
      of_bridge("read_file", [](Files& files) { return files.read_file("a", 9); }),
      of_bridge("read_range", [](Files& files) { return files.read_range("a", 0, 9); }),
      of_bridge("append", [some](Files& files) { return files.append("a", some()); }),
      of_bridge("exists", [](Files& files) { return files.exists("a"); }),
      of_bridge("remove", [](Files& files) { return files.remove("a"); }),
      of_bridge("rename", [](Files& files) { return files.rename("a", "b"); }),
      of_bridge("atomic_write", [some](Files& files) { return files.atomic_write("a", some()); }),
      of_bridge("create_directories", [](Files& files) { return files.create_directories("d/e"); }),
      of_bridge("list", [](Files& files) { return files.list(""); }),
      of_bridge("write_durable", [some](Files& files) { return files.write_durable("a", some()); }),
      of_bridge("append_durable", [some](Files& files) { return files.append_durable("a", some()); }),
      of_bridge("remove_durable", [](Files& files) { return files.remove_durable("a"); }),
      of_bridge("rename_durable", [](Files& files) { return files.rename_durable("a", "b"); }),
      of_bridge("sync_directory", [](Files& files) { return files.sync_directory(""); }),
  };
}

/// How an operation is begun, and whether it stands at the disk or in a queue when it ends.
struct Way {
  bool coroutine;
  bool queued;
};

/// One case on its way to one end.
class Life {
 public:
  Life(const Case& operation, Way way) : world_(operation.with_log), way_(way) {
    if (way.queued) world_.occupy();
    (way.coroutine ? operation.as_coroutine : operation.as_callback)(world_, told_);
    world_.context->poll();
    if (!way.queued) world_.gate.wait_for(1);
  }

  /// The loop ends and begins again: nothing is lost, and nobody is told twice.
  void stop_context() {
    world_.context->stop();
    world_.gate.release();
    world_.let_go();  // returns when the work has ended
    EXPECT_EQ(told_->words.size(), 0U) << "nobody runs the loop";
    run();
    EXPECT_EQ(told_->words.size(), 1U);
  }
  /// The waiter goes with the context, and hears nothing; the work may end later than that.
  void destroy_context() {
    std::weak_ptr<Told> waiter = told_;
    world_.context.reset();
    EXPECT_EQ(told_.use_count(), 1) << "the waiter is still there";
    world_.gate.release();
    world_.let_go();
    EXPECT_EQ(told_->words.size(), 0U);
  }
  /// The same with the outcome on its way.
  void destroy_context_last() {
    world_.gate.release();
    world_.let_go();
    world_.context.reset();
    EXPECT_EQ(told_.use_count(), 1) << "the waiter is still there";
    EXPECT_EQ(told_->words.size(), 0U);
  }
  /// And while the outcome comes.
  void destroy_context_meanwhile() {
    std::thread releasing([this] { world_.gate.release(); });
    world_.context.reset();
    releasing.join();
    EXPECT_EQ(told_.use_count(), 1) << "the waiter is still there";
    world_.let_go();
  }
  /// Log, replay and bridge go first; the waiter is told what became of it, once.
  void destroy_owner() {
    std::thread destroying([this] { world_.let_go(); });
    world_.gate.release();
    run();
    destroying.join();
    run();
    EXPECT_EQ(told_->words.size(), 1U);
  }
  void cancel() {
    world_.signal.emit(cancellation_type::terminal);
    world_.context->poll();
    expect_cancelled();
  }
  void wait_for_cancelled() {
    while (told_->words.empty()) world_.context->run_one();
    expect_cancelled();
  }

 private:
  void expect_cancelled() {
    EXPECT_EQ(told_->words, std::vector<std::string>{"cancelled"}) << "while the disk still hangs";
    EXPECT_EQ(told_.use_count(), 1) << "its memory is given back";
    world_.gate.release();
    run();
    world_.let_go();
    EXPECT_EQ(told_->words.size(), 1U);
  }
  void run() {
    world_.context->restart();
    world_.context->run();
  }

  const Witness told_ = std::make_shared<Told>();
  World world_;
  const Way way_;
};

void each(const std::function<void(const Case&, Way)>& live) {
  for (const auto& cases : {cases_of_logs(), cases_of_bridges()}) {
    for (const Case& operation : cases) {
      for (const bool coroutine : {false, true}) {
        for (const bool queued : {false, true}) {
          SCOPED_TRACE(fmt::format("{}{}{}", operation.name, coroutine ? ", a coroutine" : ", a callback",
                                   queued ? ", in a queue" : ""));
          live(operation, {.coroutine = coroutine, .queued = queued});
        }
      }
    }
  }
}

TEST(AsyncLifetimes, AStoppedContextTellsEveryoneOnceWhenItRunsAgain) {
  each([](const Case& operation, Way way) { Life(operation, way).stop_context(); });
}

// Before, the thread that worked posted to a context that was gone; and a coroutine that owned its log was
// owned by it in turn, and never destroyed.
TEST(AsyncLifetimes, ADestroyedContextTakesItsWaitersAlong) {
  each([](const Case& operation, Way way) { Life(operation, way).destroy_context(); });
}

TEST(AsyncLifetimes, ADestroyedContextTakesOutcomesAlongThatNobodyHasHeard) {
  each([](const Case& operation, Way way) { Life(operation, way).destroy_context_last(); });
}

TEST(AsyncLifetimes, AContextMayBeDestroyedWhileOutcomesCome) {
  each([](const Case& operation, Way way) { Life(operation, way).destroy_context_meanwhile(); });
}

TEST(AsyncLifetimes, ADestroyedOwnerTellsEveryoneOnce) {
  each([](const Case& operation, Way way) { Life(operation, way).destroy_owner(); });
}

TEST(AsyncLifetimes, ACancelledOperationIsToldAtOnceAndGivesItsMemoryBack) {
  each([](const Case& operation, Way way) { Life(operation, way).cancel(); });
}

// A callback's timeout is a cancellation by whoever holds the timer: the case above.
TEST(AsyncLifetimes, ATimedOutOperationIsToldAtOnceAndGivesItsMemoryBack) {
  each([](const Case& operation, Way way) {
    if (!way.coroutine) return;
    Case timed = operation;
    timed.as_coroutine = operation.with_timer;
    Life(timed, way).wait_for_cancelled();
  });
}

/// A coroutine that owns what it waits for, as the first example of docs/async.md does.
template <class Own>
void expect_destroyed_with_its_context(Own own) {
  const auto told = std::make_shared<Told>();
  const auto faulty = FaultyDirectory::make(CrashDirectory::make());
  Gate gate{std::nullopt};
  {
    auto writer = WalWriter<std::string>::open(faulty).value();
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
  EXPECT_TRUE(WalWriter<std::string>::open(faulty)) << "and holds the lock";
}

// Shown by AddressSanitizer: the log's thread told the coroutine on a context that was gone.
TEST(AsyncLifetimes, ACoroutineThatOwnsTheLogItWaitsForGoesWithItsContext) {
  expect_destroyed_with_its_context([](std::shared_ptr<FaultyDirectory> disk, Gate& gate,
                                       Witness told) -> awaitable<void> {
    const auto bridge = BlockingBridge::make(disk).value();
    auto wal = (co_await Wal::open(co_await boost::asio::this_coro::executor, bridge, {}, {}, use_awaitable))
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
  World world(false);
  const auto worker = Worker::thread().value();
  world.gate.release();
  world.wal = Wal::from_writer(world.context->get_executor(), world.bridge,
                               SyncWalWriter<std::string>::open(world.faulty).value(), {.worker = worker})
                  .value();
  const std::uint64_t before = world.gate.begun();
  world.gate.hold();
  world.wal->append_durable("entry", [told](const Result<DurableId>& durable) { note(*told, durable); });
  world.gate.wait_for(before + 1);
  std::thread destroying([&] { world.wal.reset(); });
  world.gate.release();
  destroying.join();
  world.context->run();
  EXPECT_EQ(told->words, std::vector<std::string>{"ok"});
  EXPECT_TRUE(WalWriter<std::string>::open(world.faulty)) << "the lock is let go";
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

// Who waits on another loop than the log's own hears of it there, whether or not the log's loop is left.
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
