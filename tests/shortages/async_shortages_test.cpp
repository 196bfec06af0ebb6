// The life of a log on an event loop, every shortage in it: each operation completes once or is refused in
// the call, the loop comes to its end, and what was acknowledged is recovered from checkpoint and log.

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "census.hpp"
#include "durability/async/async_reader.hpp"
#include "durability/async/async_wal.hpp"
#include "event_loop.hpp"
#include "program.hpp"

namespace durability::shortages {
namespace {

using Log = AsyncWal<std::string>;

class AsyncProgram {
 public:
  AsyncProgram(const Place& place, Witness& witness) : place_(&place), witness_(&witness) {}

  void live() {
    if (!open()) return;
    for (std::size_t n = 0; n < 12; ++n) append(n);
    sync();
    run(loop_);
    publish(std::nullopt);
    run(loop_);
    for (std::size_t n = 20; n < 32; ++n) append(n);
    publish(100);
    for (std::size_t n = 32; n < 36; ++n) append(n);
    run(loop_);
    publish(101);
    close();
    log_.reset();
    witness_->loses_its_writer();
    if (!open()) return;
    for (std::size_t n = 40; n < 44; ++n) append(n);
    log_.reset();  // without close, and before they are through
    run(loop_);
  }

  [[nodiscard]] std::string judge() const {
    if (completed_ != begun_) return fmt::format("{} operations begun, {} completed", begun_, completed_);
    const auto directory = place_->directory();
    auto writer = WalWriter<std::string>::open(directory, small_segments());
    if (!writer) return "does not open: " + writer.error().to_string();
    if (!writer->append(word(Witness::kMostWords - 1)) || !writer->close()) return "does not go on";
    auto recovered = recover_words(directory);
    if (!recovered) return "does not recover: " + recovered.error().to_string();
    if (recovered->ignored_checkpoint) return "a checkpoint was ignored";
    recovered->state.pop_back();
    return witness_->judge(EntryId(1), recovered->state);
  }

 private:
  /// An operation that began counts until it has completed; one that throws in the call never began.
  template <class Begin>
  void begin(const Begin& operation) {
    try {
      operation();
      ++begun_;
    } catch (const std::bad_alloc&) {
    }
  }

  bool open() {
    for (int tries = 0; tries < 2 && !log_; ++tries) {
      const auto directory = ask([&] { return place_->open(); });
      if (!directory) continue;
      auto bridge = ask([&] { return BlockingBridge::make(*directory, {.threads = 2, .max_waiting = 64}); });
      if (!bridge) continue;
      begin([&] {
        Log::open(loop_.get_executor(), *bridge, small_segments(), {}, [this](auto opened) {
          ++completed_;
          if (opened) log_ = *std::move(opened);
        });
      });
      run(loop_);
    }
    if (log_) witness_->durable(log_->writer()->durable_id().value().entry());
    return log_ != nullptr;
  }
  void append(std::size_t n) {
    const std::string text = word(n);
    witness_->asks(n);
    begin([&] {
      log_->append_durable(text, [this, n](const Result<DurableId>& durable) {
        ++completed_;
        witness_->hears(n, durable);
      });
    });
  }
  void sync() {
    begin([&] {
      log_->flush_and_sync([this](const Result<DurableId>& durable) {
        ++completed_;
        if (durable) witness_->durable(durable->entry());
      });
    });
  }
  /// The state that the durable entries make, while others are appended; with that word as a marker.
  void publish(std::optional<std::size_t> marker) {
    std::optional<Exempt> exempt(std::in_place);
    const DurableId upto = log_->writer()->durable_id().value();
    auto state = recover_words(place_->directory(), upto.entry());
    if (!state || state->last_applied != upto.entry()) std::abort();
    exempt.reset();
    witness_->truncates(upto.entry());
    const auto heard = [this, marker](const Result<PublishResult>& published) {
      ++completed_;
      if (!published || !marker) return;
      witness_->hears(*marker, Result<EntryId>(*published->marker));
      witness_->durable(*published->marker);
    };
    begin([&] {
      if (!marker) return log_->publish(std::move(state->state), upto, Program::kCheckpoint, heard);
      witness_->asks(*marker);
      const auto make = [n = *marker](std::string_view, DurableId) { return word(n); };
      log_->publish(std::move(state->state), upto, Program::kCheckpoint, make, heard);
    });
  }
  void close() {
    const EntryId last = log_->writer()->last_entry_id();
    begin([&] {
      log_->close([this, last](const Status& closed) {
        ++completed_;
        if (closed) witness_->durable(last);
      });
    });
    run(loop_);
  }

  const Place* place_;
  Witness* witness_;
  boost::asio::io_context loop_;
  std::unique_ptr<Log> log_;
  std::size_t begun_ = 0;
  std::size_t completed_ = 0;
};

TEST(AsyncShortages, InALogOnAnEventLoop) {
  expect_to_bear(
      [](const InShortage& in_shortage) {
        const Place place;
        Witness witness;
        AsyncProgram program(place, witness);
        in_shortage([&] { program.live(); });
        return program.judge();
      },
      {Resource::kAllocation, Resource::kThread, Resource::kDescriptor}, Threads::kMany);
}

/// A coroutine that reads all; bad_alloc ends it, as any program's.
boost::asio::awaitable<void> read_all(AsyncReplay<std::string>& replay, std::size_t& words, bool& at_end) {
  while (true) {
    const auto batch = co_await replay.next(boost::asio::use_awaitable);
    if (!batch) co_return;
    if (batch->empty()) break;
    words += batch->size();
  }
  at_end = true;
}

TEST(AsyncShortages, InReadingOnAnEventLoop) {
  expect_to_bear(
      [](const InShortage& in_shortage) -> std::string {
        const Place place;
        Program program(place, small_segments());
        program.play("aaaaaaaaaaaaaaaaaaaac");
        std::size_t words = 0;
        bool at_end = false;
        boost::asio::io_context loop;  // the program's own
        in_shortage([&] {
          const auto directory = ask([&] { return place.open(); });
          if (!directory) return;
          try {
            AsyncReplay<std::string> replay(loop.get_executor(), WalReader<std::string>(*directory),
                                            ReadMode::kStrict, {.batch_entries = 3, .batch_bytes = 1000});
            {
              const Exempt exempt;  // the coroutine is the program's own
              boost::asio::co_spawn(loop, read_all(replay, words, at_end), [](const std::exception_ptr&) {});
            }
            run(loop);
          } catch (const std::bad_alloc&) {  // of making the replay
          }
        });
        if (at_end && words != 20) return fmt::format("{} of 20 words", words);
        return "";
      },
      {Resource::kAllocation, Resource::kThread, Resource::kDescriptor}, Threads::kMany);
}

}  // namespace
}  // namespace durability::shortages
