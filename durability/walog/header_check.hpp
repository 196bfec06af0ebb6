#pragma once

// Whether the header a segment file begins with is the one that is due there.

#include <optional>
#include <variant>

#include "durability/walog/format_v4.hpp"
#include "durability/walog/verdict.hpp"

namespace durability::walog {

/// What is known of a segment before its file is opened.
struct ExpectedHeader {
  SegmentId name;
  std::optional<v4::LogId> log_id;  ///< of the segment in front of it; none for the first one
  EntryId due;                      ///< id of the entry after the segment in front of it
  bool final = false;               ///< only in the final segment can a header have been lost by a crash
};

struct CheckedHeader {
  v4::SegmentHeader header;
  bool lost = false;  ///< derived from what is expected; the bytes are short, damaged, or of a former life
};

/// `bytes`: up to the first 64 of the file.
[[nodiscard]] std::variant<CheckedHeader, Finding> check_header(ByteView bytes,
                                                                const ExpectedHeader& expected) noexcept;

}  // namespace durability::walog
