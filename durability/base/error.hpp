#pragma once

// What went wrong, where, and what is safe to do next.
//
// The library never throws an exception of its own and never drops an error: every fallible call
// returns a Result (result.hpp), and a failed one holds an Error. Codes are chosen by what a caller
// should do about them; everything a person needs to find the place is in the other fields.

#include <fmt/core.h>

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

namespace durability {

enum class ErrorCode : std::uint8_t {
  kIo,             ///< the operating system refused; os_error() says how
  kTruncated,      ///< a file ends inside a header, a frame or a record
  kTornTail,       ///< WAL version 4, strict reading: the log ends in an unacknowledged tail
  kFormat,         ///< bytes that no writer of this format writes
  kCrcMismatch,    ///< a checksum does not match; expected() and actual() hold both
  kCorrupt,        ///< WAL version 4: something acknowledged, or sealed, is damaged
  kEncode,         ///< a value cannot be encoded
  kDecode,         ///< bytes that are not an encoding of the type that was asked for
  kInvalidState,   ///< the call does not fit: of this object, at this time, in this process
  kInvalidConfig,  ///< an argument or an option that makes no sense
  kNotSupported,   ///< this directory, format or build cannot do that
  kLockFailed,     ///< somebody else holds the lock
  kNotFound,       ///< there is no such file
  kBusy,           ///< too much is waiting already; nothing was done, try again when some of it is through
  kCancelled,      ///< whoever waited gave up; what was asked for may still happen
  kPoisoned,       ///< an earlier failure stopped this writer: open again; the advice says what is safe
  kClosed,         ///< the object was closed, or let go, before this was begun or covered by a sync
  kTruncatedAway,  ///< that range is no longer in the log; the message names it
};

/// The code's name as it stands in messages, in the CLI's JSON and in the documentation: `io`,
/// `torn_tail`, …
[[nodiscard]] std::string_view code_name(ErrorCode code) noexcept;

/// A failure: a code, a sentence, and the place. A value type: copyable, so that every waiter of a
/// failed group commit gets its own. Thread safety: as std::string.
class Error {
 public:
  /// `message` says what is wrong, in one clause, without the file's name or offset.
  Error(ErrorCode code, std::string message);

  /// An `io` error from an errno value: "<what>: <text of the errno>".
  [[nodiscard]] static Error from_errno(int os_error, std::string_view what);

  // Each of these adds one field and hands the error on, so that a failure reads as one expression.
  Error& in_file(std::string_view path);
  Error& at_offset(std::uint64_t offset);
  Error& with_values(std::uint64_t expected, std::uint64_t actual);
  /// What is safe, and what to do next; one clause.
  Error& advise(std::string advice);

  [[nodiscard]] ErrorCode code() const noexcept { return code_; }
  [[nodiscard]] const std::string& message() const noexcept { return message_; }
  [[nodiscard]] const std::string& advice() const noexcept { return advice_; }
  /// errno of an `io` error, 0 where there is none.
  [[nodiscard]] int os_error() const noexcept { return os_error_; }
  /// Path as the library was given it, relative to its directory; empty where no file is concerned.
  /// Not escaped: to_string() is.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// Byte offset in that file.
  [[nodiscard]] std::optional<std::uint64_t> offset() const noexcept { return offset_; }
  [[nodiscard]] std::optional<std::uint64_t> expected() const noexcept { return expected_; }
  [[nodiscard]] std::optional<std::uint64_t> actual() const noexcept { return actual_; }

  /// `<path>: offset <n>: <message>; <advice>`, without the parts that are not there. Bytes of the
  /// path that are not printable ASCII are escaped, so that a hostile name cannot forge a log line.
  [[nodiscard]] std::string to_string() const;

 private:
  std::string message_;
  std::string advice_;
  std::string path_;
  std::optional<std::uint64_t> offset_;
  std::optional<std::uint64_t> expected_;
  std::optional<std::uint64_t> actual_;
  int os_error_ = 0;
  ErrorCode code_;
};

/// What a person can do about what the system refused, by its errno value; to be followed by what to do then:
/// "free some space".
[[nodiscard]] std::string_view remedy_for(int os_error) noexcept;

/// Escapes what is not printable ASCII (and the backslash) as \xNN.
[[nodiscard]] std::string escape_for_display(std::string_view text);

std::ostream& operator<<(std::ostream& out, const Error& error);
std::ostream& operator<<(std::ostream& out, ErrorCode code);

}  // namespace durability

template <>
struct fmt::formatter<durability::Error> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  template <class Context>
  auto format(const durability::Error& error, Context& context) const {
    return fmt::format_to(context.out(), "{}", error.to_string());
  }
};
