#include "durability/walog/read/verdict.hpp"

namespace durability::walog {
namespace {

constexpr Verdict refuse(ErrorCode code) noexcept { return {.action = Action::kRefuse, .code = code}; }

// Where strict and best effort agree to go on, only resume has anything to choose.
constexpr Verdict accept(Mode mode, Action on_resume) noexcept {
  return {.action = mode == Mode::kResume ? on_resume : Action::kAccept};
}

constexpr Verdict tolerate(Mode mode, ErrorCode strict_code, Action on_resume) noexcept {
  return mode == Mode::kStrict ? refuse(strict_code) : accept(mode, on_resume);
}

}  // namespace

Verdict judge(Finding finding, Mode mode, WalFormat format) noexcept {
  switch (finding) {
    case Finding::kNoSegments: return accept(mode, Action::kStartLog);
    case Finding::kEnd: return accept(mode, Action::kContinueHere);
    case Finding::kSealedEnd: return accept(mode, Action::kContinueInNext);
    case Finding::kTorn: return tolerate(mode, ErrorCode::kTornTail, Action::kSealAtCut);
    case Finding::kFirstSegmentEmpty: return tolerate(mode, ErrorCode::kTruncated, Action::kStartOver);
    case Finding::kSegmentGap:
    case Finding::kStartMismatch:
    case Finding::kSegmentIdMismatch:
      return refuse(format == WalFormat::kV4 ? ErrorCode::kCorrupt : ErrorCode::kFormat);
    case Finding::kCutFrame: return tolerate(mode, ErrorCode::kTruncated, Action::kCutTail);
    case Finding::kZerosThenData: return tolerate(mode, ErrorCode::kFormat, Action::kCutTail);
    case Finding::kCutHeader: return tolerate(mode, ErrorCode::kTruncated, Action::kReplaceHeader);
    case Finding::kSkippingHeader: return tolerate(mode, ErrorCode::kFormat, Action::kReplaceHeader);
    case Finding::kLoneCutHeader:
      if (mode == Mode::kResume) return refuse(ErrorCode::kInvalidState);
      return tolerate(mode, ErrorCode::kTruncated, Action::kRefuse);
    case Finding::kCutBeforeFinal: return refuse(ErrorCode::kTruncated);
    case Finding::kUnreadable: return refuse(ErrorCode::kIo);
    case Finding::kCrcMismatch: return refuse(ErrorCode::kCrcMismatch);
    case Finding::kAcknowledgedDamage:
    case Finding::kDamageBeforeFinal:
    case Finding::kSealedWithoutSuccessor:
    case Finding::kUnsealedBeforeTwoSpares:
    case Finding::kForeignLog:
    case Finding::kHeaderDamaged:
    case Finding::kSealMismatch:
    case Finding::kOnlySpares: return refuse(ErrorCode::kCorrupt);
    case Finding::kRuleBroken:
    case Finding::kTooManySpares:
    case Finding::kBadBytes:
    case Finding::kFramesAfterDamage:
    case Finding::kSearchBudgetSpent: return refuse(ErrorCode::kFormat);
  }
  return refuse(ErrorCode::kCorrupt);
}

std::string_view describe(Finding finding) noexcept {
  switch (finding) {
    case Finding::kNoSegments: return "no segments";
    case Finding::kEnd: return "the end of the log";
    case Finding::kSealedEnd: return "the end of the log, after a seal";
    case Finding::kTorn:
      return "a torn tail: bytes after the last whole entry that no acknowledgement covers";
    case Finding::kAcknowledgedDamage:
      return "an entry is damaged that was acknowledged as durable: a later frame vouches for it";
    case Finding::kDamageBeforeFinal:
      return "a segment that is not the last one is damaged; expected its next entry, mark or seal";
    case Finding::kSealedWithoutSuccessor: return "the log ends in a seal, and the next segment is missing";
    case Finding::kUnsealedBeforeTwoSpares:
      return "expected a seal: the two empty segments that follow show that there was one";
    case Finding::kSegmentGap: return "a segment is missing from the sequence";
    case Finding::kForeignLog: return "the segment belongs to another log";
    case Finding::kStartMismatch: return "the segment's header does not start at the entry that is due";
    case Finding::kSegmentIdMismatch: return "the segment's header carries another number than its name";
    case Finding::kHeaderDamaged:
      return "the segment's header is damaged, and nothing before it says what it was";
    case Finding::kRuleBroken: return "a header or frame whose checksum is right breaks a rule of the format";
    case Finding::kSealMismatch: return "a seal does not fit the frames before it";
    case Finding::kTooManySpares: return "more than two empty segments at the end of the log";
    case Finding::kSearchBudgetSpent:
      return "the bytes after the damage look like frames too often to be searched";
    case Finding::kFirstSegmentEmpty: return "the log's first segment holds nothing, not even its header";
    case Finding::kCutFrame: return "the last segment ends inside a frame";
    case Finding::kZerosThenData:
      return "a frame length of 0 with other bytes after it; expected zeros to the end";
    case Finding::kCutHeader: return "the last segment ends inside its header";
    case Finding::kLoneCutHeader:
      return "the only segment ends inside its header, and its number says that there was a log before it";
    case Finding::kSkippingHeader:
      return "the last segment holds no whole frame, and its start id skips ahead";
    case Finding::kCutBeforeFinal: return "a segment that is not the last one ends inside a header or frame";
    case Finding::kBadBytes:
      return "bytes that no writer leaves there; expected a header or frame of this version";
    case Finding::kCrcMismatch: return "a frame's checksum does not match";
    case Finding::kFramesAfterDamage: return "a valid frame follows the damage: this is not a torn tail";
    case Finding::kOnlySpares: return "the log consists of empty segments only";
    case Finding::kUnreadable: return "a part of the segment cannot be read";
  }
  return "";
}

std::string_view advice_for(Finding finding) noexcept {
  switch (finding) {
    case Finding::kTorn: return "nothing acknowledged is lost; open the log, or read with best effort";
    case Finding::kCutFrame:
    case Finding::kZerosThenData:
    case Finding::kCutHeader:
    case Finding::kSkippingHeader:
      return "nothing was changed; open the log to cut it, or read with best effort";
    case Finding::kFirstSegmentEmpty:
      return "nothing was changed; if it never held an entry, open the log to begin it; else restore a copy "
             "first: "
             "opening begins it anew";
    case Finding::kSegmentGap:
    case Finding::kSealedWithoutSuccessor:
    case Finding::kUnsealedBeforeTwoSpares:
    case Finding::kOnlySpares: return "nothing was changed; look for the missing file, or restore a copy";
    default:
      return "nothing was changed; keep a copy of the directory; then restore one, or see what "
             "`durability wal repair DIR --plan` offers";
  }
}

}  // namespace durability::walog
