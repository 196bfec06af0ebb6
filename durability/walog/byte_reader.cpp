#include "durability/walog/byte_reader.hpp"

#include "durability/walog/scanner.hpp"

namespace durability::walog {

Result<WalReadReport> ByteReader::for_each(ReadMode mode, const EntryRange& range,
                                           const EntrySink& sink) const {
  const ScanOptions options{.mode = mode_of(mode),
                            .from = range.from,
                            .up_to = range.up_to,
                            .read_ahead = ahead_,
                            .buffer_bytes = buffer_bytes_};
  DURABILITY_TRY_ASSIGN(const Scan scan, scan_log(*directory_, options, sink));
  if (scan.verdict(options.mode).action == Action::kRefuse) return scan.error(options.mode);
  WalReadReport report{.first = scan.first,
                       .next = scan.next,
                       .segments = scan.segments.size(),
                       .torn_tail = scan.torn_tail()};
  for (const ScannedSegment& segment : scan.segments) report.bytes += segment.file_bytes;
  return report;
}

}  // namespace durability::walog
