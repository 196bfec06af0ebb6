#pragma once

// `wal/quarantine/<n>/`: what repair number <n> took out of the log, under the segments' own names, and the
// record of it, which undoing goes by.
//
//   record  0 "VREP" | 4 version u32 = 1 | 8 crc of the segments kept u32 | 12 number of files u32
//           16 the files | crc32 of all of this u32
//   file    0 segment u64 | 8 flags u32: bit 0 it was there before, bit 1 it is there after
//           12 crc32 before u32 | 16 bytes before u64 | 24 crc32 after u32 | 28 zero u32 | 32 bytes after u64
//
// A directory without a record belongs to a repair that changed nothing yet: copies of what the log holds.

#include <optional>
#include <string>
#include <vector>

#include "durability/storage/directory.hpp"
#include "durability/walog/repair/repair.hpp"

namespace durability::walog {

inline constexpr std::string_view kQuarantineDirectory = "wal/quarantine";

struct RecordedFile {
  SegmentId segment;
  std::optional<WalFileImage> before;
  std::optional<WalFileImage> after;

  bool operator==(const RecordedFile&) const = default;
};

struct RepairRecord {
  std::uint32_t kept_crc = 0;
  std::vector<RecordedFile> files;  ///< in numeric order

  bool operator==(const RepairRecord&) const = default;
};

[[nodiscard]] Bytes encode_record(const RepairRecord& record);
/// `format` where the bytes are no record.
Result<RepairRecord> decode_record(ByteView bytes);

[[nodiscard]] std::string quarantine_path(std::uint64_t number);
[[nodiscard]] std::string quarantined_path(std::uint64_t number, SegmentId segment);
[[nodiscard]] std::string record_path(std::uint64_t number);
/// For people: what could not be read of the files, where there is any.
[[nodiscard]] std::string unreadable_path(std::uint64_t number);

struct Quarantines {
  std::vector<std::uint64_t> recorded;    ///< numbers of repairs, in order
  std::vector<std::uint64_t> unrecorded;  ///< of repairs that were cut off before they changed anything
};
Result<Quarantines> list_quarantines(Directory& directory);

}  // namespace durability::walog
