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
// Shutting down: `close` first commits what is queued, acknowledges it, then closes the log; appends after
// it are `closed`. Without it, the destructor waits for the group under way, whose outcomes are still
// delivered; what was queued after it is `closed` and never appended.
//
// The execution context may go first: operations that would complete on it are cut off, their handlers
// destroyed uncalled, as those of Asio's own operations are. A group under way goes on without them. So a
// coroutine may own the log that it waits for.

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>
#include <utility>

#include "durability/async/blocking_bridge.hpp"
#include "durability/async/commit_queue.hpp"
#include "durability/async/lent.hpp"
#include "durability/publish/publisher.hpp"
#include "durability/walog/sync_writer.hpp"

namespace durability {

/// Thread-safe but for its end: no call may be under way when it is destroyed (operations may be).
template <class E, class Codec = Postcard>
class AsyncWal {
 public:
  using Writer = SyncWalWriter<E, Codec>;
  using executor_type = boost::asio::any_io_executor;

  /// Creates or resumes the log of the bridge's directory, as WalWriter::open does, on the pool. Completes
  /// with Result<std::unique_ptr<AsyncWal>>; `invalid_config` for no bridge or no executor (reported on the
  /// token's, else on boost::asio::system_executor), `io` where its thread cannot be started. Given up, it
  /// may still open the log, and then closes it again.
  template <class Token>
  // NOLINTNEXTLINE(performance-unnecessary-value-param): copied into the work, where there is any
  static auto open(executor_type home, std::shared_ptr<BlockingBridge> bridge, WalOptions options,
                   AsyncWalOptions async_options, Token&& token) {
    Status usable = check(bridge);
    auto tasks = usable ? bridge->tasks() : nullptr;
    // Looked up here: by the time the log is open the context may be gone.
    async::Home known = async::home_of(home);
    auto work = [known = std::move(known), bridge = std::move(bridge), options = std::move(options),
                 async_options = std::move(async_options)]() mutable -> Result<std::unique_ptr<AsyncWal>> {
      DURABILITY_TRY(async_options.validate());
      DURABILITY_TRY_ASSIGN(auto writer, Writer::open(bridge->inner(), std::move(options)));
      return make(std::move(known), std::move(bridge), std::move(writer), std::move(async_options));
    };
    return async::run_task_on(std::move(tasks), std::move(usable), home, "open", std::move(work),
                              std::forward<Token>(token));
  }

  /// Goes on with an open log of the bridge's directory; others may use it too. `invalid_config` for options
  /// that make no sense, no bridge, no writer or no executor; `io` where its thread cannot be started.
  static Result<std::unique_ptr<AsyncWal>> from_writer(executor_type home,
                                                       std::shared_ptr<BlockingBridge> bridge,
                                                       std::shared_ptr<Writer> writer,
                                                       AsyncWalOptions options = {}) {
    DURABILITY_TRY(options.validate());
    DURABILITY_TRY(async::need(bridge != nullptr, "bridge", "give it what BlockingBridge::make returned"));
    DURABILITY_TRY(async::need(writer != nullptr, "writer", "give it what SyncWalWriter::open returned"));
    DURABILITY_TRY(async::need_executor(home));
    return make(async::home_of(std::move(home)), std::move(bridge), std::move(writer), std::move(options));
  }

  /// Waits for the group under way, and for a publication under way.
  ~AsyncWal() {
    queue_->abandon();
    publishing_->recall();
  }
  AsyncWal(const AsyncWal&) = delete;
  AsyncWal& operator=(const AsyncWal&) = delete;

  /// Completes with Result<DurableId> when the entry is on stable storage. Encoded in the call; entries are
  /// appended in the order in which the operations begin (a coroutine's begins when it is awaited). An error
  /// says nothing of whether the entry will be there after recovery, but for `busy`, `encode` and `closed`:
  /// then it will not.
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
    return enqueue<async::QueuedSync>("flush_and_sync", {}, std::forward<Token>(token));
  }

  /// Publishes a checkpoint as CheckpointPublisher::publish does, on the pool, while appends go on. `state`
  /// must be what the entries up to `upto` make. Completes with Result<PublishResult>. Given up, it goes on,
  /// unless it was still queued in the pool.
  template <class State, class Token>
  auto publish(State state, DurableId upto, std::string path, Token&& token) {
    auto work = [state = std::move(state), upto, path = std::move(path)](const CheckpointPublisher& publisher,
                                                                         Writer& writer) {
      return publisher.template publish<Codec>(writer, state, upto, path);
    };
    return publish_on_pool(std::move(work), std::forward<Token>(token));
  }
  /// The same with a marker entry: `make_marker(path, upto)`, called on a thread of the pool.
  template <class State, class MakeMarker, class Token>
  auto publish(State state, DurableId upto, std::string path, MakeMarker make_marker, Token&& token) {
    auto work = [state = std::move(state), upto, path = std::move(path),
                 make_marker = std::move(make_marker)](const CheckpointPublisher& publisher, Writer& writer) {
      return publisher.template publish<Codec>(writer, state, upto, path, make_marker);
    };
    return publish_on_pool(std::move(work), std::forward<Token>(token));
  }

  /// Commits what is queued, completes every waiter, then closes the log, with Status. Given up, it goes
  /// on. A second one is `closed`.
  template <class Token>
  auto close(Token&& token) {
    return enqueue<async::QueuedClose>("close", {}, std::forward<Token>(token));
  }

  /// For its ids and ranges. Its calls that append or sync block.
  [[nodiscard]] const std::shared_ptr<Writer>& writer() const noexcept { return writer_; }
  [[nodiscard]] executor_type get_executor() const noexcept { return home_.executor; }

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

  AsyncWal(async::Home home, std::shared_ptr<BlockingBridge> bridge, std::shared_ptr<Writer> writer,
           AsyncWalOptions options)
      : home_(std::move(home)),
        bridge_(std::move(bridge)),
        writer_(std::move(writer)),
        publishing_(std::make_shared<async::Lent<Writer>>(writer_)),
        queue_(std::make_shared<async::CommitQueue>(std::make_unique<Log>(writer_), home_, options)),
        worker_(std::move(options.worker)) {}

  static Result<std::unique_ptr<AsyncWal>> make(async::Home home, std::shared_ptr<BlockingBridge> bridge,
                                                std::shared_ptr<Writer> writer, AsyncWalOptions options) {
    std::unique_ptr<AsyncWal> wal(
        new AsyncWal(std::move(home), std::move(bridge), std::move(writer), std::move(options)));
    DURABILITY_TRY(wal->queue_->start());
    return wal;
  }

  static Status check(const std::shared_ptr<BlockingBridge>& bridge) {
    DURABILITY_TRY(async::need(bridge != nullptr, "bridge", "give it what BlockingBridge::make returned"));
    return bridge->usable();
  }

  /// An operation of the queue, or the error of `admitted`.
  template <class Operation, class Token, class... Arguments>
  auto enqueue(std::string_view what, Status admitted, Token&& token, Arguments... arguments) {
    return async::initiate<Operation>(
        home_, what,
        [admitted = std::move(admitted)](std::shared_ptr<Operation> operation) mutable {
          if (!admitted) return operation->refuse(std::move(admitted).error());
          async::CommitQueue& queue = operation->queue();
          queue.enqueue(std::move(operation));
        },
        std::forward<Token>(token), queue_, std::move(arguments)...);
  }

  template <class Token>
  auto append_encoded(Status encoded, Bytes payload, Token&& token) {
    return enqueue<async::QueuedEntry>("append_durable", std::move(encoded), std::forward<Token>(token),
                                       std::move(payload));
  }

  template <class Work, class Token>
  auto publish_on_pool(Work work, Token&& token) {
    return async::run_task(
        bridge_->tasks(), bridge_->usable(), home_, "publish",
        [directory = bridge_->inner(), lent = publishing_,
         work = std::move(work)]() mutable -> Result<PublishResult> {
          const auto writer = lent->borrow();
          if (!writer) {
            return Error(ErrorCode::kClosed, "the log was let go before the publication began")
                .advise("nothing was changed; open it again");
          }
          return work(CheckpointPublisher(directory), *writer);
        },
        std::forward<Token>(token));
  }

  const async::Home home_;
  const std::shared_ptr<BlockingBridge> bridge_;
  const std::shared_ptr<Writer> writer_;
  const std::shared_ptr<async::Lent<Writer>> publishing_;
  const std::shared_ptr<async::CommitQueue> queue_;
  const std::shared_ptr<Worker> worker_;
};

}  // namespace durability
