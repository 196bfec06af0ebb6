// Counterparts of the Rust crate's benchmarks of its logs: what they are called there, with its entries.

#include <array>

#include "micro.hpp"

namespace {

namespace d = durability;

constexpr std::uint64_t kEntries = 10'000;
constexpr std::size_t kRecords = 1'000;

d::WalEntry entry_of(std::uint64_t i) {
  return d::segment_index::AddSegment{.segment_id = i + 1, .doc_count = static_cast<std::uint32_t>(i % 1000)};
}

std::shared_ptr<d::Directory> in_memory() { return d::MemoryDirectory::make(); }

void append_entries(const std::shared_ptr<d::Directory>& directory, d::FlushPolicy policy) {
  d::WalOptions options;
  options.flush = policy;
  options.preallocate_bytes = 0;
  auto wal = d::WalWriter<d::WalEntry>::open(directory, options).value();
  for (std::uint64_t i = 0; i < kEntries; ++i) wal.append(entry_of(i)).value();
  wal.close().value();
}

void walog_append_10k_memory(benchmark::State& state) {
  for (auto _ : state) append_entries(in_memory(), d::FlushPolicy::per_append());
}
void walog_append_10k_memory_flush_every_64(benchmark::State& state) {
  for (auto _ : state) append_entries(in_memory(), d::FlushPolicy::every(64));
}
void walog_replay_10k_memory(benchmark::State& state) {
  const auto directory = in_memory();
  append_entries(directory, d::FlushPolicy::manual());
  const d::WalReader<d::WalEntry> reader(directory);
  for (auto _ : state) benchmark::DoNotOptimize(reader.replay(d::ReadMode::kStrict).value());
}
void walog_append_10k_fs(benchmark::State& state, d::FlushPolicy policy) {
  for (auto _ : state) {
    const micro::Scratch scratch;
    append_entries(scratch.directory(), policy);
  }
}
BENCHMARK(walog_append_10k_memory)->Unit(benchmark::kMillisecond);
BENCHMARK(walog_append_10k_memory_flush_every_64)->Unit(benchmark::kMillisecond);
BENCHMARK(walog_replay_10k_memory)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(walog_append_10k_fs, flush_each, d::FlushPolicy::per_append())
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(walog_append_10k_fs, no_flush, d::FlushPolicy::manual())
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(walog_append_10k_fs, flush_every_64, d::FlushPolicy::every(64))
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

struct Message {
  std::string text;
};

Message message_of(std::size_t i) {
  constexpr std::array kTexts{"Marie Curie discovered radium in Paris.", "習近平在北京會見了普京。",
                              "François Müller and José García met in São Paulo.",
                              "Москва (Moskva/Moscow) hosted the 東京 (Tokyo) delegation."};
  return {kTexts[i % kTexts.size()]};
}

void append_records(const std::shared_ptr<d::Directory>& directory, d::FlushPolicy policy) {
  d::RecordLogOptions options;
  options.flush = policy;
  auto log = d::RecordLogWriter<Message>::open(directory, "log.bin", options).value();
  for (std::size_t i = 0; i < kRecords; ++i) log.append(message_of(i)).value();
  log.close().value();
}

void recordlog_append_1k_memory(benchmark::State& state) {
  for (auto _ : state) append_records(in_memory(), d::FlushPolicy::per_append());
}
void recordlog_append_1k_memory_flush_every_64(benchmark::State& state) {
  for (auto _ : state) append_records(in_memory(), d::FlushPolicy::every(64));
}
void recordlog_read_all_1k_memory(benchmark::State& state) {
  const auto directory = in_memory();
  append_records(directory, d::FlushPolicy::manual());
  const d::RecordLogReader<Message> reader(directory, "log.bin");
  for (auto _ : state) benchmark::DoNotOptimize(reader.read_all(d::ReadMode::kStrict).value());
}
void recordlog_append_1k_fs(benchmark::State& state, d::FlushPolicy policy) {
  for (auto _ : state) {
    const micro::Scratch scratch;
    append_records(scratch.directory(), policy);
  }
}
BENCHMARK(recordlog_append_1k_memory)->Unit(benchmark::kMicrosecond);
BENCHMARK(recordlog_append_1k_memory_flush_every_64)->Unit(benchmark::kMicrosecond);
BENCHMARK(recordlog_read_all_1k_memory)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(recordlog_append_1k_fs, flush_each, d::FlushPolicy::per_append())
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(recordlog_append_1k_fs, no_flush, d::FlushPolicy::manual())
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(recordlog_append_1k_fs, flush_every_64, d::FlushPolicy::every(64))
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();

}  // namespace
