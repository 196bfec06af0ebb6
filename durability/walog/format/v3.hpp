#pragma once

// WAL segment, versions 2 and 3: the bytes of the Rust crate `durability` (2: crate 0.2 to 0.6, 3: 0.7 to
// 0.10), written and read here too, so that a Rust and a C++ program can work on the same directory.
//
//   header  0 "VWAL" | 4 version u32 | 8 start_entry_id u64 | 16 segment_id u64          24 bytes
//   frame   0 length u32 = 16 + payload | 4 entry_id u64 | 12 crc32 | 16 payload         back to back
//
// The crc32 covers length, entry_id and payload in version 3, the payload alone in version 2. A
// preallocated segment is zeros after its last frame: at least 4, since fewer read as a torn length field.
// Nothing here vouches for anything, so a torn group cannot be distinguished from damage, as it can in
// version 4.

#include <array>
#include <cstdint>
#include <optional>

#include "durability/base/bytes.hpp"
#include "durability/base/ids.hpp"
#include "durability/walog/format/version.hpp"

namespace durability::walog::v3 {

inline constexpr std::size_t kHeaderBytes = 24;
inline constexpr std::size_t kFrameHeadBytes = 16;
inline constexpr std::size_t kLengthBytes = 4;
inline constexpr std::uint32_t kMaxFrameBytes = kFrameHeadBytes + (16U << 20U);

struct SegmentHeader {
  WalFormat format = WalFormat::kV3;
  EntryId start;
  SegmentId segment_id;
};

[[nodiscard]] std::array<std::byte, kHeaderBytes> encode_header(const SegmentHeader& header) noexcept;
/// The fields of 24 bytes that begin with the magic and version 2 or 3; there is no checksum.
[[nodiscard]] SegmentHeader decode_header(ByteView bytes) noexcept;

/// A frame's head for a payload that is stored after it.
[[nodiscard]] std::array<std::byte, kFrameHeadBytes> encode_head(WalFormat format, EntryId id,
                                                                 ByteView payload) noexcept;

enum class FrameState : std::uint8_t {
  kWhole,
  kNothing,     ///< the file ends here
  kCut,         ///< the file ends inside it
  kZeroLength,  ///< its length field is 0: padding, if nothing but zeros follows
  kBadLength,   ///< a length of 1 to 15
  kOverCap,
  kCrcMismatch,
};

struct Frame {
  EntryId id;
  std::uint32_t length = 0;
  std::uint32_t stored_crc = 0;
  std::uint32_t actual_crc = 0;
  ByteView payload;
};

/// How many bytes of a frame that begins with `head` (up to 16 bytes of it) must be there to judge it, where
/// it can be whole in a file that has `remaining` bytes; else the verdict.
struct FrameHead {
  FrameState state = FrameState::kNothing;
  std::uint32_t length = 0;  ///< where kWhole: it may be, its checksum is to be tried
};
[[nodiscard]] FrameHead read_head(ByteView head, std::uint64_t remaining) noexcept;

/// Judges a frame of which all `length` bytes are there.
[[nodiscard]] FrameState read_frame(ByteView bytes, WalFormat format, Frame& frame) noexcept;

}  // namespace durability::walog::v3
