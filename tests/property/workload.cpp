#include "workload.hpp"

#include <fmt/format.h>

#include "durability/testing/manual_clock.hpp"
#include "durability/testing/manual_worker.hpp"
#include "durability/testing/random.hpp"

namespace durability::property {

namespace {
// Entries that a killed writer had not flushed are what these tests are about: nothing to say.
struct Silence final : WalObserver {
  void on_dropped(std::uint64_t) noexcept override {}
};
}  // namespace

WalOptions Way::options() const {
  WalOptions options;
  options.format = format;
  options.segment_bytes = segment_bytes;
  options.preallocate_bytes = preallocate_bytes;
  options.buffer_bytes = buffer_bytes;
  options.recycle_segments = recycle_segments;
  options.flush = flush;
  options.clock = std::make_shared<testing::ManualClock>();
  options.random = std::make_shared<testing::SeededRandom>(segment_bytes);
  options.worker = std::make_shared<testing::ManualWorker>();
  options.observer = std::make_shared<Silence>();
  return options;
}

rc::Gen<Steps> any_steps() {
  const auto size = rc::gen::weightedOneOf<std::uint16_t>(
      {{8, rc::gen::inRange<std::uint16_t>(0, 60)}, {1, rc::gen::inRange<std::uint16_t>(60, 2000)}});
  const auto what = rc::gen::weightedElement<Do>(
      {{6, Do::kAppend}, {2, Do::kBatch}, {2, Do::kAtomicBatch}, {1, Do::kFlush}, {2, Do::kSync}});
  const auto step = rc::gen::build<Step>(
      rc::gen::set(&Step::what, what),
      rc::gen::set(&Step::sizes, rc::gen::resize(6, rc::gen::container<std::vector<std::uint16_t>>(size))));
  return rc::gen::container<Steps>(step);
}

WalFormat any_format() { return *rc::gen::element(WalFormat::kV2, WalFormat::kV3, WalFormat::kV4); }

Way any_way(WalFormat format) {
  Way way{.format = format};
  way.segment_bytes = *rc::gen::element<std::uint64_t>(128, 200, 512, 4096, 1U << 20U);
  way.preallocate_bytes = *rc::gen::element<std::uint64_t>(0, way.segment_bytes / 3, way.segment_bytes);
  way.buffer_bytes = *rc::gen::element<std::size_t>(1, 40, 333, 65536);
  way.recycle_segments = *rc::gen::inRange<std::size_t>(0, 3);
  way.flush = *rc::gen::element(FlushPolicy::manual(), FlushPolicy::per_append(), FlushPolicy::every(3),
                                FlushPolicy::interval(std::chrono::seconds(1)));
  return way;
}

std::ostream& operator<<(std::ostream& out, const Step& step) {
  constexpr const char* kNames[] = {"append", "batch", "atomic", "flush", "sync"};
  out << kNames[static_cast<std::size_t>(step.what)];
  for (const auto size : step.sizes) out << ' ' << size;
  return out;
}

std::ostream& operator<<(std::ostream& out, const Way& way) {
  return out << fmt::format(
             "version {}, segments of {}, {} preallocated, {} recycled, buffer {}, flush policy {}",
             static_cast<int>(way.format), way.segment_bytes, way.preallocate_bytes, way.recycle_segments,
             way.buffer_bytes, way.flush.kind().index());
}

Bytes payload_of(std::uint64_t number, std::size_t size) {
  Bytes bytes(size);
  std::uint64_t state = number;
  for (auto& byte : bytes) byte = static_cast<std::byte>(testing::next_random(state) & 0xffU);
  return bytes;
}

std::vector<Bytes> write(WalWriter<Bytes>& writer, const Steps& steps, WalFormat format) {
  std::vector<Bytes> all;
  for (const Step& step : steps) {
    if (step.what == Do::kFlush) {
      RC_ASSERT(writer.flush());
      continue;
    }
    if (step.what == Do::kSync) {
      RC_ASSERT(writer.flush_and_sync());
      continue;
    }
    std::vector<Bytes> batch;
    for (const std::uint16_t size : step.sizes) batch.push_back(payload_of(all.size() + batch.size(), size));
    if (batch.empty()) continue;
    if (step.what == Do::kAppend) batch.resize(1);
    const bool atomic = step.what == Do::kAtomicBatch && format == WalFormat::kV4;
    const auto last = step.what == Do::kAppend ? writer.append(batch.front())
                      : atomic                 ? writer.append_batch_atomic(batch)
                                               : writer.append_batch(batch);
    RC_ASSERT(last);
    all.insert(all.end(), batch.begin(), batch.end());
    RC_ASSERT(last->value() == all.size());
  }
  return all;
}

std::vector<Bytes> read_strictly(const std::shared_ptr<Directory>& directory) {
  std::vector<Bytes> entries;
  const auto report =
      WalReader<Bytes>(directory).for_each(ReadMode::kStrict, [&](EntryId id, const Bytes& entry) {
        entries.push_back(entry);
        RC_ASSERT(id.value() == entries.size());
      });
  if (!report) RC_FAIL(report.error().to_string());
  return entries;
}

std::shared_ptr<testing::CrashDirectory> written(const Way& way, const Steps& steps) {
  auto directory = testing::CrashDirectory::make();
  auto writer = WalWriter<Bytes>::create(directory, way.options());
  RC_ASSERT(writer);
  write(*writer, steps, way.format);
  RC_ASSERT(writer->close());
  return directory;
}

}  // namespace durability::property
