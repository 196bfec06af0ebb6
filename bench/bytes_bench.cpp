// What a single operation on bytes costs: checksum, frame, postcard; and a typed append against one of bytes.

#include "durability/formats.hpp"
#include "micro.hpp"

namespace {

namespace d = durability;
namespace v4 = d::formats::wal_v4;
using micro::Event;

void bytes_processed(benchmark::State& state, std::size_t bytes_each) {
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes_each));
}

void crc32(benchmark::State& state) {
  const d::Bytes bytes(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(d::crc32(bytes));
  bytes_processed(state, bytes.size());
}
BENCHMARK(crc32)->Arg(12)->Arg(144)->Arg(4096)->Arg(1 << 20);

void frame_encode(benchmark::State& state) {
  const d::Bytes payload(static_cast<std::size_t>(state.range(0)));
  d::Bytes out;
  for (auto _ : state) {
    out.clear();
    benchmark::DoNotOptimize(v4::append_frame(out, {.id = d::EntryId(7), .lag = 1}, payload, 42));
  }
  bytes_processed(state, payload.size());
}
BENCHMARK(frame_encode)->Arg(0)->Arg(128)->Arg(4096)->Arg(1 << 20);

void frame_decode(benchmark::State& state) {
  const d::Bytes payload(static_cast<std::size_t>(state.range(0)));
  d::Bytes file;
  v4::append_frame(file, {.id = d::EntryId(7), .lag = 1}, payload, 42);
  v4::Frame frame;
  for (auto _ : state) {
    if (v4::read_frame(file, 42, frame) != v4::FrameState::kWhole) state.SkipWithError("not a frame");
  }
  bytes_processed(state, payload.size());
}
BENCHMARK(frame_decode)->Arg(0)->Arg(128)->Arg(4096)->Arg(1 << 20);

void postcard_encode(benchmark::State& state) {
  const Event event = micro::event_of(1);
  d::Bytes out;
  for (auto _ : state) {
    out.clear();
    d::Postcard::encode<Event>(event, out).value();
    benchmark::DoNotOptimize(out.data());
  }
  bytes_processed(state, out.size());
}
BENCHMARK(postcard_encode);

void postcard_decode(benchmark::State& state) {
  d::Bytes bytes;
  d::Postcard::encode<Event>(micro::event_of(1), bytes).value();
  for (auto _ : state) benchmark::DoNotOptimize(d::Postcard::decode<Event>(bytes).value());
  bytes_processed(state, bytes.size());
}
BENCHMARK(postcard_decode);

/// Into the same value again, as replay does it.
void postcard_decode_into(benchmark::State& state) {
  d::Bytes bytes;
  d::Postcard::encode<Event>(micro::event_of(1), bytes).value();
  Event event;
  for (auto _ : state) benchmark::DoNotOptimize(d::Postcard::decode_into<Event>(bytes, event).value());
  bytes_processed(state, bytes.size());
}
BENCHMARK(postcard_decode_into);

constexpr std::int64_t kAppends = 200'000;

/// Into one prepared segment, so that the file system's part is the same for both.
template <class Append>
void append(benchmark::State& state, Append&& append_one) {
  d::WalOptions options;
  options.flush = d::FlushPolicy::manual();
  options.segment_bytes = std::uint64_t{32} << 20U;
  for (auto _ : state) {
    state.PauseTiming();
    const micro::Scratch scratch;
    auto wal = d::WalWriter<Event>::open(scratch.directory(), options).value();
    state.ResumeTiming();
    for (std::int64_t i = 0; i < kAppends; ++i) append_one(wal);
    wal.flush().value();
    state.PauseTiming();
    wal.close().value();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * kAppends);
}

void append_bytes(benchmark::State& state) {
  d::Bytes encoded;
  d::Postcard::encode<Event>(micro::event_of(1), encoded).value();
  append(state, [&](auto& wal) { wal.append_bytes(encoded).value(); });
}
BENCHMARK(append_bytes)->Unit(benchmark::kMillisecond)->UseRealTime();

void append_typed(benchmark::State& state) {
  const Event event = micro::event_of(1);
  append(state, [&](auto& wal) { wal.append(event).value(); });
}
BENCHMARK(append_typed)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
