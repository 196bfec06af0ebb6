// Coroutines and callbacks on several event loop threads, cancellations, blocking threads on the same
// log, files beside it, all at once; and every acknowledged entry is there once. DURABILITY_ASYNC_OPERATIONS
// says how many durable appends; `make test` runs a twentieth of a million, `make async-load` the million.

#include <gtest/gtest.h>
#include <stdlib.h>

#include <boost/asio.hpp>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "durability/async.hpp"
#include "durability/durability.hpp"

namespace durability::eventloop {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::use_awaitable;

constexpr int kCoroutines = 64;

class Load {
 public:
  Load(std::shared_ptr<BlockingBridge> bridge, const std::shared_ptr<SyncWalWriter<std::string>>& writer,
       int operations)
      : bridge_(std::move(bridge)),
        wal_(AsyncWal<std::string>::from_writer(context_.get_executor(), bridge_, writer).value()),
        appends_of_each_(operations / (2 * kCoroutines)) {
    for (int i = 0; i < kCoroutines; ++i) {
      // A coroutine for itself, and one that is given up now and then: each on a strand of its own.
      spawn(append_in_turn(fmt::format("coroutine {}", i)));
      spawn(append_impatiently(fmt::format("impatient {}", i)));
    }
    spawn(use_files());
  }

  void run() {
    std::vector<std::thread> threads;
    threads.reserve(3);
    for (int i = 0; i < 2; ++i) threads.emplace_back([this] { context_.run(); });
    threads.emplace_back([this] { append_blocking(); });
    for (auto& thread : threads) thread.join();
    context_.restart();
    std::optional<Status> closed;
    wal_->close([&](Status status) { closed = std::move(status); });
    context_.run();
    ASSERT_TRUE(closed && *closed);
  }

  [[nodiscard]] const std::map<std::uint64_t, std::string>& acknowledged() const { return acknowledged_; }

 private:
  awaitable<void> append_in_turn(std::string name) {
    for (int i = 0; i < appends_of_each_; ++i) {
      const std::string entry = fmt::format("{} entry {}", name, i);
      const auto durable = co_await wal_->append_durable(entry, use_awaitable);
      note(durable.value(), entry);
    }
  }

  /// Every third append races with its cancellation.
  awaitable<void> append_impatiently(std::string name) {
    const auto strand = co_await asio::this_coro::executor;
    for (int i = 0; i < appends_of_each_; ++i) {
      const std::string entry = fmt::format("{} entry {}", name, i);
      asio::cancellation_signal signal;
      if (i % 3 == 0) asio::post(strand, [&] { signal.emit(asio::cancellation_type::terminal); });
      const auto durable =
          co_await wal_->append_durable(entry, asio::bind_cancellation_slot(signal.slot(), use_awaitable));
      if (durable) note(*durable, entry);
      if (!durable) {
        EXPECT_EQ(durable.error().code(), ErrorCode::kCancelled);
      }
      // The signal's function is over when this one has run.
      co_await asio::post(strand, use_awaitable);
    }
  }

  awaitable<void> use_files() {
    for (int i = 0; i < 50; ++i) {
      const std::string name = fmt::format("file {}", i % 5);
      const ByteView text = as_bytes(name);
      (co_await bridge_->atomic_write(name, Bytes(text.begin(), text.end()))).value();
      EXPECT_EQ(as_text((co_await bridge_->read_file(name, 100)).value()), name);
    }
  }

  void append_blocking() {
    for (int i = 0; i < 200; ++i) {
      const std::string entry = fmt::format("thread entry {}", i);
      note(wal_->writer()->append_durable(entry).value(), entry);
    }
  }

  void note(DurableId id, const std::string& entry) {
    const std::lock_guard lock(mutex_);
    EXPECT_TRUE(acknowledged_.emplace(id.value(), entry).second) << id << " was given out twice";
  }
  void spawn(awaitable<void> task) {
    asio::co_spawn(asio::make_strand(context_), std::move(task), [](const std::exception_ptr& thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
  }

  asio::io_context context_;
  std::shared_ptr<BlockingBridge> bridge_;
  std::unique_ptr<AsyncWal<std::string>> wal_;
  int appends_of_each_;
  std::mutex mutex_;
  std::map<std::uint64_t, std::string> acknowledged_;
};

TEST(AsyncLoad, WhatIsAcknowledgedIsThereOnceWhateverElseGoesOn) {
  const char* wanted = std::getenv("DURABILITY_ASYNC_OPERATIONS");
  const int operations = wanted == nullptr ? 50'000 : std::atoi(wanted);
  std::string path = ::testing::TempDir() + "durability_load_XXXXXX";
  ASSERT_NE(::mkdtemp(path.data()), nullptr);
  const std::shared_ptr<Directory> directory = FsDirectory::open(path).value();
  std::map<std::uint64_t, std::string> acknowledged;
  {
    WalOptions options;
    options.segment_bytes = 1U << 20U;
    Load load(BlockingBridge::make(directory).value(),
              SyncWalWriter<std::string>::open(directory, options).value(), operations);
    load.run();
    acknowledged = load.acknowledged();
  }
  EXPECT_GT(acknowledged.size(), static_cast<std::size_t>(operations) / 2);
  std::uint64_t entries = 0;
  const auto read = WalReader<std::string>(directory).for_each(
      ReadMode::kStrict, [&](EntryId id, const std::string& entry) {
        ++entries;
        const auto found = acknowledged.find(id.value());
        if (found == acknowledged.end()) return;
        EXPECT_EQ(found->second, entry);
        acknowledged.erase(found);
      });
  EXPECT_TRUE(read) << read.error();
  EXPECT_TRUE(acknowledged.empty()) << acknowledged.size() << " acknowledged entries are missing";
  EXPECT_LE(entries, static_cast<std::uint64_t>(operations) + 200);
  std::filesystem::remove_all(path);
}

}  // namespace
}  // namespace durability::eventloop
