#include "mend.hpp"

#include <algorithm>

#include "durability/formats.hpp"
#include "durability/recordlog/format.hpp"

namespace durability::fuzz {
namespace {

namespace v3 = formats::wal_v3;
namespace v4 = formats::wal_v4;

void mend_v4(MutableByteView bytes, Mending mending) {
  if (bytes.size() < v4::kHeaderBytes) return;
  store_le(bytes, v4::kHeaderCrcOffset, crc32(bytes.first(v4::kHeaderCrcOffset)));
  const std::uint32_t seed = crc32(bytes.subspan(16, 8), crc32(bytes.subspan(24, 16)));
  auto next = load_le<std::uint64_t>(bytes, 8);
  v4::SealTallyBuilder tally;
  for (std::size_t at = v4::kHeaderBytes; at + v4::kFrameHeadBytes <= bytes.size();) {
    const auto rest = bytes.subspan(at);
    const auto length = v4::plausible_length(rest);
    if (!length || *length > rest.size()) return;
    const auto kind = static_cast<v4::FrameKind>(load_le<std::uint32_t>(rest, 20) & 3U);
    const bool is_entry = kind == v4::FrameKind::kEntry;
    if (mending.ids) store_le(rest, 8, is_entry ? next : next - 1);
    if (is_entry) ++next;
    if (mending.seals && kind == v4::FrameKind::kSeal && *length == v4::kSealBytes) {
      std::ranges::copy(v4::encode_seal(tally.total()), rest.begin() + v4::kFrameHeadBytes);
    }
    const std::uint32_t crc = crc32(rest.subspan(4, *length - 4), seed);
    store_le(rest, 0, crc);
    tally.add(kind, crc);
    at += align8(*length);
  }
}

void mend_v3(MutableByteView bytes, WalFormat format, Mending mending) {
  if (bytes.size() < v3::kHeaderBytes) return;
  auto next = load_le<std::uint64_t>(bytes, 8);
  for (std::size_t at = v3::kHeaderBytes; bytes.size() - at >= v3::kFrameHeadBytes;) {
    const auto rest = bytes.subspan(at);
    const auto length = load_le<std::uint32_t>(rest, 0);
    if (length < v3::kFrameHeadBytes || length > rest.size()) return;
    if (mending.ids) store_le(rest, 4, next++);
    const auto payload = rest.subspan(v3::kFrameHeadBytes, length - v3::kFrameHeadBytes);
    const EntryId id(load_le<std::uint64_t>(rest, 4));
    std::ranges::copy(v3::encode_head(format, id, payload), rest.begin());
    at += length;
  }
}

}  // namespace

void mend_segment(MutableByteView bytes, Mending mending) {
  const auto format = formats::stated_format(bytes);
  if (!format) return;
  if (*format == WalFormat::kV4) {
    mend_v4(bytes, mending);
  } else {
    mend_v3(bytes, *format, mending);
  }
}

void mend_record_log(MutableByteView bytes) {
  RecordLogFormat format{};
  if (recordlog::read_header(bytes, format) != recordlog::HeaderState::kWhole) return;
  for (std::size_t at = recordlog::kHeaderBytes; bytes.size() - at >= recordlog::kRecordHeadBytes;) {
    const auto rest = bytes.subspan(at);
    const std::uint64_t size = load_le<std::uint32_t>(rest, 0);
    if (size > rest.size() - recordlog::kRecordHeadBytes) return;
    const auto payload = rest.subspan(recordlog::kRecordHeadBytes, size);
    std::ranges::copy(recordlog::encode_head(format, payload), rest.begin());
    at += recordlog::kRecordHeadBytes + size;
  }
}

void mend_checkpoint(MutableByteView bytes) {
  namespace checkpoint = formats::checkpoint;
  if (bytes.size() < checkpoint::kHeaderBytes) return;
  const auto payload = ByteView(bytes).subspan(checkpoint::kHeaderBytes);
  store_le(bytes, checkpoint::kPayloadBytesOffset, std::uint64_t{payload.size()});
  const bool headed = load_le<std::uint32_t>(bytes, checkpoint::kVersionOffset) != 1;
  const std::uint32_t start = headed ? crc32(bytes.first(checkpoint::kCrcOffset)) : 0;
  store_le(bytes, checkpoint::kCrcOffset, crc32(payload, start));
}

}  // namespace durability::fuzz
