#pragma once

// Recovery decides by a table. Reading a log ends in a Finding, what stands there; judge() maps finding and
// mode to a Verdict, what is done about it. classify.hpp says which finding a bad place
// is; here is the one place that says what is done about each.

#include <cstdint>

#include "durability/base/error.hpp"
#include "durability/base/reading.hpp"
#include "durability/walog/format/version.hpp"

namespace durability::walog {

enum class Mode : std::uint8_t { kStrict, kBestEffort, kResume };

[[nodiscard]] constexpr Mode mode_of(ReadMode mode) noexcept {
  return mode == ReadMode::kStrict ? Mode::kStrict : Mode::kBestEffort;
}

enum class Finding : std::uint8_t {
  kNoSegments,
  kEnd,                      ///< the final segment is unsealed, only zeros after its last frame
  kSealedEnd,                ///< the final segment is sealed, a segment of zeros after it
  kTorn,                     ///< no acknowledgement covers what follows the last whole batch
  kAcknowledgedDamage,       ///< a surviving frame vouches for the entry that is missing
  kDamageBeforeFinal,        ///< anything bad in a segment that is not the final one
  kSealedWithoutSuccessor,   ///< a seal is always followed by a segment: one is lost
  kUnsealedBeforeTwoSpares,  ///< the second spare is only made once the seal is synced: a seal is lost
  kSegmentGap,
  kForeignLog,         ///< a sound header with another log_id
  kStartMismatch,      ///< a sound header whose start id is not the id that is due
  kSegmentIdMismatch,  ///< a sound header whose segment id is not the name's
  kHeaderDamaged,      ///< the header of a segment without a predecessor does not check
  kRuleBroken,         ///< a checksum is right, but no writer writes this
  kSealMismatch,       ///< a whole seal that does not fit the frames before it
  kTooManySpares,      ///< more than two segments of zeros at the end
  kSearchBudgetSpent,  ///< the search past the damage was given up
  kFirstSegmentEmpty,  ///< one segment, number 1, nothing but zeros
  kOnlySpares,         ///< segments, all of nothing but zeros
  kUnreadable,         ///< planning a repair: a part of the segment that the device cannot read

  // Versions 2 and 3 only.
  kCutFrame,        ///< the final segment ends inside a frame
  kZerosThenData,   ///< in the final segment a length field of 0, but not only zeros after it
  kCutHeader,       ///< the final segment ends inside its header, or is nothing but zeros
  kLoneCutHeader,   ///< likewise, and nothing before it says which ids it would hold
  kSkippingHeader,  ///< the final segment's start id skips ahead, and it holds no whole frame
  kCutBeforeFinal,  ///< a segment that is not the final one ends inside a header or frame
  kBadBytes,        ///< a length, id, start, magic or version that no writer writes there
  kCrcMismatch,
  kFramesAfterDamage,  ///< resume: a valid frame follows what looks like a torn tail
};
inline constexpr Finding kLastFinding = Finding::kFramesAfterDamage;

enum class Action : std::uint8_t {
  kRefuse,          ///< report Verdict::code; nothing is changed
  kAccept,          ///< reading: what was delivered is the log
  kStartLog,        ///< resume: there is nothing yet
  kContinueHere,    ///< resume: append after the last frame
  kContinueInNext,  ///< resume: the final segment is sealed, go on in the segment of zeros after it
  kSealAtCut,       ///< resume: cut the torn tail off with a seal, go on in the next segment
  kStartOver,       ///< resume: the first segment's file holds nothing, begin with it
  kCutTail,         ///< resume, versions 2 and 3: cut the file after its last whole frame, append there
  kReplaceHeader,   ///< resume, versions 2 and 3: write the final segment's header again
};

struct Verdict {
  Action action = Action::kRefuse;
  ErrorCode code = ErrorCode::kCorrupt;  ///< of a refusal

  constexpr bool operator==(const Verdict&) const noexcept = default;
};

/// Total: every finding has a verdict in every mode. `format` is the version of the segment in which the
/// finding lies.
[[nodiscard]] Verdict judge(Finding finding, Mode mode, WalFormat format = WalFormat::kV4) noexcept;

/// What is wrong, in a clause, and what is safe to do next: for the error of a refusal.
[[nodiscard]] std::string_view describe(Finding finding) noexcept;
[[nodiscard]] std::string_view advice_for(Finding finding) noexcept;

}  // namespace durability::walog
