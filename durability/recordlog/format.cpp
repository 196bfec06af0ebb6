#include "durability/recordlog/format.hpp"

#include <algorithm>

#include "durability/base/crc32.hpp"

namespace durability::recordlog {
namespace {

constexpr std::string_view kMagic = "VRLG";

}  // namespace

std::array<std::byte, kHeaderBytes> encode_header(RecordLogFormat format) noexcept {
  std::array<std::byte, kHeaderBytes> header{};
  std::ranges::copy(as_bytes(kMagic), header.begin());
  store_le(header, kVersionOffset, static_cast<std::uint32_t>(format));
  return header;
}

HeaderState read_header(ByteView front, RecordLogFormat& format) noexcept {
  if (front.size() >= kMagic.size() && as_text(front.first(kMagic.size())) != kMagic) {
    return HeaderState::kBadMagic;
  }
  if (front.size() < kHeaderBytes) return HeaderState::kCut;
  const auto version = load_le<std::uint32_t>(front, kVersionOffset);
  if (version != 1 && version != 2) return HeaderState::kBadVersion;
  format = static_cast<RecordLogFormat>(version);
  return HeaderState::kWhole;
}

std::optional<RecordLogFormat> header_begun(ByteView front, RecordLogFormat preferred) noexcept {
  for (const RecordLogFormat format : {preferred, RecordLogFormat::kV1, RecordLogFormat::kV2}) {
    const auto header = encode_header(format);
    if (front.size() <= header.size() && std::equal(front.begin(), front.end(), header.begin())) {
      return format;
    }
  }
  return std::nullopt;
}

std::uint32_t checksum_start(RecordLogFormat format, ByteView head) noexcept {
  return format == RecordLogFormat::kV1 ? 0 : crc32(head.first(kLengthBytes));
}

std::array<std::byte, kRecordHeadBytes> encode_head(RecordLogFormat format, ByteView payload) noexcept {
  std::array<std::byte, kRecordHeadBytes> head{};
  store_le(head, 0, static_cast<std::uint32_t>(payload.size()));
  store_le(head, kCrcOffset, crc32(payload, checksum_start(format, head)));
  return head;
}

RecordHead read_head(ByteView head, std::uint64_t remaining) noexcept {
  if (remaining == 0) return {.state = RecordState::kNothing};
  if (remaining < kLengthBytes || head.size() < kLengthBytes) return {.state = RecordState::kCut};
  const auto payload_bytes = load_le<std::uint32_t>(head, 0);
  if (payload_bytes > kMaxPayloadBytes) {
    return {.state = RecordState::kOverCap, .payload_bytes = payload_bytes};
  }
  const bool whole = head.size() >= kRecordHeadBytes && remaining - kRecordHeadBytes >= payload_bytes;
  return {.state = whole ? RecordState::kWhole : RecordState::kCut, .payload_bytes = payload_bytes};
}

RecordState read_record(ByteView bytes, RecordLogFormat format, Record& record) noexcept {
  record.stored_crc = load_le<std::uint32_t>(bytes, kCrcOffset);
  record.payload = bytes.subspan(kRecordHeadBytes);
  record.actual_crc = crc32(record.payload, checksum_start(format, bytes));
  return record.stored_crc == record.actual_crc ? RecordState::kWhole : RecordState::kCrcMismatch;
}

Status check_payload(ByteView payload) {
  if (payload.size() <= kMaxPayloadBytes) return {};
  return Error(ErrorCode::kEncode, "a record is larger than 64 MiB")
      .with_values(kMaxPayloadBytes, payload.size())
      .advise("nothing was written; split it");
}

}  // namespace durability::recordlog
