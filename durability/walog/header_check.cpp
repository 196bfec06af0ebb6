#include "durability/walog/header_check.hpp"

namespace durability::walog {
namespace {

std::variant<CheckedHeader, Finding> check_first(const v4::HeaderReading& reading,
                                                 const ExpectedHeader& expected) noexcept {
  if (reading.state == v4::HeaderState::kUnsound) return Finding::kHeaderDamaged;
  if (reading.header.segment_id != expected.name) return Finding::kSegmentIdMismatch;
  // A log that does not begin at entry 1 has no segment number 1.
  if (expected.name.value() == 1 && reading.header.start.value() != 1) return Finding::kStartMismatch;
  return CheckedHeader{.header = reading.header};
}

CheckedHeader derive(const ExpectedHeader& expected) noexcept {
  return {.header = {.log_id = *expected.log_id, .segment_id = expected.name, .start = expected.due},
          .lost = true};
}

}  // namespace

std::variant<CheckedHeader, Finding> check_header(ByteView bytes, const ExpectedHeader& expected) noexcept {
  const v4::HeaderReading reading = v4::read_header(bytes);
  if (reading.state == v4::HeaderState::kRuleBroken) return Finding::kRuleBroken;
  if (!expected.log_id) return check_first(reading, expected);

  if (reading.state == v4::HeaderState::kUnsound) {
    if (expected.final) return derive(expected);
    return Finding::kDamageBeforeFinal;
  }
  if (reading.header.log_id != *expected.log_id) return Finding::kForeignLog;
  // A recycled file whose zeroing was lost shows the header of its former life.
  if (reading.header.segment_id < expected.name && expected.final) return derive(expected);
  if (reading.header.segment_id != expected.name) return Finding::kSegmentIdMismatch;
  if (reading.header.start != expected.due) return Finding::kStartMismatch;
  return CheckedHeader{.header = reading.header};
}

}  // namespace durability::walog
