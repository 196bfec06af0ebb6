#include "durability/walog/byte_reader.hpp"

#include <algorithm>
#include <thread>

#include "durability/walog/scanner.hpp"

namespace durability::walog {
namespace {

constexpr unsigned kMostThreads = 8;  // more wait for one disk

Result<WalReadReport> read(Directory& directory, const ScanOptions& options, const EntrySink& sink) {
  DURABILITY_TRY_ASSIGN(const Scan scan, scan_log(directory, options, sink));
  if (scan.verdict(options.mode).action == Action::kRefuse) return scan.error(options.mode);
  WalReadReport report{.first = scan.first,
                       .next = scan.next,
                       .segments = scan.segments.size(),
                       .torn_tail = scan.torn_tail()};
  for (const ScannedSegment& segment : scan.segments) report.bytes += segment.file_bytes;
  return report;
}

}  // namespace

ScanOptions ByteReader::options_for(ReadMode mode, const EntryRange& range) const {
  return {.mode = mode_of(mode),
          .from = range.from,
          .up_to = range.up_to,
          .read_ahead = ahead_,
          .buffer_bytes = buffer_bytes_};
}

Result<WalReadReport> ByteReader::for_each(ReadMode mode, const EntryRange& range,
                                           const EntrySink& sink) const {
  return read(*directory_, options_for(mode, range), sink);
}

Result<WalReadReport> ByteReader::verify(ReadMode mode, const EntryRange& range, const RunSink& sink,
                                         std::size_t threads) const {
  ScanOptions options = options_for(mode, range);
  options.threads = threads != 0 ? threads : std::min(std::thread::hardware_concurrency(), kMostThreads);
  options.checked = sink;
  return read(*directory_, options, [&](const WalEntryView& entry) -> Result<Flow> {
    sink({.first = entry.id, .payload_bytes = entry.payload.size()});
    return Flow::kContinue;
  });
}

}  // namespace durability::walog
