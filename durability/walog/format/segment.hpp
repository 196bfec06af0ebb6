#pragma once

// The segment of any version: what a reader or writer asks that need not know which one it is.

#include <optional>

#include "durability/walog/format/segment_header.hpp"
#include "durability/walog/format/v3.hpp"
#include "durability/walog/format/v4.hpp"
#include "durability/walog/format/version.hpp"

namespace durability::walog {

/// The version a segment says it is of, from its first 8 bytes; nothing where there is no magic or no known
/// version.
[[nodiscard]] std::optional<WalFormat> stated_format(ByteView bytes) noexcept;

[[nodiscard]] Bytes encode_header(WalFormat format, const SegmentHeader& header);

[[nodiscard]] constexpr std::uint64_t header_bytes(WalFormat format) noexcept {
  return format == WalFormat::kV4 ? v4::kHeaderBytes : v3::kHeaderBytes;
}

/// Bytes that a frame takes.
[[nodiscard]] constexpr std::uint64_t frame_span(WalFormat format, std::uint64_t payload_bytes) noexcept {
  return format == WalFormat::kV4 ? v4::frame_span(payload_bytes) : v3::kFrameHeadBytes + payload_bytes;
}

/// Bytes that are needed after the last entry.
[[nodiscard]] constexpr std::uint64_t seal_span(WalFormat format) noexcept {
  return format == WalFormat::kV4 ? v4::kSealBytes : 0;
}

}  // namespace durability::walog
