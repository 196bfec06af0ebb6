#pragma once

// What the tests of lifetimes share: everything that an operation may lean on, and what its waiter heard.

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "durability/async/async_reader.hpp"
#include "durability/async/async_wal.hpp"
#include "durability/async/test_support.hpp"
#include "durability/testing/manual_worker.hpp"

namespace durability::async::test {

using Wal = AsyncWal<std::string>;
using Replay = AsyncReplay<std::string>;
using Table = std::map<std::string, std::string>;

/// What a waiter heard. It is held by the waiter's frame, or by its callback, and by the test.
struct Told {
  std::vector<std::string> words;
};
using Witness = std::shared_ptr<Told>;

template <class T>
void note(Told& told, const Result<T>& result) {
  told.words.emplace_back(result ? "ok" : code_name(result.error().code()));
}

/// Megabytes of zeros written ahead, as by default, would take longer than all else in a life.
inline WalOptions nothing_ahead() {
  WalOptions options;
  options.preallocate_bytes = 0;
  return options;
}

/// Everything that an operation may lean on. Each part can be let go by itself.
struct World {
  explicit World(bool with_log) {
    faulty = FaultyDirectory::make(CrashDirectory::make());
    bridge = BlockingBridge::make(faulty, {.threads = 1}).value();
    auto writer = WalWriter<std::string>::open(faulty, nothing_ahead()).value();
    EXPECT_TRUE(writer.append("written before"));
    EXPECT_TRUE(writer.close());
    context = std::make_unique<boost::asio::io_context>();
    if (with_log) {
      WalOptions options = nothing_ahead();
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
  /// Somebody else's operations, queued before, which wait for the disk.
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
  std::function<void()> expire;  // the timer of the coroutine that has one
};

}  // namespace durability::async::test
