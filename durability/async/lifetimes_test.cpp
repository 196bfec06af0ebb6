// Every operation of this module × what may end while it is under way. An operation lives on three sides: the
// waiter's execution context, the object that it was begun on, and the thread that works for it; any of them
// may go first, and each of them once left the others with pointers to it. Built for AddressSanitizer and
// ThreadSanitizer, which see what the assertions do not.

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "durability/async/lifetimes_test_support.hpp"

namespace durability::async {
namespace {

using namespace boost::asio::experimental::awaitable_operators;
using boost::asio::cancellation_type;
using test::awaitable;
using test::note;
using test::Replay;
using test::Table;
using test::Told;
using test::use_awaitable;
using test::Wal;
using test::Witness;
using test::World;

/// An operation, begun by a callback or by a coroutine; both listen to World::signal.
struct Case {
  std::string name;
  bool with_log;
  std::function<void(World&, Witness)> as_callback;
  std::function<void(World&, Witness)> as_coroutine;
  std::function<void(World&, Witness)> with_timer;  // a coroutine that gives up at World::expire
};

template <class Begin>
awaitable<void> await_it(Begin begin, World& world, Witness told) {
  auto outcome = co_await begin(world, use_awaitable);
  note(*told, outcome);
}

template <class Begin>
awaitable<void> await_or_give_up(Begin begin, World& world, Witness told) {
  boost::asio::steady_timer timer(*world.context, boost::asio::steady_timer::time_point::max());
  world.expire = [&timer] { timer.cancel(); };
  boost::system::error_code expired;
  const auto first = co_await (begin(world, use_awaitable) ||
                               timer.async_wait(boost::asio::redirect_error(use_awaitable, expired)));
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
           return Wal::open(world.context->get_executor(), world.bridge, test::nothing_ahead(), {},
                            std::move(token));
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
  /// And with a cancellation on its way, while the thread that works holds the operation.
  void destroy_context_of_the_cancelled() {
    world_.signal.emit(cancellation_type::terminal);
    world_.context.reset();
    EXPECT_EQ(told_.use_count(), 1) << "the waiter is still there";
    world_.gate.release();
    world_.let_go();
    EXPECT_EQ(told_->words.size(), 0U);
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
  void time_out() {
    world_.expire();
    world_.context->poll();
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

// Before, a handler whose call was posted and never ran went with the last reference to its operation. The
// thread that did the work may hold that one, and a coroutine's handler posts to its context when it is
// destroyed: ThreadSanitizer saw it do so while the context was being destroyed.
TEST(AsyncLifetimes, ADestroyedContextTakesCancelledWaitersAlong) {
  each([](const Case& operation, Way way) { Life(operation, way).destroy_context_of_the_cancelled(); });
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
    Life(timed, way).time_out();
  });
}

}  // namespace
}  // namespace durability::async
