#pragma once

// Frames that are searched for where no walk leads to them: those past damage (which of them survive, and
// what do they vouch for?), and the seal at a segment's end.
//
// Past damage every multiple of 8 is looked at. A candidate must lie in the file and have a possible length,
// flags, lag and id before its checksum is tried; an id is possible from the missing one up to as many above
// it as frames fit between. Hostile contents could still make the work quadratic, so the bytes put through
// checksums are bounded by four times the bytes searched.

#include <optional>
#include <utility>

#include "durability/walog/read/frame_reader.hpp"

namespace durability::walog {

struct TailSearch {
  std::optional<EntryId> vouched{};  ///< the highest id that a surviving frame says is durable
  std::optional<std::pair<std::uint64_t, EntryId>> first{};  ///< offset and id of the first entry that does
  std::optional<EntryId> highest{};                          ///< the highest id of a frame that survives
  bool budget_spent = false;                                 ///< the search was given up
  std::uint64_t checksummed = 0;                             ///< bytes put through checksums
};

inline constexpr std::uint64_t kSearchBudgetFactor = 4;
/// Enough to look at many candidates between two calls, few enough to stay in the window's buffer.
inline constexpr std::size_t kSearchStepBytes = 64U << 10U;

/// Searches from `offset` to the file's end for whole frames, `missing` being the id that is due at `offset`.
Result<TailSearch> search_past(const FrameReader& frames, std::uint64_t offset, EntryId missing);

struct FoundSeal {
  EntryId last;  ///< id of the segment's last entry
  v4::SealTally tally;
};

/// Looks for a whole seal around the last byte that is not zero; nothing where there is none. The segment is
/// not read: this is what makes opening a log independent of its length.
Result<std::optional<FoundSeal>> find_seal(const FrameReader& frames);

}  // namespace durability::walog
