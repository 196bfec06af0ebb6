#include "durability/walog/repair/quarantine.hpp"

#include <algorithm>
#include <charconv>

#include "durability/base/crc32.hpp"
#include "durability/walog/format/segment_name.hpp"

namespace durability::walog {
namespace {

constexpr std::uint32_t kMagic = 0x50455256;  // "VREP", read as a little-endian u32
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeadBytes = 16;
constexpr std::size_t kFileBytes = 40;
constexpr std::size_t kCrcBytes = 4;
constexpr std::uint32_t kBefore = 1;
constexpr std::uint32_t kAfter = 2;

std::optional<std::uint64_t> parse_number(std::string_view name) noexcept {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc{} || end != name.data() + name.size() || number == 0) return std::nullopt;
  if (name.front() == '0') return std::nullopt;
  return number;
}

}  // namespace

Bytes encode_record(const RepairRecord& record) {
  Bytes bytes(kHeadBytes + record.files.size() * kFileBytes + kCrcBytes);
  store_le(bytes, 0, kMagic);
  store_le(bytes, 4, kVersion);
  store_le(bytes, 8, record.kept_crc);
  store_le(bytes, 12, static_cast<std::uint32_t>(record.files.size()));
  std::size_t at = kHeadBytes;
  for (const RecordedFile& file : record.files) {
    const WalFileImage before = file.before.value_or(WalFileImage{});
    const WalFileImage after = file.after.value_or(WalFileImage{});
    store_le(bytes, at, file.segment.value());
    store_le(bytes, at + 8, (file.before ? kBefore : 0) | (file.after ? kAfter : 0));
    store_le(bytes, at + 12, before.crc);
    store_le(bytes, at + 16, before.bytes);
    store_le(bytes, at + 24, after.crc);
    store_le(bytes, at + 32, after.bytes);
    at += kFileBytes;
  }
  store_le(bytes, at, crc32(ByteView(bytes).first(at)));
  return bytes;
}

Result<RepairRecord> decode_record(ByteView bytes) {
  const auto refuse = [](std::string_view why) {
    return Error(ErrorCode::kFormat, fmt::format("not the record of a repair: {}", why))
        .advise("nothing was changed; the files beside it are the segments that were taken out, whole");
  };
  if (bytes.size() < kHeadBytes + kCrcBytes) return refuse("too short");
  if (load_le<std::uint32_t>(bytes, 0) != kMagic) return refuse("expected \"VREP\"");
  if (load_le<std::uint32_t>(bytes, 4) != kVersion) return refuse("expected version 1");
  const std::size_t end = bytes.size() - kCrcBytes;
  if (crc32(bytes.first(end)) != load_le<std::uint32_t>(bytes, end)) return refuse("its checksum differs");
  const auto count = load_le<std::uint32_t>(bytes, 12);
  if ((end - kHeadBytes) / kFileBytes != count || (end - kHeadBytes) % kFileBytes != 0) {
    return refuse("its length is not that of its files");
  }
  RepairRecord record{.kept_crc = load_le<std::uint32_t>(bytes, 8), .files = {}};
  for (std::size_t at = kHeadBytes; at < end; at += kFileBytes) {
    RecordedFile file{.segment = SegmentId(load_le<std::uint64_t>(bytes, at)), .before = {}, .after = {}};
    const auto flags = load_le<std::uint32_t>(bytes, at + 8);
    if ((flags & kBefore) != 0) {
      file.before = {.bytes = load_le<std::uint64_t>(bytes, at + 16),
                     .crc = load_le<std::uint32_t>(bytes, at + 12)};
    }
    if ((flags & kAfter) != 0) {
      file.after = {.bytes = load_le<std::uint64_t>(bytes, at + 32),
                    .crc = load_le<std::uint32_t>(bytes, at + 24)};
    }
    record.files.push_back(file);
  }
  return record;
}

std::string quarantine_path(std::uint64_t number) {
  return fmt::format("{}/{}", kQuarantineDirectory, number);
}

std::string quarantined_path(std::uint64_t number, SegmentId segment) {
  return fmt::format("{}/{}", quarantine_path(number), segment_name(segment));
}

std::string record_path(std::uint64_t number) { return quarantine_path(number) + "/record"; }

std::string unreadable_path(std::uint64_t number) { return quarantine_path(number) + "/unreadable"; }

Result<Quarantines> list_quarantines(Directory& directory) {
  DURABILITY_TRY_ASSIGN(const auto names, directory.list(kQuarantineDirectory));
  Quarantines found;
  for (const std::string& name : names) {
    const auto number = parse_number(name);
    if (!number) continue;
    DURABILITY_TRY_ASSIGN(const bool recorded, directory.exists(record_path(*number)));
    (recorded ? found.recorded : found.unrecorded).push_back(*number);
  }
  std::ranges::sort(found.recorded);
  return found;
}

}  // namespace durability::walog
