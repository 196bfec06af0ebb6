// The log against the floor, in the same run: W1 appends without syncs, W2 and W3 durable appends of one and
// of many threads, W4 replay. The directory is DURABILITY_BENCH_DIR, or one under /tmp; what matters is the
// disk under it.

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "durability/durability.hpp"
#include "floor.hpp"

namespace {

namespace d = durability;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

constexpr std::uint64_t kPreallocated = std::uint64_t{256} << 20U;

/// A fresh directory for one benchmark, removed behind it.
class Scratch {
 public:
  Scratch() {
    const char* chosen = std::getenv("DURABILITY_BENCH_DIR");
    const std::filesystem::path parent = chosen != nullptr ? chosen : std::filesystem::temp_directory_path();
    std::string pattern = (parent / "durability-bench-XXXXXX").string();
    floor_log::must(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  [[nodiscard]] std::string path(const char* name) const { return (path_ / name).string(); }
  [[nodiscard]] std::shared_ptr<d::Directory> directory() const {
    return d::FsDirectory::open(path_).value();
  }

 private:
  std::filesystem::path path_;
};

d::WalOptions one_segment() {
  d::WalOptions options;
  options.segment_bytes = kPreallocated;
  options.flush = d::FlushPolicy::manual();
  return options;
}

std::int64_t entries_of(const benchmark::State& state) { return state.range(0) >= 4096 ? 30'000 : 500'000; }

void floor_append(benchmark::State& state) {
  const std::string payload(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) {
    const Scratch scratch;
    floor_log::Log log(scratch.path("floor"), 0);
    const auto begin = Clock::now();
    for (std::int64_t i = 0; i < entries_of(state); ++i) log.append(payload);
    log.flush();
    state.SetIterationTime(seconds_since(begin));
  }
  state.SetItemsProcessed(state.iterations() * entries_of(state));
}

void log_append(benchmark::State& state, d::WalOptions options) {
  const std::string payload(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) {
    const Scratch scratch;
    auto wal = d::WalWriter<std::string>::open(scratch.directory(), options).value();
    const auto begin = Clock::now();
    for (std::int64_t i = 0; i < entries_of(state); ++i) wal.append_bytes(d::as_bytes(payload)).value();
    wal.flush().value();
    state.SetIterationTime(seconds_since(begin));
    wal.close().value();
  }
  state.SetItemsProcessed(state.iterations() * entries_of(state));
}

void log_append_one_segment(benchmark::State& state) {
  d::WalOptions options = one_segment();
  options.preallocate_bytes = 0;
  log_append(state, options);
}
void log_append_default_segments(benchmark::State& state) {
  d::WalOptions options;
  options.flush = d::FlushPolicy::manual();
  log_append(state, options);
}

void floor_durable(benchmark::State& state) {
  static std::unique_ptr<Scratch> scratch;
  static std::unique_ptr<floor_log::Log> log;
  if (state.thread_index() == 0) {
    scratch = std::make_unique<Scratch>();
    log = std::make_unique<floor_log::Log>(scratch->path("floor"), kPreallocated);
  }
  const std::string payload(128, 'x');
  for (auto _ : state) log->append_durable(payload);
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() == 0) {
    log.reset();
    scratch.reset();
  }
}

void log_durable(benchmark::State& state) {
  static std::unique_ptr<Scratch> scratch;
  static std::unique_ptr<d::SyncWalWriter<std::string>> wal;
  if (state.thread_index() == 0) {
    scratch = std::make_unique<Scratch>();
    wal = d::SyncWalWriter<std::string>::open(scratch->directory(), one_segment()).value();
  }
  const std::string payload(128, 'x');
  for (auto _ : state) wal->append_durable_bytes(d::as_bytes(payload)).value();
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() == 0) {
    wal->close().value();
    wal.reset();
    scratch.reset();
  }
}

void floor_replay(benchmark::State& state) {
  const std::string payload(static_cast<std::size_t>(state.range(0)), 'x');
  const Scratch scratch;
  {
    floor_log::Log log(scratch.path("floor"), 0);
    for (std::int64_t i = 0; i < entries_of(state); ++i) log.append(payload);
    log.flush();
  }
  for (auto _ : state)
    floor_log::must(floor_log::replay(scratch.path("floor")) ==
                    static_cast<std::uint64_t>(entries_of(state)));
  state.SetItemsProcessed(state.iterations() * entries_of(state));
}

void log_replay(benchmark::State& state) {
  const std::string payload(static_cast<std::size_t>(state.range(0)), 'x');
  const Scratch scratch;
  const auto directory = scratch.directory();
  auto wal = d::WalWriter<std::string>::open(directory, one_segment()).value();
  for (std::int64_t i = 0; i < entries_of(state); ++i) wal.append_bytes(d::as_bytes(payload)).value();
  wal.close().value();
  const d::WalReader<std::string> reader(directory);
  for (auto _ : state)
    floor_log::must(reader.count(d::ReadMode::kStrict).value() ==
                    static_cast<std::uint64_t>(entries_of(state)));
  state.SetItemsProcessed(state.iterations() * entries_of(state));
}

BENCHMARK(floor_append)->Arg(128)->Arg(4096)->Unit(benchmark::kMillisecond)->UseManualTime();
BENCHMARK(log_append_one_segment)->Arg(128)->Arg(4096)->Unit(benchmark::kMillisecond)->UseManualTime();
BENCHMARK(log_append_default_segments)->Arg(128)->Arg(4096)->Unit(benchmark::kMillisecond)->UseManualTime();
BENCHMARK(floor_durable)->Threads(1)->Threads(8)->Threads(64)->UseRealTime();
BENCHMARK(log_durable)->Threads(1)->Threads(8)->Threads(64)->UseRealTime();
BENCHMARK(floor_replay)->Arg(128)->Arg(4096)->Unit(benchmark::kMillisecond);
BENCHMARK(log_replay)->Arg(128)->Arg(4096)->Unit(benchmark::kMillisecond);

}  // namespace
