#include "life.hpp"

#include <cstdlib>
#include <ctime>
#include <limits>
#include <utility>

namespace durability::schedules {
namespace {

using testing::ScheduleExplorer;

constexpr unsigned kPreemptionsOfASample = 3;

std::optional<std::uint64_t> from_environment(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? std::nullopt : std::optional(std::strtoull(text, nullptr, 10));
}

/// Of the processor, which a schedule is made by alone. For what is printed only.
class Watch {
 public:
  [[nodiscard]] double seconds() const {
    return static_cast<double>(std::clock() - begun_) / static_cast<double>(CLOCKS_PER_SEC);
  }

 private:
  std::clock_t begun_ = std::clock();
};

void repeat(std::string_view name, std::string_view line, const std::function<void()>& life) {
  const auto bar = line.find(" | ");
  if (line.substr(0, bar) != name) GTEST_SKIP() << "DURABILITY_SCHEDULE names another life";
  ScheduleExplorer explorer;
  explorer.repeat(name, bar == std::string_view::npos ? "-" : line.substr(bar + 3), life);
  fmt::print("{}", explorer.trace());
  EXPECT_EQ(explorer.failure(), "");
}

}  // namespace

void explore(std::string_view name, unsigned preemptions, const std::function<void()>& life) {
  if (const char* line = std::getenv("DURABILITY_SCHEDULE")) return repeat(name, line, life);
  const auto bound =
      static_cast<unsigned>(from_environment("DURABILITY_SCHEDULE_PREEMPTIONS").value_or(preemptions));
  const auto most = from_environment("DURABILITY_SCHEDULE_MOST");
  ScheduleExplorer explorer(
      {.preemptions = bound, .most_runs = most.value_or(std::numeric_limits<std::uint64_t>::max())});
  Watch watch;
  explorer.explore(name, life);
  fmt::print("{}: {} threads, up to {} preemptions: {} schedules{}, {:.1f} s", name, explorer.threads(),
             bound, explorer.runs(), explorer.complete() ? "" : ", not all", watch.seconds());
  EXPECT_TRUE(explorer.complete() || most || !explorer.failure().empty());
  const bool all = explorer.complete() && bound >= kPreemptionsOfASample;
  if (explorer.failure().empty() && !all) {
    const testing::ScheduleSample sample{
        .preemptions = kPreemptionsOfASample,
        .runs = from_environment("DURABILITY_SCHEDULE_SAMPLES").value_or(300),
        .seed = from_environment("DURABILITY_SCHEDULE_SEED").value_or(1)};
    watch = Watch();
    explorer.sample(name, sample, life);
    fmt::print("; {} of those with up to {}, seed {}, {:.1f} s", sample.runs, sample.preemptions, sample.seed,
               watch.seconds());
  }
  fmt::print("\n");
  EXPECT_EQ(explorer.failure(), "");
}

Thread run(std::function<void()> body) { return Thread::start(std::move(body)).value(); }

WalOptions small(WalOptions options) {
  options.segment_bytes = 256;
  options.clock = std::make_shared<testing::ManualClock>();
  if (!options.observer)
    options.observer = std::make_shared<WalObserver>();  // says nothing of what is dropped
  options.random = std::make_shared<testing::SeededRandom>(1);
  return options;
}

Log::Log(WalOptions options, Opened opened) {
  std::optional<OneWay> one_way;
  if (opened == Opened::kOneWay) one_way.emplace();
  auto writer = walog::ByteWriter::open(disk_, small(std::move(options)), walog::OpenIntent::kOpenOrCreate);
  require_ok(writer, "open");
  commit_ = std::make_unique<walog::GroupCommit>(*std::move(writer));
  require_ok(commit_->start(), "start");
}

Log::~Log() {
  if (!commit_) return;
  const OneWay one_way;
  commit_.reset();
}

Result<DurableId> Log::append_durable(const std::string& text) {
  auto durable = commit_->append_durable(as_bytes(text));
  judge(text, durable);
  return durable;
}

void Log::judge(const std::string& text, const Result<DurableId>& durable) {
  if (durable) require(disk_->has_synced(text), fmt::format("{} is acknowledged, not synced", text));
}

std::string entry(std::string_view text, std::size_t length) {
  std::string entry(text);
  entry.resize(length, '.');
  return entry;
}

}  // namespace durability::schedules
