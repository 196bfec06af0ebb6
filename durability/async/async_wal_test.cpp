// The log behind an event loop, with its disk held at the places that matter: no test here sleeps, or waits
// for time.

#include "durability/async/async_wal.hpp"

#include <gtest/gtest.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_future.hpp>
#include <map>
#include <string>
#include <vector>

#include "durability/async/async_reader.hpp"
#include "durability/async/test_support.hpp"
#include "durability/storage/memory_directory.hpp"
#include "durability/testing/manual_worker.hpp"

namespace durability::async {
namespace {

using namespace boost::asio::experimental::awaitable_operators;
using test::awaitable;
using test::CrashDirectory;
using test::fails_with;
using test::FaultyDirectory;
using test::Gate;
using test::Injection;
using test::Loop;
using test::Operation;
using test::use_awaitable;
using Wal = AsyncWal<std::string>;

class AsyncWalTest : public ::testing::Test {
 public:
  ~AsyncWalTest() override { gate_.release(); }

  /// An open log whose syncs can be held.
  void open(AsyncWalOptions async_options = {}, WalOptions options = {}) {
    options.preallocate_bytes = 0;
    loop_.run([](AsyncWalTest& test, WalOptions log, AsyncWalOptions chosen) -> awaitable<void> {
      test.wal_ = (co_await Wal::open(test.loop_.executor(), test.bridge_, std::move(log), std::move(chosen),
                                      use_awaitable))
                      .value();
    }(*this, std::move(options), std::move(async_options)));
    gate_.watch(*faulty_);
  }
  /// Appends, and says in told_ what came of it.
  awaitable<void> append(std::string entry) {
    const auto durable = co_await wal_->append_durable(entry, use_awaitable);
    told_.push_back(fmt::format("{} {}", entry, durable ? "ok" : code_name(durable.error().code())));
  }
  awaitable<void> close() {
    const Status closed = co_await wal_->close(use_awaitable);
    told_.push_back(fmt::format("close {}", closed ? "ok" : code_name(closed.error().code())));
  }
  /// Starts them, and returns when the sync of the first is under way.
  void start_and_hold(const std::vector<std::string>& entries) {
    gate_.hold();
    const std::uint64_t begun = gate_.begun();
    for (const auto& entry : entries) {
      loop_.start(append(entry));
      loop_.poll();
      if (entry == entries.front()) gate_.wait_for(begun + 1);
    }
  }
  std::vector<std::string> entries() {
    std::vector<std::string> found;
    const auto read = WalReader<std::string>(disk_).for_each(
        ReadMode::kBestEffort, [&](EntryId, const std::string& entry) { found.push_back(entry); });
    EXPECT_TRUE(read);
    return found;
  }

  std::shared_ptr<CrashDirectory> disk_ = CrashDirectory::make();
  std::shared_ptr<FaultyDirectory> faulty_ = FaultyDirectory::make(disk_);
  std::shared_ptr<BlockingBridge> bridge_ = BlockingBridge::make(faulty_).value();
  Gate gate_{Operation::kSyncData};
  Loop loop_;
  std::unique_ptr<Wal> wal_;
  std::vector<std::string> told_;
};

using Words = std::vector<std::string>;

TEST_F(AsyncWalTest, AnAppendCompletesWithTheProofThatItsEntryIsDurable) {
  open();
  loop_.run([](Wal& wal) -> awaitable<void> {
    EXPECT_EQ((co_await wal.append_durable("one", use_awaitable)).value().entry(), EntryId(1));
    const Bytes two = {std::byte{3}, std::byte{'t'}, std::byte{'w'}, std::byte{'o'}};
    EXPECT_EQ((co_await wal.append_durable_bytes(two, use_awaitable)).value().entry(), EntryId(2));
    EXPECT_EQ((co_await wal.flush_and_sync(use_awaitable)).value().entry(), EntryId(2));
    (co_await wal.close(use_awaitable)).value();
  }(*wal_));
  EXPECT_EQ(entries(), (Words{"one", "two"}));
}

TEST_F(AsyncWalTest, ACallbackAndAFutureDoAsWellAsACoroutine) {
  open();
  std::optional<EntryId> called;
  wal_->append_durable("callback", [&](Result<DurableId> durable) { called = durable.value().entry(); });
  std::future<Result<DurableId>> promised = wal_->append_durable("future", boost::asio::use_future);
  EXPECT_FALSE(called) << "never inside the call";
  loop_.run();
  EXPECT_EQ(called, EntryId(1));
  EXPECT_EQ(promised.get().value().entry(), EntryId(2));
}

// One thread for all who wait, and one sync for all who came while another was under way.
TEST_F(AsyncWalTest, ThousandsInFlightShareSyncs) {
  open();
  start_and_hold({"first"});
  constexpr int kMore = 3000;
  for (int i = 0; i < kMore; ++i) loop_.start(append(fmt::format("entry {}", i)));
  loop_.poll();
  EXPECT_TRUE(told_.empty());
  gate_.release();
  loop_.run();
  EXPECT_EQ(told_.size(), kMore + 1U);
  EXPECT_EQ(gate_.begun(), 2U);
  EXPECT_EQ(entries().size(), kMore + 1U);
  EXPECT_EQ(told_[1], "entry 0 ok") << "told in the order in which they were appended";
  EXPECT_EQ(told_.back(), fmt::format("entry {} ok", kMore - 1));
}

// G2: an entry that comes while a sync is under way is not acknowledged by it.
TEST_F(AsyncWalTest, AnEntryIsAcknowledgedOnlyByASyncThatBeganAfterItWasWritten) {
  open();
  start_and_hold({"early", "late"});
  gate_.release();
  loop_.run();
  EXPECT_EQ(told_, (Words{"early ok", "late ok"}));
  EXPECT_EQ(gate_.begun(), 2U);
}

// G1: everyone who waited on a sync that failed gets its error, everyone after an error too.
TEST_F(AsyncWalTest, AFailedSyncReachesEveryWaiter) {
  open();
  start_and_hold({"a", "b", "c"});
  gate_.release(Injection{.os_error = EIO});
  loop_.run();
  EXPECT_EQ(told_, (Words{"a io", "b poisoned", "c poisoned"}));
  EXPECT_EQ(gate_.begun(), 1U) << "a failed sync is not tried again";
  gate_.release();
  loop_.run(append("later"));
  EXPECT_EQ(told_.back(), "later poisoned");
}

// The writer says it to the first that waits, and `poisoned` to the others: so did the log.
TEST_F(AsyncWalTest, AllOfOneGroupGetTheErrorOfItsSync) {
  const auto worker = std::make_shared<testing::ManualWorker>();
  open({.worker = worker});
  const auto sync = [this] {
    wal_->flush_and_sync([this](const Result<DurableId>& durable) {
      told_.emplace_back(durable ? "sync ok" : fmt::format("sync {}", code_name(durable.error().code())));
    });
  };
  for (const char* entry : {"a", "b", "c"}) loop_.start(append(entry));
  loop_.poll();
  sync();
  faulty_->fail({.operation = Operation::kSyncData, .os_error = EIO});
  worker->run_all();
  loop_.run();
  EXPECT_EQ(told_, (Words{"a io", "b io", "c io", "sync io"}));
  sync();
  worker->run_all();
  loop_.run();
  EXPECT_EQ(told_.back(), "sync poisoned") << "that is another group";
}

// No write, no sync, no rotation on the thread of the event loop.
TEST_F(AsyncWalTest, NoFileOperationRunsOnTheEventLoop) {
  WalOptions options;
  options.segment_bytes = 4096;
  options.buffer_bytes = 256;
  options.flush = FlushPolicy::per_append();
  gate_.watch(*faulty_);
  open({}, options);
  for (int i = 0; i < 500; ++i) loop_.start(append(std::string(100, 'x')));
  loop_.run();
  loop_.run([](Wal& wal) -> awaitable<void> {
    const DurableId upto = (co_await wal.flush_and_sync(use_awaitable)).value();
    (co_await wal.publish(std::string("state"), upto, "state.ckpt", use_awaitable)).value();
    (co_await wal.close(use_awaitable)).value();
  }(*wal_));
  EXPECT_GT(wal_->writer()->segment_id().value(), 10U);
  EXPECT_FALSE(gate_.threads().empty());
  EXPECT_FALSE(gate_.threads().contains(std::this_thread::get_id()));
}

// G3: gave up while the sync was under way; the entry is there all the same, and so is everybody else's.
TEST_F(AsyncWalTest, AWaiterThatGivesUpIsToldAtOnceAndHarmsNobody) {
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
TEST_F(AsyncWalTest, ATimerBesideAnAppendIsATimeout) {
  open();
  gate_.hold();
  loop_.start([](AsyncWalTest& test) -> awaitable<void> {
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

TEST_F(AsyncWalTest, WhatFindsNoPlaceIsRefusedAndNeverAppended) {
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
TEST_F(AsyncWalTest, WhoGivesUpLeavesHisPlaceToOthersAtOnce) {
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
TEST_F(AsyncWalTest, WhoGivesUpWaitingForAThreadLeavesHisPlaceToOthersAtOnce) {
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

TEST_F(AsyncWalTest, BytesThatWaitAreBoundedTooButOneEntryAlwaysFinds) {
  open({.max_waiting_bytes = 100});
  start_and_hold({"a", std::string(500, 'b'), "c"});
  EXPECT_EQ(told_, Words{"c busy"});
  gate_.release();
  loop_.run();
  EXPECT_EQ(entries().size(), 2U);
}

// G4: what is queued is committed, everyone is told, then the log is closed; what comes later is refused.
TEST_F(AsyncWalTest, ClosingCommitsWhatIsQueuedAndTellsEveryone) {
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

// G4: without a close the group under way is finished and acknowledged, the queue behind it is cancelled.
TEST_F(AsyncWalTest, DestroyingItResolvesEveryWaiter) {
  open({.max_in_flight = 1});
  start_and_hold({"a", "b", "c"});
  std::thread destroyer([this] { wal_.reset(); });
  loop_.run_until([this] { return told_.size() == 2; });
  EXPECT_EQ(told_, (Words{"b cancelled", "c cancelled"}));
  gate_.release();
  destroyer.join();
  loop_.run();
  EXPECT_EQ(told_.back(), "a ok");
  EXPECT_EQ(entries(), Words{"a"});
}

TEST_F(AsyncWalTest, ACloseThatNobodyWaitsForAnyMoreGoesOn) {
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

// A handler that throws ends run(), as in all of Asio; those behind it are told by the next run().
TEST_F(AsyncWalTest, AHandlerThatThrowsTakesNobodysAcknowledgement) {
  open();
  start_and_hold({"first"});
  wal_->append_durable("a", [](const Result<DurableId>&) { throw std::runtime_error("handler"); });
  loop_.start(append("b"));
  loop_.start(append("c"));
  loop_.poll();
  gate_.release();
  EXPECT_THROW(loop_.run(), std::runtime_error);
  loop_.run();
  EXPECT_EQ(told_, (Words{"first ok", "b ok", "c ok"}));
}

// A group of thousands does not keep the event loop from everything else until all have been told.
TEST_F(AsyncWalTest, OthersHaveTheirTurnBetweenAcknowledgements) {
  const auto worker = std::make_shared<testing::ManualWorker>();
  open({.worker = worker});
  for (int i = 0; i < 1000; ++i) loop_.start(append("entry"));
  loop_.poll();
  worker->run_all();
  std::size_t told_before = 0;
  boost::asio::post(loop_.executor(), [&] { told_before = told_.size(); });
  loop_.run();
  EXPECT_EQ(told_.size(), 1000U);
  EXPECT_LT(told_before, 100U);
}

TEST_F(AsyncWalTest, WithoutStableStorageAnAppendIsRefusedAndNothingIsPoisoned) {
  bridge_ = BlockingBridge::make(MemoryDirectory::make()).value();
  open();
  loop_.run(append("a"));
  loop_.run(append("b"));
  EXPECT_EQ(told_, (Words{"a not_supported", "b not_supported"}));
}

// A null pointer was a crash, on a thread that nobody had asked for.
TEST_F(AsyncWalTest, WhatIsNotThereIsInvalidConfig) {
  loop_.run([](AsyncWalTest& test) -> awaitable<void> {
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

TEST_F(AsyncWalTest, WhatCannotBeOpenedSaysWhy) {
  open();
  loop_.run([](AsyncWalTest& test) -> awaitable<void> {
    const auto second = co_await Wal::open(test.loop_.executor(), test.bridge_, {}, {}, use_awaitable);
    EXPECT_TRUE(fails_with(second, ErrorCode::kLockFailed));
    const auto none =
        co_await Wal::open(test.loop_.executor(), test.bridge_, {}, {.max_in_flight = 0}, use_awaitable);
    EXPECT_TRUE(fails_with(none, ErrorCode::kInvalidConfig));
  }(*this));
}

// Opened all the same, for nobody: it closes itself, and lets go of the lock.
TEST_F(AsyncWalTest, ALogThatNobodyWaitsForAnyMoreIsLetGo) {
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

TEST_F(AsyncWalTest, AStateIsPublishedAndRecoveredWithoutBlocking) {
  open();
  using Table = std::map<std::string, std::string>;
  loop_.run([](AsyncWalTest& test) -> awaitable<void> {
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

}  // namespace
}  // namespace durability::async
