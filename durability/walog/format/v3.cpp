#include "durability/walog/format/v3.hpp"

#include "durability/base/crc32.hpp"
#include "durability/walog/format/v4.hpp"

namespace durability::walog::v3 {
namespace {

constexpr std::size_t kCrcOffset = 12;

std::uint32_t crc_of(ByteView head, ByteView payload, WalFormat format) noexcept {
  const std::uint32_t start = format == WalFormat::kV2 ? 0 : crc32(head.first(kCrcOffset));
  return crc32(payload, start);
}

}  // namespace

std::array<std::byte, kHeaderBytes> encode_header(const SegmentHeader& header) noexcept {
  std::array<std::byte, kHeaderBytes> bytes{};
  store_le(bytes, 0, v4::kMagic);
  store_le(bytes, 4, static_cast<std::uint32_t>(header.format));
  store_le(bytes, 8, header.start.value());
  store_le(bytes, 16, header.segment_id.value());
  return bytes;
}

SegmentHeader decode_header(ByteView bytes) noexcept {
  return {.format = static_cast<WalFormat>(load_le<std::uint32_t>(bytes, 4)),
          .start = EntryId(load_le<std::uint64_t>(bytes, 8)),
          .segment_id = SegmentId(load_le<std::uint64_t>(bytes, 16))};
}

std::array<std::byte, kFrameHeadBytes> encode_head(WalFormat format, EntryId id, ByteView payload) noexcept {
  std::array<std::byte, kFrameHeadBytes> head{};
  store_le(head, 0, static_cast<std::uint32_t>(kFrameHeadBytes + payload.size()));
  store_le(head, 4, id.value());
  store_le(head, kCrcOffset, crc_of(head, payload, format));
  return head;
}

FrameHead read_head(ByteView head, std::uint64_t remaining) noexcept {
  if (remaining == 0) return {.state = FrameState::kNothing};
  if (remaining < kLengthBytes) return {.state = FrameState::kCut};
  const auto length = load_le<std::uint32_t>(head, 0);
  if (length == 0) return {.state = FrameState::kZeroLength};
  if (length < kFrameHeadBytes) return {.state = FrameState::kBadLength};
  if (remaining < kFrameHeadBytes) return {.state = FrameState::kCut};
  if (length > kMaxFrameBytes) return {.state = FrameState::kOverCap};
  if (remaining < length) return {.state = FrameState::kCut};
  return {.state = FrameState::kWhole, .length = length};
}

FrameState read_frame(ByteView bytes, WalFormat format, Frame& frame) noexcept {
  frame.length = load_le<std::uint32_t>(bytes, 0);
  frame.id = EntryId(load_le<std::uint64_t>(bytes, 4));
  frame.stored_crc = load_le<std::uint32_t>(bytes, kCrcOffset);
  frame.payload = bytes.subspan(kFrameHeadBytes, frame.length - kFrameHeadBytes);
  frame.actual_crc = crc_of(bytes.first(kFrameHeadBytes), frame.payload, format);
  return frame.stored_crc == frame.actual_crc ? FrameState::kWhole : FrameState::kCrcMismatch;
}

}  // namespace durability::walog::v3
