#include "life.hpp"

#include <cstdlib>
#include <utility>

namespace durability::schedules {
namespace {

using testing::ScheduleExplorer;

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
  if (const char* more = std::getenv("DURABILITY_SCHEDULE_PREEMPTIONS")) {
    preemptions = static_cast<unsigned>(std::atoi(more));
  }
  ScheduleExplorer explorer({.preemptions = preemptions});
  explorer.explore(name, life);
  EXPECT_EQ(explorer.failure(), "");
  EXPECT_TRUE(explorer.complete() || !explorer.failure().empty());
  fmt::print("{}: {} schedules, up to {} preemptions\n", name, explorer.runs(), preemptions);
}

Thread run(std::function<void()> body) { return Thread::start(std::move(body)).value(); }

Log::Log(WalOptions options) {
  options.segment_bytes = 256;
  options.clock = std::make_shared<testing::ManualClock>();
  options.observer = std::make_shared<WalObserver>();  // says nothing of what is dropped
  options.random = std::make_shared<testing::SeededRandom>(1);
  auto writer = walog::ByteWriter::open(disk_, std::move(options), walog::OpenIntent::kOpenOrCreate);
  require_ok(writer, "open");
  commit_ = std::make_unique<walog::GroupCommit>(*std::move(writer));
  require_ok(commit_->start(), "start");
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
