#pragma once

// A log on an event loop whose disk can be held at the places that matter, for the tests of AsyncWal: none
// sleeps, or waits for time.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "durability/async/async_wal.hpp"
#include "durability/async/test_support.hpp"
#include "durability/walog/reader.hpp"

namespace durability::async::test {

using Wal = AsyncWal<std::string>;
using Words = std::vector<std::string>;

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

}  // namespace durability::async::test
