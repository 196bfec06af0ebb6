#pragma once

// WAL segment, version 4: the bytes.
//
// A segment is a 64-byte header and frames, each at a multiple of 8 from the start of the file:
//
//   header  0 "VWAL" | 4 version u32 = 4 | 8 start_entry_id u64 | 16 segment_id u64 | 24 log_id (16)
//           40 created_at u64 | 48 zero (12) | 60 crc32 of bytes 0-59
//   frame   0 crc32 | 4 length u32 = 24 + payload | 8 entry_id u64 | 16 lag u32 | 20 flags u32 | 24 payload
//
// The frame's crc32 covers log_id, segment_id and the frame's bytes from 4 on, so a frame of another log,
// or of another segment, never checks. `lag` is entry_id minus the highest id known to be durable when
// the frame was encoded: a surviving frame vouches for everything up to entry_id - lag. Flags: bits 0-1
// the kind (entry, seal, mark), bit 2 `more` (the atomic batch goes on with the next frame).
//
// Pure functions on spans: nothing here knows a file. Every path that reads frames (replay, resume,
// verify, dump, the search past damage) uses read_frame and nothing else.

#include <array>
#include <cstdint>
#include <optional>

#include "durability/base/bytes.hpp"
#include "durability/base/ids.hpp"
#include "durability/walog/format/segment_header.hpp"

namespace durability::walog::v4 {

inline constexpr std::uint32_t kMagic = 0x4c415756;  // "VWAL", read as a little-endian u32
inline constexpr std::uint32_t kVersion = 4;

inline constexpr std::size_t kHeaderBytes = 64;
inline constexpr std::size_t kHeaderReservedOffset = 48;
inline constexpr std::size_t kHeaderCrcOffset = 60;

inline constexpr std::size_t kFrameHeadBytes = 24;
inline constexpr std::size_t kFrameAlignment = 8;
inline constexpr std::size_t kSealPayloadBytes = 16;
inline constexpr std::size_t kSealBytes = kFrameHeadBytes + kSealPayloadBytes;
inline constexpr std::uint32_t kMaxPayloadBytes = 16U << 20U;
inline constexpr std::uint64_t kMaxBatchBytes = 256U << 20U;
inline constexpr std::uint32_t kUnknownLag = 0xffffffff;

static_assert(kHeaderBytes % kFrameAlignment == 0);
static_assert(kSealBytes % kFrameAlignment == 0, "a seal ends where the file is cut");
static_assert(kHeaderCrcOffset + sizeof(std::uint32_t) == kHeaderBytes);

using walog::LogId;
using walog::SegmentHeader;

[[nodiscard]] std::array<std::byte, kHeaderBytes> encode_header(const SegmentHeader& header) noexcept;

enum class HeaderState : std::uint8_t {
  kSound,
  kUnsound,     ///< short, without the magic, or its checksum does not match
  kRuleBroken,  ///< its checksum matches, but no writer of version 4 writes it
};

struct HeaderReading {
  HeaderState state = HeaderState::kUnsound;
  SegmentHeader header;  ///< where sound
};

/// Judges the first bytes of a segment.
[[nodiscard]] HeaderReading read_header(ByteView bytes) noexcept;

enum class FrameKind : std::uint8_t { kEntry = 0, kSeal = 1, kMark = 2 };

/// What a frame says besides its payload.
struct FrameFields {
  EntryId id;
  std::uint32_t lag = kUnknownLag;
  FrameKind kind = FrameKind::kEntry;
  bool more = false;
};

/// The distance from `durable` to `id` as a lag; kUnknownLag where it does not fit or is not known.
[[nodiscard]] std::uint32_t lag_of(EntryId id, std::optional<EntryId> durable) noexcept;

/// The start value of every frame's checksum in one segment: crc32 of log_id and segment_id.
[[nodiscard]] std::uint32_t crc_seed(const LogId& log_id, SegmentId segment_id) noexcept;

/// Bytes a frame takes in the file, the gap after it included.
[[nodiscard]] constexpr std::uint64_t frame_span(std::uint64_t payload_bytes) noexcept {
  return align8(kFrameHeadBytes + payload_bytes);
}

/// Lays a frame into frame_span(payload) bytes, the gap included; its crc field is still to come: sum_frames.
void lay_frame(MutableByteView into, const FrameFields& fields, ByteView payload) noexcept;
/// A frame in pieces, its payload left where it is.
struct LargeFrame {
  std::array<std::byte, kFrameHeadBytes> head{};
  std::array<std::byte, kFrameAlignment> zeros{};
  std::size_t gap_bytes = 0;
  std::uint32_t crc = 0;

  [[nodiscard]] ByteView gap() const noexcept { return ByteView(zeros).first(gap_bytes); }
};
[[nodiscard]] LargeFrame encode_large_frame(const FrameFields& fields, ByteView payload,
                                            std::uint32_t seed) noexcept;
/// Appends a whole frame.
std::uint32_t append_frame(Bytes& out, const FrameFields& fields, ByteView payload, std::uint32_t seed);

/// A running checksum over the crc fields of a segment's frames, and the count of its entries: what the
/// seal states.
struct SealTally {
  std::uint64_t entries = 0;
  std::uint32_t crc_of_crcs = 0;

  bool operator==(const SealTally&) const = default;
};

/// Adds up a SealTally. The checksum is taken over many crc fields at a time: over four bytes a call costs as
/// much as the frame's own.
class SealTallyBuilder {
 public:
  SealTallyBuilder() = default;
  explicit SealTallyBuilder(const SealTally& begin) noexcept : tally_(begin) {}

  void add(FrameKind kind, std::uint32_t frame_crc) noexcept {
    count(kind);
    add_crc(frame_crc);
  }
  // The same in two steps; the checksums in the order of their frames.
  void count(FrameKind kind) noexcept {
    if (kind == FrameKind::kEntry) ++tally_.entries;
  }
  void add_crc(std::uint32_t frame_crc) noexcept {
    unfolded_[count_++] = frame_crc;
    if (count_ == unfolded_.size()) fold();
  }
  [[nodiscard]] std::uint64_t entries() const noexcept { return tally_.entries; }
  [[nodiscard]] const SealTally& total() noexcept {
    fold();
    return tally_;
  }

 private:
  void fold() noexcept;

  SealTally tally_;
  std::array<std::uint32_t, 256> unfolded_;
  std::size_t count_ = 0;
};

/// Gives the frames that `frames` consists of their checksums, and adds those up.
void sum_frames(MutableByteView frames, std::uint32_t seed, SealTallyBuilder& tally) noexcept;

[[nodiscard]] std::array<std::byte, kSealPayloadBytes> encode_seal(const SealTally& tally) noexcept;

enum class FrameState : std::uint8_t {
  kWhole,
  kNotWhole,    ///< cut short, an impossible length, or its checksum does not match
  kRuleBroken,  ///< its checksum matches, but no writer of version 4 writes it
};

/// A frame that was read.
struct Frame {
  FrameFields fields;
  std::uint32_t crc = 0;
  std::uint32_t length = kFrameHeadBytes;  ///< without the gap
  const std::byte* begin = nullptr;        ///< of the bytes that were given

  /// A view of the bytes that were given. Made when it is asked for: to copy a span that was stored a moment
  /// ago waits for the stores.
  [[nodiscard]] ByteView payload() const noexcept {
    return {begin + kFrameHeadBytes, length - kFrameHeadBytes};
  }
  [[nodiscard]] std::uint64_t span() const noexcept { return align8(length); }
  /// The highest id this frame says is durable.
  [[nodiscard]] std::optional<EntryId> vouches_for() const noexcept;
  /// What a seal states; for seals only.
  [[nodiscard]] SealTally seal() const noexcept;
};

/// Length field of a frame whose head lies in `head`, where it is one a frame can have.
[[nodiscard]] std::optional<std::uint32_t> plausible_length(ByteView head) noexcept;

/// Whether a head, unchecked as it is, could be one: the length, flags and lag are possible. The filter
/// before the checksum when frames are searched for past damage.
[[nodiscard]] bool could_be_frame(ByteView head) noexcept;

/// Id field of a frame whose head lies in `head`.
[[nodiscard]] inline EntryId id_field(ByteView head) noexcept {
  return EntryId(load_le<std::uint64_t>(head, 8));
}

/// Judges the frame that begins with `bytes`; on kWhole fills `frame`.
[[nodiscard]] FrameState read_frame(ByteView bytes, std::uint32_t seed, Frame& frame) noexcept;

}  // namespace durability::walog::v4
