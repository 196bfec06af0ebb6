#include "log_reading.hpp"

#include "log_files.hpp"
#include "mend.hpp"
#include "require.hpp"

namespace durability::fuzz {
namespace {

void require_reading_code(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kTruncated:
    case ErrorCode::kTornTail:
    case ErrorCode::kFormat:
    case ErrorCode::kCrcMismatch:
    case ErrorCode::kCorrupt:
    case ErrorCode::kTruncatedAway:
    case ErrorCode::kInvalidState: return;
    default: require(false, fmt::format("a reading ends with a code of its own: {}", error));
  }
}

}  // namespace

EntryId Reading::next() const {
  if (entries.empty()) return report ? report->next : EntryId(1);
  return EntryId(entries.back().id.value() + 1);
}

Reading read_log(const std::shared_ptr<Directory>& directory, ReadMode mode, std::size_t buffer_bytes,
                 const walog::EntryRange& range) {
  Reading reading;
  reading.report =
      walog::ByteReader(directory, buffer_bytes).for_each(mode, range, [&](const WalEntryView& view) {
        require(reading.entries.empty() || view.id == reading.next(), "ids count on");
        require(view.id >= range.from && view.id <= range.up_to, "only what was asked for");
        reading.entries.push_back({view.id, Bytes(view.payload.begin(), view.payload.end())});
        return Result<Flow>(Flow::kContinue);
      });
  if (!reading.report) {
    require_helpful(reading.report.error());
    require_reading_code(reading.report.error());
  } else if (!reading.entries.empty()) {
    require(reading.report->next == reading.next(), "the report ends where the entries do");
  }
  return reading;
}

std::size_t mutate_log(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed,
                       std::size_t head_bytes) {
  size = LLVMFuzzerMutate(data, size, max_size);
  if (size <= head_bytes || (seed & 1U) == 0) return size;
  const auto input = std::as_writable_bytes(std::span(data, size)).subspan(head_bytes);
  const Mending mending{.ids = (seed & 2U) != 0, .seals = (seed & 4U) != 0};
  for (const LogFile& file : log_files(input)) mend_segment(input.subspan(file.begin, file.size), mending);
  return size;
}

}  // namespace durability::fuzz
