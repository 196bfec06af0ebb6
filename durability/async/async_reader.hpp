#pragma once

// Reading a log, and recovering a state from it, without blocking an event loop.
//
//   AsyncReplay<Op> replay(executor, WalReader<Op>(directory).from(id), ReadMode::kStrict);
//   while (true) {
//     auto batch = co_await replay.next(use_awaitable);
//     if (!batch) …                       // as WalReader: what came before it is good
//     if (batch->empty()) break;          // the end
//     for (const auto& [id, op] : *batch) …
//   }

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "durability/async/blocking_bridge.hpp"
#include "durability/async/replay_channel.hpp"
#include "durability/base/process.hpp"
#include "durability/recover/recover.hpp"
#include "durability/walog/reader.hpp"

namespace durability {

struct ReplayOptions {
  /// A batch ends when it holds so many entries, or payloads of so many bytes, whichever comes first.
  std::size_t batch_entries = 1024;
  std::size_t batch_bytes = std::size_t{1} << 20U;
};

/// A log as a stream of batches. Read on a thread of its own, which waits while two batches are there that
/// nobody has taken. Never writes, takes no lock, safe beside a live writer, as WalReader. Not thread-safe.
/// Destroying it ends the reading, and waits for the read under way; so a coroutine may own it that waits for
/// its batches. Destroying the execution context destroys the waiter, and nothing else.
template <class E, class Codec = Postcard>
class AsyncReplay {
 public:
  using Batch = std::vector<WalRecord<E>>;

  /// Where the thread cannot be started (`io`), or the executor is empty (`invalid_config`, reported on the
  /// token's, else on boost::asio::system_executor), that is the one thing that `next` yields.
  // NOLINTNEXTLINE(performance-unnecessary-value-param): as everywhere, an executor is taken by value
  AsyncReplay(boost::asio::any_io_executor home, WalReader<E, Codec> reader, ReadMode mode,
              ReplayOptions options = {})
      : home_(async::home_of(home)) {
    if (auto usable = async::need_executor(home); !usable) {
      channel_->finish(std::move(usable).error());
      return;
    }
    auto thread = Thread::start([channel = channel_, reader = std::move(reader), mode, options] {
      channel->finish(async::guarded([&] { return read(*channel, reader, mode, options); }));
    });
    if (thread) {
      thread_ = *std::move(thread);
    } else {
      channel_->finish(std::move(thread).error());
    }
  }
  ~AsyncReplay() {
    if (!thread_.joinable()) return;
    if (process_.left()) {  // a child of fork() has no such thread
      thread_.detach();
    } else {
      channel_->abandon();
      thread_.join();
    }
  }
  AsyncReplay(const AsyncReplay&) = delete;
  AsyncReplay& operator=(const AsyncReplay&) = delete;

  /// Completes with Result<Batch>: the next entries, in order; an empty one at the end; an error of WalReader
  /// in its place after the entries before it. `cancelled`: gave up, and lost nothing: the next call
  /// gets that batch. `invalid_state`: another one is waiting.
  template <class Token>
  auto next(Token&& token) {
    return async::initiate<async::AsyncOperation<Batch>>(
        home_, "next",
        [channel = channel_, process = process_](auto taker) {
          if (process.left()) return taker->resolve(async::not_in_a_child());
          channel->take(std::move(taker));
        },
        std::forward<Token>(token));
  }

 private:
  using Channel = async::ReplayChannel<Batch>;

  /// What comes last: an incomplete batch has been put before it.
  static Result<Batch> read(Channel& channel, const WalReader<E, Codec>& reader, ReadMode mode,
                            const ReplayOptions& options) {
    Batch batch;
    std::size_t bytes = 0;
    auto report = reader.for_each_bytes(mode, [&](const WalEntryView& view) -> Result<Flow> {
      DURABILITY_TRY_ASSIGN(E entry, (walog::decode_entry<E, Codec>(view)));
      batch.push_back({.id = view.id, .entry = std::move(entry)});
      bytes += view.payload.size();
      if (batch.size() < options.batch_entries && bytes < options.batch_bytes) return Flow::kContinue;
      bytes = 0;
      return channel.put(std::exchange(batch, {})) ? Flow::kContinue : Flow::kStop;
    });
    if (!batch.empty() && !channel.put(std::move(batch))) return Batch();
    if (!report) return std::move(report).error();
    return Batch();
  }

  const internal::OpeningProcess process_;
  const async::Home home_;
  const std::shared_ptr<Channel> channel_ = std::make_shared<Channel>();
  Thread thread_;
};

/// recover_with_wal on the bridge's pool: `init` and `apply` are called on one of its threads. Completes with
/// Result<Recovery<State>>; `invalid_config` for no executor, as of BlockingPool::run. Given up, it reads on
/// to its end; so `init` and `apply` own what they use.
template <class C, class E, class Codec = Postcard, class Init, class Apply, class Token>
auto async_recover_with_wal(const boost::asio::any_io_executor& home, const BlockingBridge& bridge,
                            std::optional<std::string> checkpoint_path, RecoveryOptions options, Init init,
                            Apply apply, Token&& token) {
  return async::run_task_on(
      bridge.tasks(), bridge.usable(), home, "recover",
      [directory = bridge.inner(), checkpoint_path = std::move(checkpoint_path), options,
       init = std::move(init), apply = std::move(apply)]() mutable {
        return recover_with_wal<C, E, Codec>(directory, checkpoint_path, options, init, apply);
      },
      std::forward<Token>(token));
}

}  // namespace durability
