#pragma once

// The bytes on disk, for tools that look at files themselves: every magic, version and cap, headers and
// frames as functions on bytes. docs/formats.md tells what they mean. These are the functions that the
// library itself reads and writes with; they know no files, allocate nothing for lengths that are claimed,
// and need none of them checked before.
//
//   formats::wal_v4       segments of version 4
//   formats::wal_v3       segments of versions 2 and 3
//   formats::checkpoint   checkpoint files
//   formats::recordlog    record logs
//
// Reading a log frame by frame is not reading the log: which frames count, and what damage means, is decided
// over all segments (WalReader).

#include <string_view>

#include "durability/checkpoint/format.hpp"
#include "durability/recordlog/format.hpp"
#include "durability/walog/format/segment_name.hpp"
#include "durability/walog/format/v3.hpp"
#include "durability/walog/format/v4.hpp"
#include "durability/walog/read/header_check.hpp"

namespace durability::formats {

inline constexpr std::string_view kWalMagic = "VWAL";
inline constexpr std::string_view kCheckpointMagic = "VCKP";
inline constexpr std::string_view kRecordLogMagic = "VRLG";

inline constexpr std::uint32_t kNativeWalVersion = walog::v4::kVersion;
/// The version that the Rust crate `durability` 0.7 to 0.10 writes; 0.2 to 0.6 write kLegacyWalVersion.
inline constexpr std::uint32_t kCrateWalVersion = 3;
inline constexpr std::uint32_t kLegacyWalVersion = 2;
inline constexpr std::uint32_t kCheckpointVersion = durability::checkpoint::kVersion;
inline constexpr std::uint32_t kLegacyCheckpointVersion = 1;
inline constexpr auto kRecordLogVersion = static_cast<std::uint32_t>(RecordLogFormat::kV2);
/// The version that the Rust crate writes.
inline constexpr auto kCrateRecordLogVersion = static_cast<std::uint32_t>(RecordLogFormat::kV1);

inline constexpr std::uint64_t kMaxWalPayloadBytes = walog::v4::kMaxPayloadBytes;
inline constexpr std::uint64_t kMaxWalBatchBytes = walog::v4::kMaxBatchBytes;
inline constexpr std::uint64_t kMaxCheckpointPayloadBytes = durability::checkpoint::kMaxPayloadBytes;
inline constexpr std::uint64_t kMaxRecordPayloadBytes = durability::recordlog::kMaxPayloadBytes;

/// Path of a segment's file from the directory that holds `wal/`, and the id in a file's name.
using walog::parse_segment_name;
using walog::segment_path;
/// The version that the first 8 bytes of a segment state.
using walog::stated_format;

namespace wal_v4 = walog::v4;
namespace wal_v3 = walog::v3;
namespace checkpoint = durability::checkpoint;
namespace recordlog = durability::recordlog;

}  // namespace durability::formats
