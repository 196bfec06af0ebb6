#include "durability/recordlog/verdict.hpp"

namespace durability::recordlog {
namespace {

constexpr Verdict refuse(ErrorCode code) noexcept { return {.action = Action::kRefuse, .code = code}; }

// `reopening` where that goes on.
constexpr Verdict torn(Mode mode, Action reopening) noexcept {
  if (mode == Mode::kReopen) return {.action = reopening};
  return mode == Mode::kStrict ? refuse(ErrorCode::kTruncated) : Verdict{.action = Action::kAccept};
}

// A last record that a crash tore shows one of these too: reopening looks past it.
constexpr Verdict damaged(Mode mode, ErrorCode code) noexcept {
  return mode == Mode::kReopen ? Verdict{.action = Action::kCutTail} : refuse(code);
}

}  // namespace

Verdict judge(Finding finding, Mode mode) noexcept {
  switch (finding) {
    case Finding::kNoFile: return {.action = mode == Mode::kReopen ? Action::kStart : Action::kAccept};
    case Finding::kEnd: return {.action = mode == Mode::kReopen ? Action::kGoOn : Action::kAccept};
    case Finding::kCutHeader: return torn(mode, Action::kStart);
    case Finding::kCutRecord:
    case Finding::kZeros: return torn(mode, Action::kCutTail);
    case Finding::kOverCap: return damaged(mode, ErrorCode::kFormat);
    case Finding::kCrcMismatch: return damaged(mode, ErrorCode::kCrcMismatch);
    case Finding::kBadMagic:
    case Finding::kBadVersion:
    case Finding::kRecordsAfter:
    case Finding::kSearchGivenUp: break;
  }
  return refuse(ErrorCode::kFormat);
}

std::string_view describe(Finding finding) noexcept {
  switch (finding) {
    case Finding::kNoFile:
    case Finding::kEnd: return "nothing is wrong";
    case Finding::kCutHeader: return "the file ends inside the header of 8 bytes";
    case Finding::kCutRecord: return "the file ends inside a record";
    case Finding::kZeros: return "expected a record, found zeros to the end of the file";
    case Finding::kBadMagic: return "not a record log: expected the letters VRLG";
    case Finding::kBadVersion: return "unknown version of the record log format, expected 1 or 2";
    case Finding::kOverCap: return "a record's length is over the limit of 64 MiB";
    case Finding::kCrcMismatch: return "a record's checksum does not match its contents";
    case Finding::kRecordsAfter: return "a record is damaged, and a whole one follows it";
    case Finding::kSearchGivenUp:
      return "a record is damaged, and too many places after it could be whole ones";
  }
  return "";
}

std::string_view advice_for(Finding finding) noexcept {
  switch (finding) {
    case Finding::kNoFile:
    case Finding::kEnd: return "";
    case Finding::kCutHeader:
    case Finding::kCutRecord:
    case Finding::kZeros:
      return "the records before it are sound; nothing was changed; best effort reads them, and opening the "
             "log for appending cuts the rest off";
    case Finding::kBadMagic: return "nothing was changed; check the path";
    case Finding::kBadVersion: return "nothing was changed; read it with a library that knows this version";
    case Finding::kOverCap:
    case Finding::kCrcMismatch:
      return "the records before it are sound; nothing was changed; restore the file from a copy, or open it "
             "for appending: that cuts it here if no whole record follows";
    case Finding::kRecordsAfter:
    case Finding::kSearchGivenUp:
      return "the records before it are sound; nothing was changed; restore the file from a copy, or keep "
             "one and cut the file here";
  }
  return "";
}

}  // namespace durability::recordlog
