#pragma once

// Whether the header a segment file begins with is the one that is due there.

#include <optional>
#include <variant>

#include "durability/walog/format/v3.hpp"
#include "durability/walog/format/v4.hpp"
#include "durability/walog/read/verdict.hpp"
#include "durability/walog/read/walk_v4.hpp"

namespace durability::walog {

/// What is known of a segment before its file is opened.
struct ExpectedHeader {
  SegmentId name;
  std::optional<WalFormat> predecessor{};  ///< version of the segment before it; none for the first one
  std::optional<v4::LogId> log_id{};       ///< its log_id, where it is of version 4
  EntryId due{};                           ///< id of the entry after it
  bool final = false;  ///< only in the final segment can a header have been lost by a crash
};

struct CheckedHeader {
  WalFormat format = WalFormat::kV4;
  v4::SegmentHeader header;  ///< of versions 2 and 3: without log_id and time
  bool lost = false;         ///< derived from what is expected: its bytes are short, damaged, or stale
  bool skips_ahead = false;  ///< version 2 or 3: its start lies past the id that is due

  bool operator==(const CheckedHeader&) const = default;
  /// For versions 2 and 3.
  [[nodiscard]] v3::SegmentHeader as_v3() const noexcept {
    return {.format = format, .start = header.start, .segment_id = header.segment_id};
  }
};

/// The version a segment says it is of, from its first 8 bytes; nothing where there is no magic or no known
/// version.
[[nodiscard]] std::optional<WalFormat> stated_format(ByteView bytes) noexcept;

/// `bytes`: up to the first 64 of the file.
[[nodiscard]] std::variant<CheckedHeader, Finding> check_header(ByteView bytes,
                                                                const ExpectedHeader& expected) noexcept;

/// What a file of zeros, or one that ends inside its header, is after versions 2 and 3, or alone.
[[nodiscard]] Finding cut_header(const ExpectedHeader& expected) noexcept;

[[nodiscard]] constexpr std::uint64_t header_bytes(WalFormat format) noexcept {
  return format == WalFormat::kV4 ? v4::kHeaderBytes : v3::kHeaderBytes;
}

/// After the header, where the entry that it states is due.
[[nodiscard]] inline WalkState first_state(const CheckedHeader& header) noexcept {
  return {.offset = header_bytes(header.format), .due = header.header.start};
}

}  // namespace durability::walog
