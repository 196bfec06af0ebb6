#pragma once

// The checkpoint file, in bytes: a header of 28 and the payload, nothing after it. The format is that of
// the Rust crate `durability`.
//
//   0   4  the letters VCKP
//   4   4  version, 1 or 2
//   8   8  last_applied: the last entry that the payload contains; replay goes on after it
//   16  8  length of the payload, at most 256 MiB
//   24  4  crc32: in version 2 over bytes 0 to 23 and the payload, in version 1 over the payload alone
//
// Version 2 is written, both are read. In version 1 nothing protects last_applied: a flipped bit in it goes
// unseen, unless the log happens to contradict it.

#include "durability/base/bytes.hpp"
#include "durability/base/ids.hpp"
#include "durability/base/result.hpp"

namespace durability::checkpoint {

inline constexpr std::size_t kVersionOffset = 4;
inline constexpr std::size_t kLastAppliedOffset = 8;
inline constexpr std::size_t kPayloadBytesOffset = 16;
inline constexpr std::size_t kCrcOffset = 24;
inline constexpr std::size_t kHeaderBytes = 28;
static_assert(kCrcOffset + sizeof(std::uint32_t) == kHeaderBytes);

inline constexpr std::uint32_t kVersion = 2;  ///< what is written
inline constexpr std::uint64_t kMaxPayloadBytes = std::uint64_t{256} << 20U;

struct Header {
  std::uint32_t version = kVersion;
  EntryId last_applied;
  std::uint64_t payload_bytes = 0;
  std::uint32_t crc = 0;
};

/// `encode` where a payload would be larger than 256 MiB.
Status check_size(std::uint64_t payload_bytes);

/// Puts the header before a payload: `file` is kHeaderBytes of room and then the payload. `encode`
/// where the payload is larger than 256 MiB; nothing is written then.
Status put_header(MutableByteView file, EntryId last_applied);

/// Reads the header of a file that is `file_bytes` long; `front` is its first kHeaderBytes, or all of it
/// where it is shorter. Once it succeeds, the file ends with the payload. Errors, each with its offset:
/// `truncated`: the file ends before the header or the payload does; `format`: another magic (seen from 4
/// bytes on), an unknown version, a length over the limit, bytes after the payload.
Result<Header> read_header(ByteView front, std::uint64_t file_bytes);

/// `crc_mismatch` unless the checksum holds. `front` is what the header was read from.
Status check_payload(ByteView front, const Header& header, ByteView payload);

}  // namespace durability::checkpoint
