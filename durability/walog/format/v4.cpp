#include "durability/walog/format/v4.hpp"

#include <algorithm>
#include <cstring>
#include <span>

#include "durability/base/crc32.hpp"

namespace durability::walog::v4 {
namespace {

constexpr std::uint32_t kKindMask = 0b011;
constexpr std::uint32_t kMoreFlag = 0b100;

std::uint32_t flags_of(const FrameFields& fields) noexcept {
  return static_cast<std::uint32_t>(fields.kind) | (fields.more ? kMoreFlag : 0U);
}

void store_fields(MutableByteView head, std::size_t length, const FrameFields& fields) noexcept {
  store_le(head, 4, static_cast<std::uint32_t>(length));
  store_le(head, 8, fields.id.value());
  store_le(head, 16, fields.lag);
  store_le(head, 20, flags_of(fields));
}

bool flags_allowed(std::uint32_t flags) noexcept {
  // An entry, an entry with `more`, a seal, a mark.
  return flags == 0 || flags == kMoreFlag || flags == 1 || flags == 2;
}

bool lag_allowed(std::uint32_t lag, std::uint64_t id) noexcept { return lag == kUnknownLag || lag <= id; }

bool length_fits_kind(FrameKind kind, std::uint32_t length) noexcept {
  switch (kind) {
    case FrameKind::kEntry: return true;
    case FrameKind::kSeal: return length == kSealBytes;
    case FrameKind::kMark: return length == kFrameHeadBytes;
  }
  return false;
}

std::uint32_t sum_frame(MutableByteView frame, std::uint32_t seed) noexcept {
  const std::uint32_t crc = crc32(frame.subspan(4), seed);
  store_le(frame, 0, crc);
  return crc;
}

}  // namespace

std::array<std::byte, kHeaderBytes> encode_header(const SegmentHeader& header) noexcept {
  std::array<std::byte, kHeaderBytes> bytes{};
  store_le(bytes, 0, kMagic);
  store_le(bytes, 4, kVersion);
  store_le(bytes, 8, header.start.value());
  store_le(bytes, 16, header.segment_id.value());
  std::ranges::copy(header.log_id, bytes.begin() + 24);
  store_le(bytes, 40, header.created_at);
  store_le(bytes, kHeaderCrcOffset, crc32(ByteView(bytes).first(kHeaderCrcOffset)));
  return bytes;
}

HeaderReading read_header(ByteView bytes) noexcept {
  HeaderReading reading;
  if (bytes.size() < kHeaderBytes || load_le<std::uint32_t>(bytes, 0) != kMagic) return reading;
  const auto stored = load_le<std::uint32_t>(bytes, kHeaderCrcOffset);
  if (stored != crc32(bytes.first(kHeaderCrcOffset))) return reading;

  const bool reserved_is_zero =
      all_zeros(bytes.subspan(kHeaderReservedOffset, kHeaderCrcOffset - kHeaderReservedOffset));
  reading.header.start = EntryId(load_le<std::uint64_t>(bytes, 8));
  reading.header.segment_id = SegmentId(load_le<std::uint64_t>(bytes, 16));
  std::ranges::copy(bytes.subspan(24, 16), reading.header.log_id.begin());
  reading.header.created_at = load_le<std::uint64_t>(bytes, 40);
  const bool ids_are_ids = reading.header.start.value() >= 1 && reading.header.segment_id.value() >= 1;
  const bool known = load_le<std::uint32_t>(bytes, 4) == kVersion;
  reading.state = known && reserved_is_zero && ids_are_ids ? HeaderState::kSound : HeaderState::kRuleBroken;
  return reading;
}

std::uint32_t lag_of(EntryId id, std::optional<EntryId> durable) noexcept {
  if (!durable || *durable > id) return kUnknownLag;
  const std::uint64_t lag = id.value() - durable->value();
  return lag < kUnknownLag ? static_cast<std::uint32_t>(lag) : kUnknownLag;
}

std::uint32_t crc_seed(const LogId& log_id, SegmentId segment_id) noexcept {
  std::array<std::byte, 24> bytes{};
  std::ranges::copy(log_id, bytes.begin());
  store_le(bytes, 16, segment_id.value());
  return crc32(bytes);
}

void lay_frame(MutableByteView into, const FrameFields& fields, ByteView payload) noexcept {
  // The gap lies in the last word of the frame: the payload may overwrite its front.
  store_le(into, into.size() - kFrameAlignment, std::uint64_t{0});
  store_fields(into, kFrameHeadBytes + payload.size(), fields);
  if (!payload.empty()) std::memcpy(into.data() + kFrameHeadBytes, payload.data(), payload.size());
}

LargeFrame encode_large_frame(const FrameFields& fields, ByteView payload, std::uint32_t seed) noexcept {
  LargeFrame frame;
  const std::size_t length = kFrameHeadBytes + payload.size();
  store_fields(frame.head, length, fields);
  frame.crc = crc32(payload, crc32(ByteView(frame.head).subspan(4), seed));
  store_le(MutableByteView(frame.head), 0, frame.crc);
  frame.gap_bytes = static_cast<std::size_t>(align8(length) - length);
  return frame;
}

std::uint32_t append_frame(Bytes& out, const FrameFields& fields, ByteView payload, std::uint32_t seed) {
  const std::size_t begin = out.size();
  out.resize(begin + static_cast<std::size_t>(frame_span(payload.size())));
  const auto frame = MutableByteView(out).subspan(begin);
  lay_frame(frame, fields, payload);
  return sum_frame(frame.first(kFrameHeadBytes + payload.size()), seed);
}

void SealTallyBuilder::fold() noexcept {
  // Integers lie in memory as they are stored (bytes.hpp asserts that).
  tally_.crc_of_crcs = crc32(std::as_bytes(std::span(unfolded_).first(count_)), tally_.crc_of_crcs);
  count_ = 0;
}

void sum_frames(MutableByteView frames, std::uint32_t seed, SealTallyBuilder& tally) noexcept {
  while (!frames.empty()) {
    const auto length = load_le<std::uint32_t>(frames, 4);
    tally.add_crc(sum_frame(frames.first(length), seed));
    frames = frames.subspan(static_cast<std::size_t>(align8(length)));
  }
}

std::array<std::byte, kSealPayloadBytes> encode_seal(const SealTally& tally) noexcept {
  std::array<std::byte, kSealPayloadBytes> payload{};
  store_le(payload, 0, tally.entries);
  store_le(payload, 8, tally.crc_of_crcs);
  return payload;
}

std::optional<EntryId> Frame::vouches_for() const noexcept {
  if (fields.lag == kUnknownLag) return std::nullopt;
  return EntryId(fields.id.value() - fields.lag);
}

SealTally Frame::seal() const noexcept {
  return {.entries = load_le<std::uint64_t>(payload(), 0),
          .crc_of_crcs = load_le<std::uint32_t>(payload(), 8)};
}

std::optional<std::uint32_t> plausible_length(ByteView head) noexcept {
  const auto length = load_le<std::uint32_t>(head, 4);
  if (length < kFrameHeadBytes || length > kFrameHeadBytes + kMaxPayloadBytes) return std::nullopt;
  return length;
}

bool could_be_frame(ByteView head) noexcept {
  return plausible_length(head) && flags_allowed(load_le<std::uint32_t>(head, 20)) &&
         lag_allowed(load_le<std::uint32_t>(head, 16), load_le<std::uint64_t>(head, 8));
}

FrameState read_frame(ByteView bytes, std::uint32_t seed, Frame& frame) noexcept {
  if (bytes.size() < kFrameHeadBytes) return FrameState::kNotWhole;
  const auto length = plausible_length(bytes);
  if (!length || *length > bytes.size()) return FrameState::kNotWhole;
  frame.crc = load_le<std::uint32_t>(bytes, 0);
  if (frame.crc != crc32(bytes.subspan(4, *length - 4), seed)) return FrameState::kNotWhole;

  const auto flags = load_le<std::uint32_t>(bytes, 20);
  frame.length = *length;
  frame.fields.id = id_field(bytes);
  frame.fields.lag = load_le<std::uint32_t>(bytes, 16);
  frame.fields.more = (flags & kMoreFlag) != 0;
  frame.begin = bytes.data();
  if (!flags_allowed(flags) || !lag_allowed(frame.fields.lag, frame.fields.id.value())) {
    return FrameState::kRuleBroken;
  }
  frame.fields.kind = static_cast<FrameKind>(flags & kKindMask);
  if (!length_fits_kind(frame.fields.kind, frame.length)) return FrameState::kRuleBroken;
  if (frame.fields.kind == FrameKind::kSeal && load_le<std::uint32_t>(frame.payload(), 12) != 0) {
    return FrameState::kRuleBroken;
  }
  return FrameState::kWhole;
}

}  // namespace durability::walog::v4
