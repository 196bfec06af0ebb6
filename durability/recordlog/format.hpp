#pragma once

// The record log, in bytes: one file, a header and records back to back. The layout is that of the Rust crate
// `durability`.
//
//   header  0 "VRLG" | 4 version u32, 1 or 2                     8 bytes
//   record  0 payload length u32 | 4 crc32 | 8 payload           8 bytes and the payload, at most 64 MiB
//
// The crc32 is of the payload in version 1, the crate's, and of the length field and the payload in version
// 2, ours. In version 1 eight zero bytes are a whole record without payload, so zeros that a crash left
// after the records read as records that nobody wrote; in version 2 no run of zeros is a record.

#include <array>
#include <cstdint>
#include <optional>

#include "durability/base/bytes.hpp"
#include "durability/base/result.hpp"

namespace durability {

enum class RecordLogFormat : std::uint32_t { kV1 = 1, kV2 = 2 };

namespace recordlog {

inline constexpr std::size_t kVersionOffset = 4;
inline constexpr std::size_t kHeaderBytes = 8;
inline constexpr std::size_t kLengthBytes = 4;
inline constexpr std::size_t kCrcOffset = 4;
inline constexpr std::size_t kRecordHeadBytes = 8;
inline constexpr std::uint32_t kMaxPayloadBytes = 64U << 20U;
static_assert(kCrcOffset + sizeof(std::uint32_t) == kRecordHeadBytes);

[[nodiscard]] std::array<std::byte, kHeaderBytes> encode_header(RecordLogFormat format) noexcept;

enum class HeaderState : std::uint8_t { kWhole, kCut, kBadMagic, kBadVersion };

/// Judges a header from a file's first 8 bytes, or all it has. `format` where it is whole.
[[nodiscard]] HeaderState read_header(ByteView front, RecordLogFormat& format) noexcept;
/// Of which version a header is that was cut short after `front`; `preferred` where that is still open. None:
/// no header begins like this.
[[nodiscard]] std::optional<RecordLogFormat> header_begun(ByteView front, RecordLogFormat preferred) noexcept;

/// A record's head for a payload that is stored after it.
[[nodiscard]] std::array<std::byte, kRecordHeadBytes> encode_head(RecordLogFormat format,
                                                                  ByteView payload) noexcept;

enum class RecordState : std::uint8_t {
  kWhole,
  kNothing,  ///< the file ends here
  kCut,      ///< the file ends inside it
  kOverCap,
  kCrcMismatch,
};

/// What can be said of a record that begins with `head` (8 bytes, or what there is) in a file that has
/// `remaining` bytes from there on. kWhole: all of it is there, its checksum is to be tried.
struct RecordHead {
  RecordState state = RecordState::kNothing;
  std::uint32_t payload_bytes = 0;
};
[[nodiscard]] RecordHead read_head(ByteView head, std::uint64_t remaining) noexcept;

struct Record {
  std::uint32_t stored_crc = 0;
  std::uint32_t actual_crc = 0;
  ByteView payload;
};

/// Judges a record of which all bytes are there.
[[nodiscard]] RecordState read_record(ByteView bytes, RecordLogFormat format, Record& record) noexcept;

/// What the checksum of a record's payload goes on from.
[[nodiscard]] std::uint32_t checksum_start(RecordLogFormat format, ByteView head) noexcept;

/// `encode` where a payload would be larger than 64 MiB.
Status check_payload(ByteView payload);

}  // namespace recordlog
}  // namespace durability
