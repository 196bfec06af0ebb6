// Any file, read as a record log and opened as one: all ways of reading agree, and opening goes on after
// what best effort reads, or refuses and changes nothing.

#include <algorithm>

#include "memory_watch.hpp"
#include "mend.hpp"
#include "require.hpp"

namespace durability::fuzz {
namespace {

constexpr const char* kPath = "d/records.log";
constexpr std::size_t kSmallBuffer = 16;
constexpr std::size_t kBuffer = 4096;

struct Reading {
  std::vector<Bytes> records;
  Result<RecordLogReadReport> report;
};

Reading read(const std::shared_ptr<Directory>& directory, ReadMode mode, std::size_t buffer_bytes) {
  Reading reading;
  const recordlog::ByteReader reader(directory, kPath, buffer_bytes);
  reading.report = reader.for_each(mode, [&](const RecordLogView& view) {
    reading.records.emplace_back(view.payload.begin(), view.payload.end());
    require(view.number.value() == reading.records.size(), "records are counted from 1");
    return Result<Flow>(Flow::kContinue);
  });
  if (!reading.report) {
    require_helpful(reading.report.error());
    const auto code = reading.report.error().code();
    require(code == ErrorCode::kTruncated || code == ErrorCode::kFormat || code == ErrorCode::kCrcMismatch,
            fmt::format("a record log is refused by name: {}", reading.report.error()));
  } else {
    require(reading.report->records == reading.records.size(), "the report counts what was delivered");
  }
  return reading;
}

Bytes contents(Directory& directory) {
  auto bytes = directory.read_file(kPath, std::uint64_t{1} << 30U);
  require_ok(bytes, "reading the file");
  return *std::move(bytes);
}

void check_reading(const std::shared_ptr<Directory>& directory, const Reading& best) {
  const Reading strict = read(directory, ReadMode::kStrict, kBuffer);
  require(strict.records == best.records, "both modes deliver the same");
  if (strict.report) {
    require_ok(best.report, "what strict reading accepts, best effort does");
    require(!best.report->torn_tail, "where strict reading is content, there is no torn tail");
  } else if (best.report) {
    require(best.report->torn_tail, "what best effort puts up with is a torn tail, and it says so");
  }
  const Reading streamed = read(directory, ReadMode::kBestEffort, kSmallBuffer);
  require(streamed.records == best.records && streamed.report.has_value() == best.report.has_value(),
          "a small buffer reads the same");

  const MemoryWatch watch;
  const auto counted = RecordLogReader<Bytes>(directory, kPath).count(ReadMode::kBestEffort);
  require(counted.has_value() == best.report.has_value(), "counting is reading");
  require(watch.peak_bytes() <= contents(*directory).size() * 2 + kAllowance, "memory stays within bounds");
}

void check_opening(const std::shared_ptr<Directory>& directory, const Reading& best, ByteView input) {
  auto writer = RecordLogWriter<Bytes>::open(directory, kPath);
  if (!writer) {
    require_helpful(writer.error());
    require(std::ranges::equal(contents(*directory), input), "what is refused is left as it was");
    const auto code = writer.error().code();
    require(code == ErrorCode::kFormat || (!best.report && code == best.report.error().code()),
            fmt::format("opening refuses what reading does, and damage with records after it: {}",
                        writer.error()));
    return;
  }
  // A last record with a bad checksum or length may be torn. Opening, which looks past it, then cuts it
  // off; reading refuses it.
  require(best.report || best.report.error().code() != ErrorCode::kTruncated, "what opens can be read");
  require(writer->last_number().value() == best.records.size(), "opening counts what reading does");
  const Bytes added(5, std::byte{0x5a});
  require_ok(writer->append_bytes(added), "appending");
  require_ok(writer->close(), "closing");
  std::vector<Bytes> expected = best.records;
  expected.push_back(added);
  const Reading after = read(directory, ReadMode::kStrict, kBuffer);
  require_ok(after.report, "what was opened and closed reads strictly");
  require(after.records == expected, "it holds what best effort read, and what was appended");
}

void check(ByteView input) {
  const std::shared_ptr<Directory> directory = MemoryDirectory::make();
  {
    auto file = directory->create(kPath);
    require_ok(file, "making the file");
    require_ok((*file)->write_at(0, input), "writing it");
  }
  const Reading best = read(directory, ReadMode::kBestEffort, kBuffer);
  check_reading(directory, best);
  require(std::ranges::equal(contents(*directory), input), "readers write nothing");
  check_opening(directory, best, input);
}

}  // namespace
}  // namespace durability::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  durability::fuzz::check(std::as_bytes(std::span(data, size)));
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  size = LLVMFuzzerMutate(data, size, max_size);
  if ((seed & 1U) != 0) durability::fuzz::mend_record_log(std::as_writable_bytes(std::span(data, size)));
  return size;
}
