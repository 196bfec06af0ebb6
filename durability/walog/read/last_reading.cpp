#include "durability/walog/read/last_reading.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "durability/walog/format/segment_name.hpp"
#include "durability/walog/read/segment_listing.hpp"

namespace durability::walog {
namespace {

using Head = std::array<std::byte, v4::kHeaderBytes>;

bool can_be_gone_on_from(const Scan& scan) noexcept {
  const bool at_the_end = scan.finding == Finding::kEnd || scan.finding == Finding::kSealedEnd;
  if (!at_the_end || scan.stopped || scan.segments.empty()) return false;
  const ScannedSegment& last = scan.segments.back();
  return last.format == WalFormat::kV4 && !last.header_lost;
}

Result<ByteView> read(File& file, std::uint64_t offset, Head& into, std::size_t bytes) {
  DURABILITY_TRY_ASSIGN(const std::size_t got, file.read_at(offset, MutableByteView(into).first(bytes)));
  return ByteView(into).first(got);
}

// The file still has the header and, at its place, the last frame that were read from it.
Result<bool> is_what_was_read(File& file, const Scan& scan) {
  Head head{};
  DURABILITY_TRY_ASSIGN(const ByteView header, read(file, 0, head, v4::kHeaderBytes));
  const auto reading = v4::read_header(header);
  if (reading.state != v4::HeaderState::kSound || reading.header != scan.segments.back().header) return false;
  const WalkState& state = scan.final_state;
  if (state.offset == v4::kHeaderBytes) return true;  // no frame yet
  DURABILITY_TRY_ASSIGN(const ByteView crc, read(file, state.last_frame, head, sizeof(std::uint32_t)));
  return crc.size() == sizeof(std::uint32_t) && load_le<std::uint32_t>(crc, 0) == state.last_crc;
}

Result<bool> has_zeros_at(File& file, std::uint64_t offset) {
  Head head{};
  DURABILITY_TRY_ASSIGN(const ByteView next, read(file, offset, head, v4::kFrameHeadBytes));
  return all_zeros(next);
}

// Drops the segments that were truncated away. True where the last one is still there.
bool drop_truncated(Scan& scan, SegmentId oldest) {
  if (oldest > scan.segments.back().header.segment_id) return false;
  std::erase_if(scan.segments, [&](const ScannedSegment& s) { return s.header.segment_id < oldest; });
  scan.first = scan.segments.front().header.start;
  return true;
}

bool has_the_same_files(const Scan& scan, const std::vector<SegmentId>& ids) {
  std::vector<SegmentId> known;
  known.reserve(scan.segments.size() + scan.spares.size());
  for (const ScannedSegment& segment : scan.segments) known.push_back(segment.header.segment_id);
  std::ranges::copy(scan.spares, std::back_inserter(known));
  return ids == known;
}

Result<Since> look(Directory& directory, Scan& scan) {
  DURABILITY_TRY_ASSIGN(const auto ids, list_segments(directory));
  if (ids.empty() || !drop_truncated(scan, ids.front())) return Since::kUnknown;
  const ScannedSegment& last = scan.segments.back();
  DURABILITY_TRY_ASSIGN(const auto file, directory.open(segment_path(last.header.segment_id)));
  DURABILITY_TRY_ASSIGN(const bool same, is_what_was_read(*file, scan));
  if (!same) return Since::kUnknown;
  DURABILITY_TRY_ASSIGN(const std::uint64_t size, file->size());
  if (size < scan.final_state.offset) return Since::kUnknown;
  if (!has_the_same_files(scan, ids) || size != last.file_bytes) return Since::kMore;
  DURABILITY_TRY_ASSIGN(bool zeros, has_zeros_at(*file, scan.final_state.offset));
  if (zeros && scan.final_state.sealed) {
    DURABILITY_TRY_ASSIGN(const auto spare, directory.open(segment_path(scan.spares.front())));
    DURABILITY_TRY_ASSIGN(zeros, has_zeros_at(*spare, 0));
  }
  return zeros ? Since::kNothing : Since::kMore;
}

}  // namespace

void LastReading::remember(const Scan& scan) {
  if (!can_be_gone_on_from(scan)) return;
  auto kept = std::make_shared<const Scan>(scan);
  const LockGuard lock(mutex_);
  scan_ = std::move(kept);
}

std::shared_ptr<const Scan> LastReading::get() const {
  const LockGuard lock(mutex_);
  return scan_;
}

Since look_since(Directory& directory, Scan& scan) { return look(directory, scan).value_or(Since::kUnknown); }

}  // namespace durability::walog
