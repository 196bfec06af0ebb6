#include "samples.hpp"

#include <array>

#include "durability/base/crc32.hpp"
#include "durability/durability.hpp"
#include "durability/formats.hpp"
#include "durability/testing/manual_clock.hpp"
#include "durability/testing/manual_worker.hpp"

namespace durability::golden {
namespace {

constexpr const char* kRecords = "records.log";
constexpr const char* kCheckpoint = "checkpoint";

using walog::ByteWriter;

/// What `write` leaves unclosed is as a killed writer leaves it.
Sample wal(const char* name, WalFormat format, std::string story,
           void (*write)(ByteWriter&, testing::ManualClock&)) {
  const auto directory = directory_of({});
  const auto clock = std::make_shared<testing::ManualClock>();
  const auto worker = std::make_shared<testing::ManualWorker>();
  WalOptions options = wal_options();
  options.format = format;
  options.segment_max_age = std::chrono::seconds(1);
  options.clock = clock;
  options.worker = worker;
  const auto writer = ByteWriter::open(directory, options, walog::OpenIntent::kCreate).value();
  write(*writer, *clock);
  worker->run_all();
  return {name, std::move(story), files_in(*directory), segment_anatomy, wal_verdict};
}

void write_and_close(ByteWriter& log, testing::ManualClock&) {
  log.append(as_bytes("one")).value();
  log.flush_and_sync().value();
  log.append_batch_atomic(std::array{as_bytes("two"), as_bytes("three")}).value();
  log.append(as_bytes("four")).value();
  log.close().value();
}

void write_and_die(ByteWriter& log, testing::ManualClock&) {
  log.append(as_bytes("one")).value();
  log.flush_and_sync().value();
  log.append_batch(std::array{as_bytes("two"), as_bytes("three")}).value();
  log.flush().value();
}

void write_older(ByteWriter& log, testing::ManualClock& clock) {
  log.append_batch(std::array{as_bytes("one"), as_bytes("two")}).value();
  clock.advance(std::chrono::seconds(1));
  log.append(as_bytes("three")).value();
  log.flush_and_sync().value();
}

Sample record_log(const char* name, RecordLogFormat format, std::string story) {
  const auto directory = directory_of({});
  RecordLogOptions options;
  options.format = format;
  auto writer = RecordLogWriter<Bytes>::open(directory, kRecords, options).value();
  for (const auto* record : {"one", "", "three"}) writer.append_bytes(as_bytes(record)).value();
  writer.close().value();
  return {name, std::move(story), files_in(*directory), record_log_anatomy,
          [](const Files& files, Advice& advice) { return record_log_verdict(files, kRecords, advice); }};
}

/// Version 1 is written by nothing in the library.
Sample checkpoint(const char* name, std::uint32_t version, std::string story) {
  namespace format = formats::checkpoint;
  const auto directory = directory_of({});
  CheckpointFile(directory).write_bytes(kCheckpoint, EntryId(7), as_bytes("state")).value();
  Files files = files_in(*directory);
  Bytes& file = files.at(kCheckpoint);
  if (version != format::kVersion) {
    store_le(file, format::kVersionOffset, version);
    store_le(file, format::kCrcOffset, crc32(ByteView(file).subspan(format::kHeaderBytes)));
  }
  return {
      name, std::move(story), std::move(files), checkpoint_anatomy,
      [](const Files& damaged, Advice& advice) { return checkpoint_verdict(damaged, kCheckpoint, advice); }};
}

}  // namespace

std::vector<Sample> samples() {
  const std::string older = ": two entries; one in a second segment; synced; killed.";
  const std::string records = ": three records, the second of them empty.";
  return {
      wal("wal_v4_closed", WalFormat::kV4,
          "A log of version 4: an entry, durable; a batch of two; an entry in a second segment; closed.",
          write_and_close),
      wal("wal_v4_killed", WalFormat::kV4,
          "A log of version 4: an entry, durable; two that are flushed; killed.", write_and_die),
      wal("wal_v3", WalFormat::kV3, "A log of version 3" + older, write_older),
      wal("wal_v2", WalFormat::kV2, "A log of version 2" + older, write_older),
      record_log("recordlog_v2", RecordLogFormat::kV2, "A record log of version 2" + records),
      record_log("recordlog_v1", RecordLogFormat::kV1, "A record log of version 1" + records),
      checkpoint("checkpoint_v2", 2, "A checkpoint of version 2."),
      checkpoint("checkpoint_v1", 1, "A checkpoint of version 1."),
  };
}

}  // namespace durability::golden
