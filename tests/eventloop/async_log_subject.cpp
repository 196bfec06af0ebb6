#include "async_log_subject.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <deque>

#include "durability/async.hpp"
#include "durability/durability.hpp"
#include "durability/testing/manual_clock.hpp"
#include "durability/testing/manual_worker.hpp"
#include "durability/testing/random.hpp"
#include "permuting_context.hpp"

namespace durability::eventloop {

using testing::ManualWorker;

namespace {

WalOptions deterministic_options() {
  WalOptions options;
  options.segment_bytes = 256;  // rotations too
  options.clock = std::make_shared<testing::ManualClock>();
  options.random = std::make_shared<testing::SeededRandom>(1);
  options.worker = std::make_shared<ManualWorker>();
  options.observer = std::make_shared<WalObserver>();  // says nothing of what a crash drops
  return options;
}

bool is_injected(const Error& error) { return error.to_string().find("injected:") != std::string::npos; }

}  // namespace

/// One life of the program.
class AsyncLogSubject::Run {
 public:
  Run(AsyncLogSubject& subject, std::shared_ptr<Directory> directory)
      : subject_(subject), context_(subject.plan_.seed), random_(subject.plan_.seed) {
    auto writer = SyncWalWriter<std::string>::open(directory, deterministic_options());
    if (!writer) return;
    // Nothing here needs the bridge's pool.
    const auto bridge = std::make_shared<BlockingBridge>(std::move(directory), nullptr);
    AsyncWalOptions options;
    options.max_in_flight = 4;
    options.worker = worker_;
    wal_ = AsyncWal<std::string>::from_writer(context_.get_executor(), bridge, *std::move(writer), options)
               .value();
  }

  void play() {
    if (!wal_) return;  // cut off while opening
    int begun = 0;
    while (begun < subject_.plan_.appends || !context_.empty() || worker_->pending() > 0) {
      const std::uint64_t what = random_.below(8);
      if (what < 2 && begun < subject_.plan_.appends) {
        append(fmt::format("entry {}", ++begun));
      } else if (what < 5) {
        worker_->run_one();
      } else if (what == 7 && random_.one_in(4)) {
        signals_[random_.below(signals_.size() + 1) % std::max<std::size_t>(signals_.size(), 1)].emit(
            boost::asio::cancellation_type::terminal);
      } else if (!context_.empty()) {
        subject_.plan_.losses&& random_.one_in(8) ? context_.lose_one() : context_.run_one();
      }
    }
  }

 private:
  void append(const std::string& entry) {
    const auto told = [this, entry](const Result<DurableId>& durable) {
      ++subject_.told_;
      if (!durable) return;
      const auto& before = subject_.acknowledged_;
      subject_.reordered_ =
          subject_.reordered_ || (!before.empty() && before.rbegin()->first > durable->value());
      subject_.acknowledged_[durable->value()] = entry;
    };
    signals_.emplace_back();
    // On another executor than the log's: each outcome comes, or is lost, by itself.
    const auto elsewhere = boost::asio::bind_executor(context_.get_executor(1), told);
    wal_->append_durable(entry, boost::asio::bind_cancellation_slot(signals_.back().slot(), elsewhere));
  }

  AsyncLogSubject& subject_;
  std::deque<boost::asio::cancellation_signal> signals_{1};
  PermutingContext context_;
  testing::SeededRandom random_;
  std::shared_ptr<ManualWorker> worker_ = std::make_shared<ManualWorker>();
  std::unique_ptr<AsyncWal<std::string>> wal_;
};

std::string AsyncLogSubject::work(testing::Machine& machine) {
  Run(*this, machine.directory()).play();
  if (machine.dead() || plan_.losses || told_ == plan_.appends) return {};
  return fmt::format("{} appends were begun, {} told", plan_.appends, told_);
}

std::string AsyncLogSubject::recover(testing::Machine& machine, const testing::Crash& /*crash*/) {
  auto writer = WalWriter<std::string>::open(machine.directory(), deterministic_options());
  if (!writer) return is_injected(writer.error()) ? "" : writer.error().to_string();
  auto found = WalReader<std::string>(machine.directory()).replay(ReadMode::kBestEffort);
  if (!found) return is_injected(found.error()) ? "" : found.error().to_string();
  for (const auto& [id, entry] : acknowledged_) {
    if (id > found->size())
      return fmt::format("entry {} was acknowledged, the log ends at {}", id, found->size());
    if ((*found)[id - 1].entry != entry) return fmt::format("entry {} is '{}'", id, (*found)[id - 1].entry);
  }
  return {};
}

std::unique_ptr<testing::CrashSubject> AsyncLogSubject::clone() const {
  return std::make_unique<AsyncLogSubject>(*this);
}

std::string AsyncLogSubject::name() const {
  return fmt::format("seed {} appends {}{}", plan_.seed, plan_.appends, plan_.losses ? " with losses" : "");
}

std::vector<std::unique_ptr<testing::CrashSubject>> AsyncLogSubject::smaller() const {
  std::vector<std::unique_ptr<CrashSubject>> less;
  if (plan_.appends > 1) {
    less.push_back(std::make_unique<AsyncLogSubject>(
        Plan{.seed = plan_.seed, .appends = plan_.appends - 1, .losses = plan_.losses}));
  }
  return less;
}

}  // namespace durability::eventloop
