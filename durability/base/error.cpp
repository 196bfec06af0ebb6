#include "durability/base/error.hpp"

#include <cerrno>
#include <ostream>
#include <system_error>
#include <utility>

namespace durability {

std::string_view code_name(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kIo: return "io";
    case ErrorCode::kTruncated: return "truncated";
    case ErrorCode::kTornTail: return "torn_tail";
    case ErrorCode::kFormat: return "format";
    case ErrorCode::kCrcMismatch: return "crc_mismatch";
    case ErrorCode::kCorrupt: return "corrupt";
    case ErrorCode::kEncode: return "encode";
    case ErrorCode::kDecode: return "decode";
    case ErrorCode::kInvalidState: return "invalid_state";
    case ErrorCode::kInvalidConfig: return "invalid_config";
    case ErrorCode::kNotSupported: return "not_supported";
    case ErrorCode::kLockFailed: return "lock_failed";
    case ErrorCode::kNotFound: return "not_found";
    case ErrorCode::kBusy: return "busy";
    case ErrorCode::kCancelled: return "cancelled";
    case ErrorCode::kPoisoned: return "poisoned";
    case ErrorCode::kClosed: return "closed";
    case ErrorCode::kTruncatedAway: return "truncated_away";
  }
  return "unknown";
}

Error::Error(ErrorCode code, std::string message) : message_(std::move(message)), code_(code) {}

Error Error::from_errno(int os_error, std::string_view what) {
  Error error(ErrorCode::kIo, fmt::format("{}: {}", what, std::generic_category().message(os_error)));
  error.os_error_ = os_error;
  return error;
}

Error& Error::in_file(std::string_view path) {
  path_ = path;
  return *this;
}

Error& Error::at_offset(std::uint64_t offset) {
  offset_ = offset;
  return *this;
}

Error& Error::with_values(std::uint64_t expected, std::uint64_t actual) {
  expected_ = expected;
  actual_ = actual;
  return *this;
}

Error& Error::advise(std::string advice) {
  advice_ = std::move(advice);
  return *this;
}

std::string Error::to_string() const {
  std::string text;
  if (!path_.empty()) text += escape_for_display(path_) + ": ";
  if (offset_) text += fmt::format("offset {}: ", *offset_);
  text += message_;
  if (expected_ && actual_) text += fmt::format(" (expected {}, found {})", *expected_, *actual_);
  if (!advice_.empty()) text += "; " + advice_;
  return text;
}

std::string_view remedy_for(int os_error) noexcept {
  switch (os_error) {
    case ENOSPC:
    case EDQUOT: return "free some space";
    case EFBIG: return "raise the limit on the size of files (ulimit -f)";
    case EMFILE: return "close some files or raise the limit on open ones (ulimit -n)";
    case ENFILE: return "close some files, the whole system has too many open";
    case ENOMEM: return "free some memory";
    default: return "look at what the system refused";
  }
}

std::string escape_for_display(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte < 0x20 || byte > 0x7e || character == '\\') {
      escaped += fmt::format("\\x{:02x}", byte);
    } else {
      escaped += character;
    }
  }
  return escaped;
}

std::ostream& operator<<(std::ostream& out, const Error& error) {
  return out << code_name(error.code()) << ": " << error.to_string();
}

std::ostream& operator<<(std::ostream& out, ErrorCode code) { return out << code_name(code); }

}  // namespace durability
