#pragma once

// Reading a record log ends in a Finding, what stands there; judge() maps finding and mode to what is done
// about it. Here is the one place that says what is done about a record log's damage.

#include <cstdint>
#include <string_view>

#include "durability/base/error.hpp"
#include "durability/base/reading.hpp"

namespace durability::recordlog {

enum class Mode : std::uint8_t { kStrict, kBestEffort, kReopen };

[[nodiscard]] constexpr Mode mode_of(ReadMode mode) noexcept {
  return mode == ReadMode::kStrict ? Mode::kStrict : Mode::kBestEffort;
}

enum class Finding : std::uint8_t {
  kNoFile,
  kEnd,         ///< the file ends after a whole record, or after the header
  kCutHeader,   ///< it ends inside the header
  kCutRecord,   ///< it ends inside a record
  kZeros,       ///< version 2: nothing but zeros to the end
  kBadMagic,    ///< not a record log
  kBadVersion,  ///< of a version that is not known
  kOverCap,     ///< a length that no writer writes
  kCrcMismatch,
  kRecordsAfter,   ///< reopening: a whole record follows damage
  kSearchGivenUp,  ///< reopening: too many places after the damage could be one
};
inline constexpr Finding kLastFinding = Finding::kSearchGivenUp;

enum class Action : std::uint8_t {
  kRefuse,   ///< report Verdict::code; nothing is changed
  kAccept,   ///< reading: what was delivered is the log
  kStart,    ///< reopening: write a header, there is nothing yet
  kGoOn,     ///< reopening: append after the last record
  kCutTail,  ///< reopening: cut the file after the last whole record, unless one follows the damage
};

struct Verdict {
  Action action = Action::kRefuse;
  ErrorCode code = ErrorCode::kFormat;  ///< of a refusal

  constexpr bool operator==(const Verdict&) const noexcept = default;
};

/// Total: every finding has a verdict in every mode.
[[nodiscard]] Verdict judge(Finding finding, Mode mode) noexcept;

/// What is wrong, in a clause, and what is safe to do next: for the error of a refusal.
[[nodiscard]] std::string_view describe(Finding finding) noexcept;
[[nodiscard]] std::string_view advice_for(Finding finding) noexcept;

}  // namespace durability::recordlog
