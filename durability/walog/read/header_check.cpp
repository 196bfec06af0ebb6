#include "durability/walog/read/header_check.hpp"

namespace durability::walog {
namespace {

using Checked = std::variant<CheckedHeader, Finding>;

// A log that does not begin at entry 1 has no segment number 1.
bool start_is_due(EntryId start, const ExpectedHeader& expected) noexcept {
  if (expected.predecessor) return start == expected.due;
  return expected.name.value() != 1 || start.value() == 1;
}

CheckedHeader derive(const ExpectedHeader& expected) noexcept {
  return {.header = {.log_id = *expected.log_id, .segment_id = expected.name, .start = expected.due},
          .lost = true};
}

Checked check_v4(ByteView bytes, const ExpectedHeader& expected) noexcept {
  const v4::HeaderReading reading = v4::read_header(bytes);
  if (reading.state == v4::HeaderState::kRuleBroken) return Finding::kRuleBroken;
  if (reading.state == v4::HeaderState::kUnsound) {
    if (!expected.log_id) return Finding::kHeaderDamaged;
    if (expected.final) return derive(expected);
    return Finding::kDamageBeforeFinal;
  }
  if (expected.log_id && reading.header.log_id != *expected.log_id) return Finding::kForeignLog;
  // A recycled file whose zeroing was lost shows the header of its former life.
  if (expected.log_id && expected.final && reading.header.segment_id < expected.name) return derive(expected);
  if (reading.header.segment_id != expected.name) return Finding::kSegmentIdMismatch;
  if (!start_is_due(reading.header.start, expected)) return Finding::kStartMismatch;
  return CheckedHeader{.header = reading.header};
}

Checked check_v3(ByteView bytes, const ExpectedHeader& expected) noexcept {
  if (bytes.size() < v3::kHeaderBytes) return cut_header(expected);
  const v3::SegmentHeader header = v3::decode_header(bytes);
  if (header.segment_id != expected.name) return Finding::kSegmentIdMismatch;
  if (header.start.value() == 0) return Finding::kBadBytes;
  CheckedHeader checked{.format = header.format,
                        .header = {.segment_id = header.segment_id, .start = header.start}};
  if (start_is_due(header.start, expected)) return checked;
  if (!expected.predecessor || header.start < expected.due) return Finding::kStartMismatch;
  checked.skips_ahead = true;
  return checked;
}

// No version is stated, and no version 4 before it says that there must be one.
Checked check_unstated(ByteView bytes, const ExpectedHeader& expected) noexcept {
  if (bytes.size() >= 4 && load_le<std::uint32_t>(bytes, 0) != v4::kMagic) return Finding::kBadBytes;
  if (bytes.size() >= 8) return Finding::kBadBytes;
  return cut_header(expected);
}

}  // namespace

Finding cut_header(const ExpectedHeader& expected) noexcept {
  if (!expected.final) return Finding::kCutBeforeFinal;
  if (expected.has_spare) return Finding::kHeaderDamaged;
  const bool lone = !expected.predecessor && expected.name.value() != 1;
  return lone ? Finding::kLoneCutHeader : Finding::kCutHeader;
}

Checked check_header(ByteView bytes, const ExpectedHeader& expected) noexcept {
  const auto format = stated_format(bytes);
  if (format && *format != WalFormat::kV4) return check_v3(bytes, expected);
  if (format || expected.log_id) return check_v4(bytes, expected);
  return check_unstated(bytes, expected);
}

}  // namespace durability::walog
