#pragma once

// A log for programs that must not block: `co_await wal->append_durable(entry, use_awaitable)`.
//
// Every operation takes a completion token of Boost.Asio: use_awaitable, a callback, use_future, deferred, …
// and completes with void(Result<T>), once, on the token's executor (else on the log's own), never inside the
// call. Outcomes pass through the log's own executor, so somebody must run it, also for a future. No file
// operation happens on an event loop: groups are committed by a worker (commit_queue.hpp), opening and
// publishing run on the bridge's pool.
//
// Giving up: a cancelled operation (by its cancellation slot, so also by `||` with a timer) completes at once
// with `cancelled`. An entry that a group had taken may still become durable, before or after that; one that
// none had taken is never appended. Nobody else is harmed: the group goes on.
//
// Shutting down: `close` first commits what is queued, acknowledges it, then closes the log; appends behind
// it are `invalid_state`. Without it, the destructor waits for the group under way, whose outcomes are still
// delivered; what was queued behind it is `cancelled` and never appended.

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>
#include <utility>

#include "durability/async/blocking_bridge.hpp"
#include "durability/async/commit_queue.hpp"
#include "durability/publish/publisher.hpp"
#include "durability/walog/sync_writer.hpp"

namespace durability {

/// Thread-safe but for its end: no call may be under way when it is destroyed (operations may be). The
/// execution context of its executor must outlive it.
template <class E, class Codec = Postcard>
class AsyncWal {
 public:
  using Writer = SyncWalWriter<E, Codec>;
  using executor_type = boost::asio::any_io_executor;

  /// Creates or resumes the log of the bridge's directory, as WalWriter::open does, on the pool. Completes
  /// with Result<std::unique_ptr<AsyncWal>>. Given up, it may still open the log, and then closes it again.
  template <class Token>
  static auto open(executor_type home, std::shared_ptr<BlockingBridge> bridge, WalOptions options,
                   AsyncWalOptions async_options, Token&& token) {
    auto pool = bridge->pool();
    auto work = [home, bridge = std::move(bridge), options = std::move(options),
                 async_options = std::move(async_options)]() mutable -> Result<std::unique_ptr<AsyncWal>> {
      DURABILITY_TRY(async_options.validate());
      DURABILITY_TRY_ASSIGN(auto writer, Writer::open(bridge->inner(), std::move(options)));
      return from_writer(std::move(home), std::move(bridge), std::move(writer), std::move(async_options));
    };
    return pool->run(home, "open", std::move(work), std::forward<Token>(token));
  }

  /// Goes on with an open log of the bridge's directory; others may use it too. `invalid_config`.
  static Result<std::unique_ptr<AsyncWal>> from_writer(executor_type home,
                                                       std::shared_ptr<BlockingBridge> bridge,
                                                       std::shared_ptr<Writer> writer,
                                                       AsyncWalOptions options = {}) {
    DURABILITY_TRY(options.validate());
    if (!options.worker) {
      DURABILITY_TRY_ASSIGN(options.worker, Worker::thread());
    }
    return std::unique_ptr<AsyncWal>(
        new AsyncWal(std::move(home), std::move(bridge), std::move(writer), std::move(options)));
  }

  ~AsyncWal() { queue_->abandon(); }
  AsyncWal(const AsyncWal&) = delete;
  AsyncWal& operator=(const AsyncWal&) = delete;

  /// Completes with Result<DurableId> when the entry is on stable storage. Encoded in the call; entries are
  /// appended in the order in which the operations begin (a coroutine's begins when it is awaited). An error
  /// says nothing of whether the entry will be there after recovery, but for `busy`, `encode` and
  /// `invalid_state` of a log that is closed: then it will not.
  template <class Token>
  auto append_durable(const E& entry, Token&& token) {
    Bytes payload;
    Status encoded = Codec::template encode<E>(entry, payload);
    return append_encoded(std::move(encoded), std::move(payload), std::forward<Token>(token));
  }
  template <class Token>
  auto append_durable_bytes(Bytes payload, Token&& token) {
    return append_encoded({}, std::move(payload), std::forward<Token>(token));
  }

  /// Completes with Result<DurableId> when everything appended before it is on stable storage.
  template <class Token>
  auto flush_and_sync(Token&& token) {
    return async::initiate<DurableId>(
        home_, "flush_and_sync", [queue = queue_](auto waiter) { queue->flush_and_sync(std::move(waiter)); },
        std::forward<Token>(token));
  }

  /// Publishes a checkpoint as CheckpointPublisher::publish does, on the pool, while appends go on. `state`
  /// must be what the entries up to `upto` make. Completes with Result<PublishResult>. Given up, it goes on.
  template <class State, class Token>
  auto publish(State state, DurableId upto, std::string path, Token&& token) {
    return bridge_->pool()->run(
        home_, "publish",
        [directory = bridge_->inner(), writer = writer_, state = std::move(state), upto,
         path = std::move(path)] {
          return CheckpointPublisher(directory).template publish<Codec>(*writer, state, upto, path);
        },
        std::forward<Token>(token));
  }
  /// The same with a marker entry: `make_marker(path, upto)`, called on a thread of the pool.
  template <class State, class MakeMarker, class Token>
  auto publish(State state, DurableId upto, std::string path, MakeMarker make_marker, Token&& token) {
    return bridge_->pool()->run(
        home_, "publish",
        [directory = bridge_->inner(), writer = writer_, state = std::move(state), upto,
         path = std::move(path), make_marker = std::move(make_marker)] {
          return CheckpointPublisher(directory).template publish<Codec>(*writer, state, upto, path,
                                                                        make_marker);
        },
        std::forward<Token>(token));
  }

  /// Commits what is queued, tells everyone, then closes the log and completes with Status. Given up, it goes
  /// on. A second one is `invalid_state`.
  template <class Token>
  auto close(Token&& token) {
    return async::initiate<void>(
        home_, "close", [queue = queue_](auto waiter) { queue->close(std::move(waiter)); },
        std::forward<Token>(token));
  }

  /// For its ids and ranges. Its calls that append or sync block.
  [[nodiscard]] const std::shared_ptr<Writer>& writer() const noexcept { return writer_; }
  [[nodiscard]] executor_type get_executor() const noexcept { return home_; }

 private:
  class Log final : public async::CommitLog {
   public:
    explicit Log(std::shared_ptr<Writer> writer) : writer_(std::move(writer)) {}
    Result<EntryId> append_bytes(ByteView payload) override {
      return async::guarded([&] { return writer_->append_bytes(payload); });
    }
    Result<DurableId> wait_until_durable(EntryId id) override {
      return async::guarded([&] { return writer_->wait_until_durable(id); });
    }
    Result<DurableId> flush_and_sync() override {
      return async::guarded([&] { return writer_->flush_and_sync(); });
    }
    Status close() override {
      return async::guarded([&] { return writer_->close(); });
    }

   private:
    std::shared_ptr<Writer> writer_;
  };

  AsyncWal(executor_type home, std::shared_ptr<BlockingBridge> bridge, std::shared_ptr<Writer> writer,
           AsyncWalOptions options)
      : home_(std::move(home)),
        bridge_(std::move(bridge)),
        writer_(std::move(writer)),
        worker_(options.worker),
        queue_(
            std::make_shared<async::CommitQueue>(std::make_shared<Log>(writer_), *worker_, home_, options)) {}

  template <class Token>
  auto append_encoded(Status encoded, Bytes payload, Token&& token) {
    return async::initiate<DurableId>(
        home_, "append_durable",
        [queue = queue_, encoded = std::move(encoded), payload = std::move(payload)](auto waiter) mutable {
          if (!encoded) return waiter->resolve(std::move(encoded).error());
          queue->append(std::move(payload), std::move(waiter));
        },
        std::forward<Token>(token));
  }

  const executor_type home_;
  const std::shared_ptr<BlockingBridge> bridge_;
  const std::shared_ptr<Writer> writer_;
  std::shared_ptr<Worker> worker_;  // behind it what must not be destroyed on its thread
  const std::shared_ptr<async::CommitQueue> queue_;
};

}  // namespace durability
