// Groups that share a sync, their order, and their errors.

#include "durability/async/async_wal_test_support.hpp"

#include <gtest/gtest.h>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/use_future.hpp>
#include <functional>
#include <string>
#include <vector>

#include "durability/async/async_reader.hpp"
#include "durability/storage/memory_directory.hpp"
#include "durability/testing/manual_worker.hpp"

namespace durability::async {
namespace {

using test::AsyncWalTest;
using test::awaitable;
using test::Injection;
using test::Operation;
using test::use_awaitable;
using test::Wal;
using test::Words;

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

// An entry that comes while a sync is under way is not acknowledged by it.
TEST_F(AsyncWalTest, AnEntryIsAcknowledgedOnlyByASyncThatBeganAfterItWasWritten) {
  open();
  start_and_hold({"early", "late"});
  gate_.release();
  loop_.run();
  EXPECT_EQ(told_, (Words{"early ok", "late ok"}));
  EXPECT_EQ(gate_.begun(), 2U);
}

// Everyone who waited on a sync that failed gets its error, everyone who comes later an error too.
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

// A handler that throws ends run(), as in all of Asio; those queued after it are told by the next run().
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

// An empty one is a handler that throws, as it is with Asio's own operations: it is called when the outcome
// has come.
TEST_F(AsyncWalTest, AnEmptyHandlerThrowsOutOfRunAndTakesNobodysAcknowledgement) {
  open();
  start_and_hold({"first"});
  wal_->append_durable("a", std::function<void(Result<DurableId>)>());
  loop_.start(append("b"));
  loop_.poll();
  gate_.release();
  EXPECT_THROW(loop_.run(), std::bad_function_call);
  loop_.run();
  EXPECT_EQ(told_, (Words{"first ok", "b ok"}));
  EXPECT_EQ(entries(), (Words{"first", "a", "b"}));
}

TEST_F(AsyncWalTest, OneWakeUpTellsAllThatWasCommittedBeforeIt) {
  const auto worker = std::make_shared<testing::ManualWorker>();
  open({.worker = worker});
  std::size_t told = 0;
  for (const char* entry : {"a", "b"}) {
    wal_->append_durable(entry, [&](const Result<DurableId>&) { ++told; });
    worker->run_all();
  }
  EXPECT_EQ(loop_.poll(), 1U);
  EXPECT_EQ(told, 2U);
}

// A group of thousands does not keep the event loop from everything else until all have been told.
TEST_F(AsyncWalTest, OthersHaveTheirTurnBetweenAcknowledgements) {
  const auto worker = std::make_shared<testing::ManualWorker>();
  open({.worker = worker});
  for (int i = 0; i < 1000; ++i) loop_.start(append("entry"));
  loop_.poll();
  EXPECT_EQ(worker->pending(), 1U) << "one task for all that wait";
  worker->run_all();
  std::size_t told_before = 0;
  boost::asio::post(loop_.executor(), [&] { told_before = told_.size(); });
  loop_.run();
  EXPECT_EQ(told_.size(), 1000U);
  EXPECT_LT(told_before, 100U);
}

// `open` with an executor that somebody forgot to set asked it for its context, and the process died; so did
// a replay, a recovery and a pool. The refusal must be reported on some executor: one of Asio's own.
TEST_F(AsyncWalTest, WithoutAnExecutorEverythingIsRefused) {
  const boost::asio::any_io_executor none;
  const auto refused = [](const auto& result) { return test::fails_with(result, ErrorCode::kInvalidConfig); };
  EXPECT_TRUE(refused(Wal::open(none, bridge_, {}, {}, boost::asio::use_future).get()));
  EXPECT_TRUE(refused(Wal::open(none, nullptr, {}, {}, boost::asio::use_future).get()));
  EXPECT_TRUE(refused(Wal::from_writer(none, bridge_, Wal::Writer::open(disk_).value())));
  EXPECT_TRUE(
      refused(bridge_->pool()->run(none, "work", [] { return Status(); }, boost::asio::use_future).get()));
  AsyncReplay<std::string> replay(none, WalReader<std::string>(disk_), ReadMode::kStrict);
  EXPECT_TRUE(refused(replay.next(boost::asio::use_future).get()));
  auto recovered = async_recover_with_wal<int, std::string>(
      none, *bridge_, std::nullopt, RecoveryOptions::strict(), [](const std::optional<int>&) { return 0; },
      [](int&, EntryId, const std::string&) {}, boost::asio::use_future);
  EXPECT_TRUE(refused(recovered.get()));
}

TEST_F(AsyncWalTest, WithoutAnExecutorTheRefusalIsToldOnTheTokensOwn) {
  std::optional<ErrorCode> told;
  Wal::open({}, bridge_, {}, {},
            boost::asio::bind_executor(loop_.executor(), [&](const Result<std::unique_ptr<Wal>>& opened) {
              told = opened.error().code();
            }));
  EXPECT_FALSE(told);
  loop_.run();
  EXPECT_EQ(told, ErrorCode::kInvalidConfig);
}

TEST_F(AsyncWalTest, WithoutStableStorageAnAppendIsRefusedAndNothingIsPoisoned) {
  bridge_ = BlockingBridge::make(MemoryDirectory::make()).value();
  open();
  loop_.run(append("a"));
  loop_.run(append("b"));
  EXPECT_EQ(told_, (Words{"a not_supported", "b not_supported"}));
}

}  // namespace
}  // namespace durability::async
