// The library on an event loop as a contender: so many coroutines on one thread, each waiting for its own
// append before the next. Says on standard error how long the event loop kept others waiting at the most.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>

#include "contender.hpp"
#include "durability/async.hpp"
#include "durability/durability.hpp"
#include "pause_watch.hpp"

namespace {

namespace d = durability;
namespace asio = boost::asio;
using bench::Clock;
using Wal = d::AsyncWal<std::string>;

class Loop {
 public:
  explicit Loop(const bench::Job& job) : payload_(job.bytes, std::byte{'x'}) {
    const std::shared_ptr<d::Directory> directory = d::FsDirectory::open(job.directory).value();
    wal_ = Wal::from_writer(context_.get_executor(), d::BlockingBridge::make(directory).value(),
                            d::SyncWalWriter<std::string>::open(directory).value())
               .value();
    latencies_.reserve(1U << 22U);
  }

  bench::Measurement run(const bench::Job& job) {
    PauseWatch pause(context_);
    const auto begin = Clock::now();
    deadline_ = job.deadline(begin);
    left_ = job.in_flight;
    for (std::size_t i = 0; i < job.in_flight; ++i)
      asio::co_spawn(context_, append_in_turn(pause), asio::detached);
    context_.run();
    std::fprintf(stderr, "longest pause of the event loop: %ld us\n",
                 static_cast<long>(pause.longest().count()));
    const bench::Measurement result{
        .entries = latencies_.size(), .seconds = bench::seconds_since(begin), .latencies_ns = latencies_};
    context_.restart();
    wal_->close([](const d::Status& closed) { closed.value(); });
    context_.run();
    return result;
  }

 private:
  asio::awaitable<void> append_in_turn(PauseWatch& pause) {
    for (auto now = Clock::now(); now < deadline_;) {
      const auto begin = now;
      const auto durable = co_await wal_->append_durable_bytes(payload_, asio::use_awaitable);
      durable.value();
      now = Clock::now();
      latencies_.push_back(bench::nanoseconds(now - begin));
    }
    if (--left_ == 0) pause.stop();
  }

  asio::io_context context_{1};
  d::Bytes payload_;
  std::unique_ptr<Wal> wal_;
  Clock::time_point deadline_;
  std::size_t left_ = 0;
  std::vector<std::uint32_t> latencies_;
};

}  // namespace

int main(int argc, char** argv) {
  const bench::Job job = bench::Job::parse(argc, argv);
  if (job.work != "in-flight") return bench::kNotMeasured;
  Loop(job).run(job).print();
  return 0;
}
