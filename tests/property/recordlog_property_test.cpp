// Of a record log: how it is stored, and how it is read, never changes what is recovered.

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "workload.hpp"

namespace durability::property {
namespace {

constexpr const char* kPath = "d/records.log";

RecordLogOptions any_options() {
  RecordLogOptions options;
  options.format = *rc::gen::element(RecordLogFormat::kV1, RecordLogFormat::kV2);
  options.buffer_bytes = *rc::gen::element<std::size_t>(1, 40, 333, 65536);
  options.flush = *rc::gen::element(FlushPolicy::manual(), FlushPolicy::per_append(), FlushPolicy::every(3));
  RC_LOG() << "version " << static_cast<int>(options.format) << ", buffer " << options.buffer_bytes << '\n';
  return options;
}

struct Written {
  std::shared_ptr<testing::CrashDirectory> directory = testing::CrashDirectory::make();
  std::vector<Bytes> records;
};

Written any_log() {
  Written log;
  auto writer = RecordLogWriter<Bytes>::create(log.directory, kPath, any_options());
  RC_ASSERT(writer);
  for (const Step& step : *any_steps()) {
    if (step.what == Do::kFlush) RC_ASSERT(writer->flush());
    if (step.what == Do::kSync) RC_ASSERT(writer->flush_and_sync());
    std::vector<Bytes> batch;
    for (const auto size : step.sizes) batch.push_back(payload_of(log.records.size() + batch.size(), size));
    if (batch.empty()) continue;
    if (step.what == Do::kBatch) {
      RC_ASSERT(writer->append_batch(batch));
    } else {
      for (const Bytes& record : batch) RC_ASSERT(writer->append(record));
    }
    log.records.insert(log.records.end(), batch.begin(), batch.end());
  }
  RC_ASSERT(writer->close());
  return log;
}

std::vector<Bytes> read_strictly(const Written& log) {
  auto records = RecordLogReader<Bytes>(log.directory, kPath).read_all(ReadMode::kStrict);
  if (!records) RC_FAIL(records.error().to_string());
  return *std::move(records);
}

RC_GTEST_PROP(RecordLogProperties, BuffersAndFlushesNeverChangeWhatIsRecovered, ()) {
  const Written log = any_log();
  RC_ASSERT(read_strictly(log) == log.records);
  for (const std::size_t buffer : kReadBuffers) {
    std::size_t index = 0;
    const auto report =
        recordlog::ByteReader(log.directory, kPath, buffer)
            .for_each(ReadMode::kStrict, [&](const RecordLogView& view) {
              RC_ASSERT(index < log.records.size());
              RC_ASSERT(Postcard::decode<Bytes>(view.payload).value() == log.records[index++]);
              return Result<Flow>(Flow::kContinue);
            });
    RC_ASSERT(report);
    RC_ASSERT(index == log.records.size());
  }
}

RC_GTEST_PROP(RecordLogProperties, ALogThatIsCutAnywhereResumesAsAPrefixAndGoesOn, ()) {
  const Written log = any_log();
  {
    auto file = log.directory->open(kPath, OpenMode::kReadWrite).value();
    const std::uint64_t size = file->size().value();
    const auto cut = *rc::gen::inRange<std::uint64_t>(0, size + 1);
    RC_LOG() << "cut from " << size << " to " << cut << '\n';
    RC_ASSERT(file->truncate(cut));
  }
  const auto before = RecordLogReader<Bytes>(log.directory, kPath).read_all(ReadMode::kBestEffort);
  RC_ASSERT(before);
  RC_ASSERT(before->size() <= log.records.size());
  auto writer = RecordLogWriter<Bytes>::open(log.directory, kPath, any_options());
  RC_ASSERT(writer);
  RC_ASSERT(writer->last_number().value() == before->size());
  const Bytes added = payload_of(1'000'000, 10);
  RC_ASSERT(writer->append(added));
  RC_ASSERT(writer->close());
  auto expected = log.records;
  expected.resize(before->size());
  expected.push_back(added);
  RC_ASSERT(read_strictly(log) == expected);
}

}  // namespace
}  // namespace durability::property
