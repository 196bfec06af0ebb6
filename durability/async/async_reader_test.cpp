#include "durability/async/async_reader.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <string>

#include "durability/async/test_support.hpp"
#include "durability/walog/writer.hpp"

namespace durability::async {
namespace {

using test::awaitable;
using test::CrashDirectory;
using test::fails_with;
using test::FaultyDirectory;
using test::Gate;
using test::Loop;
using test::Operation;
using test::use_awaitable;
using Replay = AsyncReplay<std::string>;

struct Picky {
  template <class E>
  static Result<E> decode(ByteView payload) {
    auto entry = Postcard::decode<E>(payload);
    if (entry && *entry == "entry 4") return Error(ErrorCode::kDecode, "not this one");
    return entry;
  }
};

class AsyncReplayTest : public ::testing::Test {
 protected:
  ~AsyncReplayTest() override { gate_.release(); }

  void write(int entries) {
    auto writer = WalWriter<std::string>::open(faulty_).value();
    for (int i = 1; i <= entries; ++i) EXPECT_TRUE(writer.append(fmt::format("entry {}", i)));
    EXPECT_TRUE(writer.close());
  }
  [[nodiscard]] WalReader<std::string> reader() const { return WalReader<std::string>(faulty_); }

  /// The sizes of its batches, to the end; ids must follow each other from `first` on.
  awaitable<void> take_all(Replay& replay, std::uint64_t first) {
    while (true) {
      const auto batch = co_await replay.next(use_awaitable);
      if (!batch) error_ = batch.error();
      if (!batch || batch->empty()) co_return;
      sizes_.push_back(batch->size());
      for (const auto& record : *batch) {
        EXPECT_EQ(record.id, EntryId(first));
        EXPECT_EQ(record.entry, fmt::format("entry {}", first++));
      }
    }
  }

  std::shared_ptr<FaultyDirectory> faulty_ = FaultyDirectory::make(CrashDirectory::make());
  Gate gate_{Operation::kRead};
  Loop loop_;
  std::vector<std::size_t> sizes_;
  std::optional<Error> error_;
};

TEST_F(AsyncReplayTest, EntriesComeInOrderInBatchesUpToTheEnd) {
  write(10);
  Replay replay(loop_.executor(), reader(), ReadMode::kStrict, {.batch_entries = 4});
  loop_.run(take_all(replay, 1));
  EXPECT_EQ(sizes_, (std::vector<std::size_t>{4, 4, 2}));
  loop_.run(take_all(replay, 0));
  EXPECT_EQ(sizes_.size(), 3U) << "the end stays the end";
  EXPECT_FALSE(error_);
}

TEST_F(AsyncReplayTest, ABatchEndsByItsBytesToo) {
  write(5);
  Replay replay(loop_.executor(), reader().from(EntryId(2)), ReadMode::kStrict, {.batch_bytes = 10});
  loop_.run(take_all(replay, 2));
  EXPECT_EQ(sizes_, (std::vector<std::size_t>{2, 2}));
}

TEST_F(AsyncReplayTest, AnEmptyLogEndsAtOnce) {
  Replay replay(loop_.executor(), reader(), ReadMode::kStrict);
  loop_.run(take_all(replay, 1));
  EXPECT_TRUE(sizes_.empty());
  EXPECT_FALSE(error_);
}

TEST_F(AsyncReplayTest, NothingIsReadOnTheEventLoop) {
  write(100);
  gate_.watch(*faulty_);
  Replay replay(loop_.executor(), reader(), ReadMode::kStrict, {.batch_entries = 7});
  loop_.run(take_all(replay, 1));
  EXPECT_EQ(gate_.threads().size(), 1U);
  EXPECT_FALSE(gate_.threads().contains(std::this_thread::get_id()));
}

// The entries before an error are delivered first.
TEST_F(AsyncReplayTest, AnErrorComesAfterWhatCouldBeRead) {
  write(5);
  AsyncReplay<std::string, Picky> replay(loop_.executor(), WalReader<std::string, Picky>(faulty_),
                                         ReadMode::kStrict);
  loop_.run([](AsyncReplay<std::string, Picky>& stream) -> awaitable<void> {
    EXPECT_EQ((co_await stream.next(use_awaitable)).value().size(), 3U);
    EXPECT_TRUE(fails_with(co_await stream.next(use_awaitable), ErrorCode::kDecode));
    EXPECT_TRUE(fails_with(co_await stream.next(use_awaitable), ErrorCode::kDecode));
  }(replay));
}

// A waiter that gives up waiting for a batch loses none.
TEST_F(AsyncReplayTest, ABatchThatNobodyWaitedForAnyMoreGoesToTheNext) {
  write(3);
  gate_.watch(*faulty_);
  gate_.hold();
  Replay replay(loop_.executor(), reader(), ReadMode::kStrict, {.batch_entries = 1});
  boost::asio::cancellation_signal signal;
  loop_.start(
      [](Replay& stream) -> awaitable<void> {
        EXPECT_TRUE(fails_with(co_await stream.next(use_awaitable), ErrorCode::kCancelled));
      }(replay),
      signal);
  loop_.poll();
  signal.emit(boost::asio::cancellation_type::terminal);
  loop_.poll();
  gate_.release();
  loop_.run(take_all(replay, 1));
  EXPECT_EQ(sizes_, (std::vector<std::size_t>{1, 1, 1}));
}

// Destroyed while it is full, or while somebody waits.
TEST_F(AsyncReplayTest, DestroyingItEndsTheReading) {
  write(1000);
  {
    const Replay nobody_takes(loop_.executor(), reader(), ReadMode::kStrict, {.batch_entries = 1});
  }
  gate_.watch(*faulty_);
  gate_.hold();
  auto replay = std::make_unique<Replay>(loop_.executor(), reader(), ReadMode::kStrict);
  std::vector<ErrorCode> told;
  const auto note = [&](const Result<Replay::Batch>& batch) { told.push_back(batch.error().code()); };
  replay->next(note);
  replay->next(note);
  loop_.poll();
  EXPECT_EQ(told, std::vector<ErrorCode>{ErrorCode::kInvalidState}) << "one at a time";
  std::thread destroyer([&] { replay.reset(); });
  loop_.run_until([&] { return told.size() == 2; });
  EXPECT_EQ(told.back(), ErrorCode::kCancelled);
  gate_.release();
  destroyer.join();
}

}  // namespace
}  // namespace durability::async
