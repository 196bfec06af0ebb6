#include "durability/walog/segment_writer.hpp"

#include <utility>

namespace durability::walog {

SegmentWriter::SegmentWriter(std::shared_ptr<File> file, const v4::SegmentHeader& header, Bytes buffer)
    : file_(std::move(file)),
      header_(header),
      seed_(v4::crc_seed(header.log_id, header.segment_id)),
      buffer_(std::move(buffer)) {}

SegmentWriter SegmentWriter::begin(std::shared_ptr<File> file, const v4::SegmentHeader& header,
                                   Bytes buffer) {
  SegmentWriter writer(std::move(file), header, std::move(buffer));
  const auto bytes = v4::encode_header(header);
  writer.buffer_.assign(bytes.begin(), bytes.end());
  return writer;
}

SegmentWriter SegmentWriter::go_on(std::shared_ptr<File> file, const v4::SegmentHeader& header,
                                   const WalkState& state, Bytes buffer) {
  SegmentWriter writer(std::move(file), header, std::move(buffer));
  writer.buffer_.clear();
  writer.flushed_ = state.offset;
  writer.tally_ = state.tally;
  return writer;
}

void SegmentWriter::add(const v4::FrameFields& fields, ByteView payload) {
  tally_.add(fields.kind, v4::append_frame(buffer_, fields, payload, seed_));
}

void SegmentWriter::add_seal(EntryId last, std::uint32_t lag) {
  const auto payload = v4::encode_seal(tally_);
  add({.id = last, .lag = lag, .kind = v4::FrameKind::kSeal}, payload);
}

Status SegmentWriter::flush() {
  if (buffer_.empty()) return {};
  DURABILITY_TRY(file_->write_at(flushed_, buffer_));
  flushed_ += buffer_.size();
  buffer_.clear();
  return {};
}

Status SegmentWriter::write_through(const v4::FrameFields& fields, ByteView payload) {
  const auto frame = v4::encode_large_frame(fields, payload, seed_);
  const std::array<ByteView, 3> pieces{frame.head, payload, frame.gap()};
  DURABILITY_TRY(file_->write_at(flushed_, pieces));
  flushed_ += v4::frame_span(payload.size());
  tally_.add(fields.kind, frame.crc);
  return {};
}

Bytes SegmentWriter::take_buffer() noexcept { return std::move(buffer_); }

}  // namespace durability::walog
