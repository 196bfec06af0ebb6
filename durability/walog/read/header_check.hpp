#pragma once

// Whether the header a segment file begins with is the one that is due there.

#include <optional>
#include <variant>

#include "durability/walog/format/segment.hpp"
#include "durability/walog/read/verdict.hpp"
#include "durability/walog/read/walk_v4.hpp"

namespace durability::walog {

/// What is known of a segment before its file is opened.
struct ExpectedHeader {
  SegmentId name;
  std::optional<WalFormat> predecessor{};  ///< version of the segment before it; none for the first one
  std::optional<LogId> log_id{};           ///< its log_id, where it is of version 4
  EntryId due{};                           ///< id of the entry after it
  bool final = false;      ///< only in the final segment can a header have been lost by a crash
  bool has_spare = false;  ///< zeros follow: they were made once this header was durable
};

struct CheckedHeader {
  WalFormat format = WalFormat::kV4;
  SegmentHeader header;      ///< of versions 2 and 3: without log_id and time
  bool lost = false;         ///< cut, damaged or left over: derived from the segment before
  bool skips_ahead = false;  ///< version 2 or 3: its start lies past the id that is due

  bool operator==(const CheckedHeader&) const = default;
  /// For versions 2 and 3.
  [[nodiscard]] v3::SegmentHeader as_v3() const noexcept {
    return {.format = format, .start = header.start, .segment_id = header.segment_id};
  }
};

/// `bytes`: up to the first 64 of the file.
[[nodiscard]] std::variant<CheckedHeader, Finding> check_header(ByteView bytes,
                                                                const ExpectedHeader& expected) noexcept;

/// What a file of zeros, or one that ends inside its header, is after versions 2 and 3, or alone. Only
/// version 4 has spares, and makes none before the header of a run's first segment is durable.
[[nodiscard]] Finding cut_header(const ExpectedHeader& expected) noexcept;

/// After the header, where the entry that it states is due.
[[nodiscard]] inline WalkState first_state(const CheckedHeader& header) noexcept {
  return {.offset = header_bytes(header.format), .due = header.header.start};
}

}  // namespace durability::walog
