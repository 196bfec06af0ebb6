// Checkpoints, recovery and publishing. Sizes are those of the Rust crate's benchmarks of the same name.

#include <numeric>
#include <vector>

#include "micro.hpp"

namespace {

namespace d = durability;

struct Snapshot {
  std::uint64_t n = 7;
  std::string city = "Москва";
  std::vector<std::uint32_t> numbers;
};

Snapshot snapshot_of(std::int64_t numbers) {
  Snapshot snapshot;
  snapshot.numbers.resize(static_cast<std::size_t>(numbers));
  std::iota(snapshot.numbers.begin(), snapshot.numbers.end(), 0U);
  return snapshot;
}

void checkpoint_write_read_memory(benchmark::State& state) {
  const d::CheckpointFile checkpoints(d::MemoryDirectory::make());
  const Snapshot snapshot = snapshot_of(state.range(0));
  for (auto _ : state) {
    checkpoints.write("c.ckpt", d::EntryId(42), snapshot).value();
    benchmark::DoNotOptimize(checkpoints.read<Snapshot>("c.ckpt").value());
  }
}
BENCHMARK(checkpoint_write_read_memory)->Arg(256)->Arg(250'000);

void checkpoint_read_fs(benchmark::State& state) {
  const micro::Scratch scratch;
  const d::CheckpointFile checkpoints(scratch.directory());
  checkpoints.write("c.ckpt", d::EntryId(42), snapshot_of(state.range(0))).value();
  for (auto _ : state) benchmark::DoNotOptimize(checkpoints.read<Snapshot>("c.ckpt").value());
}
BENCHMARK(checkpoint_read_fs)->Arg(256)->Arg(250'000);

/// A thousand segments in the checkpoint, ten thousand deletes in the log.
void recover_1k_segments_10k_deletes_memory(benchmark::State& state) {
  const auto directory = d::MemoryDirectory::make();
  d::CheckpointState checkpoint;
  for (std::uint64_t id = 1; id <= 1000; ++id) checkpoint.segments[id].doc_count = 100;
  d::CheckpointFile(directory).write("c.ckpt", d::EntryId(0), checkpoint).value();
  auto wal = d::WalWriter<d::WalEntry>::open(directory).value();
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    const d::segment_index::Document document{.segment_id = i % 1000 + 1,
                                              .doc_id = static_cast<std::uint32_t>(i % 100)};
    wal.append(d::segment_index::DeleteDocuments{.deletes = {document}}).value();
  }
  wal.close().value();
  for (auto _ : state) benchmark::DoNotOptimize(d::RecoveryManager(directory).recover("c.ckpt").value());
}
BENCHMARK(recover_1k_segments_10k_deletes_memory)->Unit(benchmark::kMillisecond);

/// A hundred thousand events, and no checkpoint.
void recover_events_fs(benchmark::State& state) {
  const micro::Scratch scratch;
  const auto directory = scratch.directory();
  auto wal = d::WalWriter<micro::Event>::open(directory).value();
  for (std::uint64_t i = 0; i < 100'000; ++i) wal.append(micro::event_of(i)).value();
  wal.close().value();
  for (auto _ : state) {
    auto recovered = d::recover_with_wal<std::uint64_t, micro::Event>(
        directory, std::nullopt, d::RecoveryOptions::strict(),
        [](std::optional<std::uint64_t> sum) { return sum.value_or(0); },
        [](std::uint64_t& sum, d::EntryId, const micro::Event& event) { sum += event.at; });
    benchmark::DoNotOptimize(recovered.value().state);
  }
  state.SetItemsProcessed(state.iterations() * 100'000);
}
BENCHMARK(recover_events_fs)->Unit(benchmark::kMillisecond);

/// A checkpoint of 1 MB, durable, and the segments it covers deleted.
void publish_fs(benchmark::State& state) {
  const micro::Scratch scratch;
  const auto directory = scratch.directory();
  d::WalOptions options;
  options.segment_bytes = std::uint64_t{64} << 10U;
  auto wal = d::WalWriter<micro::Event>::open(directory, options).value();
  const d::CheckpointPublisher publisher(directory);
  const Snapshot snapshot = snapshot_of(250'000);
  for (auto _ : state) {
    state.PauseTiming();
    for (std::uint64_t i = 0; i < 2'000; ++i) wal.append(micro::event_of(i)).value();
    const d::DurableId durable = wal.flush_and_sync().value();
    state.ResumeTiming();
    publisher.publish(wal, snapshot, durable, "c.ckpt").value();
  }
  wal.close().value();
}
BENCHMARK(publish_fs)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
