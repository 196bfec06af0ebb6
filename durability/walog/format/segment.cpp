#include "durability/walog/format/segment.hpp"

namespace durability::walog {

std::optional<WalFormat> stated_format(ByteView bytes) noexcept {
  if (bytes.size() < 8 || load_le<std::uint32_t>(bytes, 0) != v4::kMagic) return std::nullopt;
  const auto version = load_le<std::uint32_t>(bytes, 4);
  if (version < 2 || version > v4::kVersion) return std::nullopt;
  return static_cast<WalFormat>(version);
}

Bytes encode_header(WalFormat format, const SegmentHeader& header) {
  if (format == WalFormat::kV4) {
    const auto bytes = v4::encode_header(header);
    return {bytes.begin(), bytes.end()};
  }
  const auto bytes =
      v3::encode_header({.format = format, .start = header.start, .segment_id = header.segment_id});
  return {bytes.begin(), bytes.end()};
}

}  // namespace durability::walog
