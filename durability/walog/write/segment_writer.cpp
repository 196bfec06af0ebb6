#include "durability/walog/write/segment_writer.hpp"

#include <utility>

#include "durability/base/invariant.hpp"

namespace durability::walog {
namespace {

// A system that keeps files in large folios makes them of writes that begin and end at their borders: such a
// log is written, and read back, at one and a half times the speed. Other systems do not mind.
constexpr std::uint64_t kWriteAlignment = std::uint64_t{64} << 10U;
constexpr std::uint64_t kMostZerosAfter = kWriteAlignment / 8;

}  // namespace

Bytes encode_seal_frame(const SegmentHeader& header, const WalkState& state, std::uint32_t lag) {
  Bytes seal;
  const EntryId last(state.due.value() - 1);
  v4::append_frame(seal, {.id = last, .lag = lag, .kind = v4::FrameKind::kSeal}, v4::encode_seal(state.tally),
                   v4::crc_seed(header.log_id, header.segment_id));
  return seal;
}

SegmentWriter::SegmentWriter(std::shared_ptr<File> file, WalFormat format, const SegmentHeader& header,
                             FrameBuffer buffer)
    : file_(std::move(file)),
      format_(format),
      header_(header),
      seed_(v4::crc_seed(header.log_id, header.segment_id)),
      buffer_(std::move(buffer)) {}

FrameBuffer SegmentWriter::make_buffer(std::size_t buffer_bytes) {
  return FrameBuffer(buffer_bytes + kWriteAlignment / 2 + v4::kHeaderBytes + v4::kSealBytes);
}

SegmentWriter SegmentWriter::begin(std::shared_ptr<File> file, const SegmentHeader& header,
                                   FrameBuffer buffer) {
  SegmentWriter writer(std::move(file), WalFormat::kV4, header, std::move(buffer));
  const auto bytes = v4::encode_header(header);
  writer.buffer_.clear();
  writer.buffer_.append(bytes);
  writer.summed_ = bytes.size();
  return writer;
}

SegmentWriter SegmentWriter::go_on(std::shared_ptr<File> file, WalFormat format, const SegmentHeader& header,
                                   const WalkState& state, FrameBuffer buffer) {
  SegmentWriter writer(std::move(file), format, header, std::move(buffer));
  writer.buffer_.clear();
  writer.flushed_ = state.offset;
  writer.tally_ = v4::SealTallyBuilder(state.tally);
  return writer;
}

void SegmentWriter::add(const v4::FrameFields& fields, ByteView payload) {
  tally_.count(fields.kind);
  if (format_ == WalFormat::kV4) {
    DURABILITY_INVARIANT(offset() % v4::kFrameAlignment == 0);
    v4::lay_frame(buffer_.extend(v4::frame_span(payload.size())), fields, payload);
    return;
  }
  buffer_.append(v3::encode_head(format_, fields.id, payload));
  buffer_.append(payload);
}

// Not as the frames come: a checksum over bytes that were stored a moment ago waits for the stores, which
// costs as much again.
void SegmentWriter::sum_frames() noexcept {
  if (format_ != WalFormat::kV4) return;
  DURABILITY_INVARIANT(summed_ <= buffer_.size());
  v4::sum_frames(buffer_.bytes().subspan(summed_), seed_, tally_);
  summed_ = buffer_.size();
}

void SegmentWriter::add_seal(EntryId last, std::uint32_t lag) {
  sum_frames();
  const auto payload = v4::encode_seal(tally_.total());
  add({.id = last, .lag = lag, .kind = v4::FrameKind::kSeal}, payload);
}

std::uint64_t SegmentWriter::end_of_write(std::size_t buffer_bytes) const noexcept {
  if (buffer_bytes < kWriteAlignment) return flushed_ + buffer_bytes;
  return (flushed_ + buffer_bytes + kWriteAlignment / 2) / kWriteAlignment * kWriteAlignment;
}

Status SegmentWriter::flush() { return write_out({}); }

Status SegmentWriter::flush_full(std::size_t buffer_bytes, std::uint64_t limit) {
  static constexpr std::array<std::byte, kMostZerosAfter> kZeros{};
  const std::uint64_t end = end_of_write(buffer_bytes);
  const bool near = end >= offset() && end - offset() <= kMostZerosAfter && end <= limit;
  if (format_ != WalFormat::kV4 || !near) return flush();
  return write_out(ByteView(kZeros).first(static_cast<std::size_t>(end - offset())));
}

Status SegmentWriter::write_out(ByteView zeros) {
  if (buffer_.empty()) return {};
  sum_frames();
  DURABILITY_INVARIANT(summed_ == buffer_.size() || format_ != WalFormat::kV4);
  const std::array<ByteView, 2> pieces{buffer_.bytes(), zeros};
  DURABILITY_TRY(file_->write_at(flushed_, pieces));
  flushed_ += buffer_.size();
  buffer_.clear();
  summed_ = 0;
  return {};
}

Status SegmentWriter::write_through(const v4::FrameFields& fields, ByteView payload) {
  if (format_ == WalFormat::kV4) {
    const auto frame = v4::encode_large_frame(fields, payload, seed_);
    const std::array<ByteView, 3> pieces{frame.head, payload, frame.gap()};
    DURABILITY_TRY(file_->write_at(flushed_, pieces));
    tally_.add(fields.kind, frame.crc);
  } else {
    const auto head = v3::encode_head(format_, fields.id, payload);
    const std::array<ByteView, 2> pieces{head, payload};
    DURABILITY_TRY(file_->write_at(flushed_, pieces));
    tally_.count(v4::FrameKind::kEntry);
  }
  flushed_ += frame_span(format_, payload.size());
  return {};
}

Result<bool> SegmentWriter::cut_short_padding() {
  DURABILITY_TRY_ASSIGN(const std::uint64_t size, file_->size());
  const bool too_short = size > flushed_ && size - flushed_ < v3::kLengthBytes;
  if (too_short) DURABILITY_TRY(file_->truncate(flushed_));
  return too_short;
}

FrameBuffer SegmentWriter::take_buffer() noexcept { return std::move(buffer_); }

}  // namespace durability::walog
