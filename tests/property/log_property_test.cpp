// Of a log: how it is stored, and how it is read, never changes what is recovered.

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "workload.hpp"

namespace durability::property {
namespace {

std::vector<Bytes> payloads_of(const Steps& steps) {
  const auto plain = testing::CrashDirectory::make();
  auto writer = WalWriter<Bytes>::create(plain, Way{}.options());
  RC_ASSERT(writer);
  return write(*writer, steps, WalFormat::kV4);
}

RC_GTEST_PROP(LogProperties, SegmentsPreallocationBuffersAndFlushesNeverChangeWhatIsRecovered, ()) {
  const Steps steps = *any_steps();
  const Way way = any_way(any_format());
  RC_LOG() << way << '\n';
  const auto directory = written(way, steps);
  RC_ASSERT(read_strictly(directory) == payloads_of(steps));
  const auto again = WalWriter<Bytes>::open(directory, any_way(way.format).options());
  RC_ASSERT(again);
  RC_ASSERT(!again->recovery_report().repaired);
}

RC_GTEST_PROP(LogProperties, AKilledWriterLeavesAPrefixThatHoldsAllThatWasFlushed, ()) {
  const Steps steps = *any_steps();
  const Way way = any_way(any_format());
  RC_LOG() << way << '\n';
  const auto directory = testing::CrashDirectory::make();
  std::size_t flushed = 0;
  std::vector<Bytes> all;
  {
    auto writer = WalWriter<Bytes>::create(directory, way.options());
    RC_ASSERT(writer);
    all = write(*writer, steps, way.format);
    for (auto step = steps.begin(); step != steps.end(); ++step) {
      if (step->what == Do::kFlush || step->what == Do::kSync) {
        flushed = payloads_of(Steps(steps.begin(), step)).size();
      }
    }
    const auto left = directory->after_kill();
    auto resumed = WalWriter<Bytes>::open(left, any_way(way.format).options());
    RC_ASSERT(resumed);
    RC_ASSERT(resumed->close());
    const auto recovered = read_strictly(left);
    RC_ASSERT(recovered.size() >= flushed);
    RC_ASSERT(recovered.size() <= all.size());
    RC_ASSERT(std::equal(recovered.begin(), recovered.end(), all.begin()));
  }
}

RC_GTEST_PROP(LogProperties, StreamingInAnyBufferIsReadingAllAtOnce, ()) {
  const Way way = any_way(any_format());
  RC_LOG() << way << '\n';
  const auto directory = written(way, *any_steps());
  const auto all = WalReader<Bytes>(directory).replay(ReadMode::kStrict).value();
  for (const std::size_t buffer : kReadBuffers) {
    for (const bool ahead : {false, true}) {
      const walog::ByteReader reader = walog::ByteReader(directory, buffer).reading_ahead(ahead);
      std::size_t index = 0;
      const auto report = reader.for_each(ReadMode::kStrict, {}, [&](const WalEntryView& view) {
        RC_ASSERT(index < all.size());
        RC_ASSERT(view.id == all[index].id);
        RC_ASSERT(Postcard::decode<Bytes>(view.payload).value() == all[index++].entry);
        return Result<Flow>(Flow::kContinue);
      });
      RC_ASSERT(report);
      RC_ASSERT(index == all.size());
    }
  }
}

RC_GTEST_PROP(LogProperties, PartsReadOneAfterTheOtherAreTheWhole, ()) {
  const Way way = any_way(any_format());
  RC_LOG() << way << '\n';
  const auto directory = written(way, *any_steps());
  const WalReader<Bytes> reader(directory);
  const auto all = reader.replay(ReadMode::kStrict).value();
  std::size_t count = 0;
  while (count < all.size()) {
    const auto part = *rc::gen::inRange<std::size_t>(1, all.size() - count + 1);
    const auto read = reader.from(EntryId(count + 1)).up_to(EntryId(count + part)).replay(ReadMode::kStrict);
    RC_ASSERT(read);
    RC_ASSERT(read->size() == part);
    for (const auto& record : *read) {
      RC_ASSERT(record.id == all[count].id);
      RC_ASSERT(record.entry == all[count++].entry);
    }
  }
}

Bytes contents(Directory& directory, const std::string& path) {
  return directory.read_file(path, std::uint64_t{1} << 30U).value();
}

/// The last segment that is not all zeros.
std::string final_segment(Directory& directory) {
  std::uint64_t last = 0;
  const auto names = directory.list("wal").value();
  for (const auto& name : names) {
    const auto id = walog::parse_segment_name(name);
    if (id && !all_zeros(contents(directory, walog::segment_path(*id)))) last = std::max(last, id->value());
  }
  return walog::segment_path(SegmentId(last));
}

// What a killed process leaves of its last write. The versions without vouching frames are as good at that.
RC_GTEST_PROP(LogProperties, ALogThatIsCutAnywhereResumesAsAPrefixAndGoesOn, ()) {
  const Steps steps = *any_steps();
  const Way way = any_way(any_format());
  RC_LOG() << way << '\n';
  const auto directory = written(way, steps);
  const auto all = payloads_of(steps);
  const std::string path = final_segment(*directory);
  {
    auto file = directory->open(path, OpenMode::kReadWrite).value();
    const std::uint64_t size = file->size().value();
    // The first header of version 4 is durable before there is a log: no crash cuts it.
    const bool headed = way.format == WalFormat::kV4 && path == walog::segment_path(SegmentId(1));
    const auto cut = *rc::gen::inRange<std::uint64_t>(headed ? 64 : 0, size + 1);
    RC_LOG() << path << " cut from " << size << " to " << cut << '\n';
    RC_ASSERT(file->truncate(cut));
    if (*rc::gen::arbitrary<bool>() && way.format == WalFormat::kV4) RC_ASSERT(file->truncate(size));
  }
  const auto before = WalReader<Bytes>(directory).replay(ReadMode::kBestEffort);
  RC_ASSERT(before);
  RC_ASSERT(before->size() <= all.size());
  auto writer = WalWriter<Bytes>::open(directory, any_way(way.format).options());
  RC_ASSERT(writer);
  RC_ASSERT(writer->last_entry_id().value() == before->size());
  const Bytes added = payload_of(1'000'000, 10);
  RC_ASSERT(writer->append(added));
  RC_ASSERT(writer->close());
  auto expected = std::vector<Bytes>(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(before->size()));
  expected.push_back(added);
  RC_ASSERT(read_strictly(directory) == expected);
}

RC_GTEST_PROP(LogProperties, AChangeOfVersionKeepsEveryEntry, ()) {
  const auto directory = testing::CrashDirectory::make();
  std::vector<Bytes> all;
  for (int lives = *rc::gen::inRange(1, 5); lives > 0; --lives) {
    const Way way = any_way(any_format());
    RC_LOG() << way << '\n';
    auto writer = WalWriter<Bytes>::open(directory, way.options());
    RC_ASSERT(writer);
    for (int count = *rc::gen::inRange(0, 8); count > 0; --count) {
      all.push_back(payload_of(all.size(), *rc::gen::inRange<std::size_t>(0, 100)));
      RC_ASSERT(writer->append(all.back()));
    }
    if (*rc::gen::arbitrary<bool>())
      RC_ASSERT(writer->close());
    else
      RC_ASSERT(writer->flush());
  }
  RC_ASSERT(WalWriter<Bytes>::open(directory, Way{}.options()).value().close());
  RC_ASSERT(read_strictly(directory) == all);
}

// The state: how many entries, and a hash over them in their order.
struct Digest {
  std::uint64_t count = 0;
  std::uint64_t hash = 0;
  bool operator==(const Digest&) const = default;
};

void apply(Digest& digest, const Bytes& entry) {
  ++digest.count;
  digest.hash = digest.hash * 1'000'003 + crc32(entry);
}

Digest recovered(const std::shared_ptr<Directory>& directory) {
  auto result = recover_with_wal<Digest, Bytes>(
      directory, "state.ckpt", RecoveryOptions::best_effort(),
      [](const std::optional<Digest>& checkpoint) { return checkpoint.value_or(Digest{}); },
      [](Digest& digest, EntryId, const Bytes& entry) { apply(digest, entry); });
  if (!result) RC_FAIL(result.error().to_string());
  return result->state;
}

RC_GTEST_PROP(LogProperties, HowOftenCheckpointsAreMadeNeverChangesWhatIsRecovered, ()) {
  const Steps steps = *any_steps();
  const Way way = any_way(any_format());
  RC_LOG() << way << '\n';
  const auto directory = testing::CrashDirectory::make();
  auto writer = WalWriter<Bytes>::create(directory, way.options());
  RC_ASSERT(writer);
  Digest state;
  std::uint64_t number = 0;
  for (const Step& step : steps) {
    for (const std::uint16_t size : step.sizes) {
      const Bytes payload = payload_of(number++, size);
      RC_ASSERT(writer->append(payload));
      apply(state, payload);
    }
    const int checkpoint = *rc::gen::inRange(0, 6);
    if (checkpoint > 1) continue;
    const auto durable = writer->flush_and_sync();
    RC_ASSERT(durable);
    if (checkpoint == 0) {
      RC_ASSERT(CheckpointPublisher(directory).publish(*writer, state, *durable, "state.ckpt"));
    } else {
      RC_ASSERT(CheckpointFile(directory).write_durable("state.ckpt", *durable, state));
    }
  }
  RC_ASSERT(writer->flush());
  RC_ASSERT(recovered(directory->after_kill()) == state);
}

}  // namespace
}  // namespace durability::property
