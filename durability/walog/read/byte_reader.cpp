#include "durability/walog/read/byte_reader.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include "durability/walog/read/last_reading.hpp"

namespace durability::walog {
namespace {

constexpr unsigned kMostThreads = 8;  // more wait for one disk

WalReadReport report_of(const Scan& scan) {
  WalReadReport report{.first = scan.first,
                       .next = scan.next,
                       .segments = scan.segments.size(),
                       .torn_tail = scan.torn_tail()};
  for (const ScannedSegment& segment : scan.segments) report.bytes += segment.file_bytes;
  return report;
}

}  // namespace

ByteReader::ByteReader(std::shared_ptr<Directory> directory, std::size_t buffer_bytes)
    : directory_(std::move(directory)), buffer_bytes_(buffer_bytes), last_(std::make_shared<LastReading>()) {}

Result<WalReadReport> ByteReader::read(const ScanOptions& options, const EntrySink& sink) const {
  DURABILITY_TRY_ASSIGN(const Scan scan, scan_log(*directory_, options, sink));
  last_->remember(scan);
  if (scan.verdict(options.mode).action == Action::kRefuse) return scan.error(options.mode);
  return report_of(scan);
}

ScanOptions ByteReader::options_for(ReadMode mode, const EntryRange& range) const {
  return {.mode = mode_of(mode),
          .from = range.from,
          .up_to = range.up_to,
          .read_ahead = ahead_,
          .buffer_bytes = buffer_bytes_};
}

Result<WalReadReport> ByteReader::for_each(ReadMode mode, const EntryRange& range,
                                           const EntrySink& sink) const {
  ScanOptions options = options_for(mode, range);
  const auto last = last_->get();
  if (!last || range.from < last->next || range.up_to < range.from) return read(options, sink);
  Scan earlier = *last;
  switch (look_since(*directory_, earlier)) {
    case Since::kNothing: return report_of(earlier);
    case Since::kMore: options.earlier = &earlier; break;
    case Since::kUnknown: break;
  }
  return read(options, sink);
}

Result<WalReadReport> ByteReader::verify(ReadMode mode, const EntryRange& range, const RunSink& sink,
                                         std::size_t threads) const {
  ScanOptions options = options_for(mode, range);
  options.threads = threads != 0 ? threads : std::min(std::thread::hardware_concurrency(), kMostThreads);
  options.checked = sink;
  return read(options, [&](const WalEntryView& entry) -> Result<Flow> {
    sink({.first = entry.id, .payload_bytes = entry.payload.size()});
    return Flow::kContinue;
  });
}

}  // namespace durability::walog
