#pragma once

// The search past damage: which later frames survive, and what do they vouch for?
//
// Every multiple of 8 is looked at. A candidate must lie in the file and have a possible length, flags,
// lag and id before its checksum is tried; an id is possible from the missing one up to as many above it
// as frames fit between. Hostile contents could still make the work quadratic, so the bytes put through
// checksums are bounded by four times the bytes searched.

#include <optional>
#include <utility>

#include "durability/storage/file_window.hpp"
#include "durability/walog/format/v4.hpp"

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

/// Searches [offset, size) for valid frames, `missing` being the id that is due at `offset`.
Result<TailSearch> search_past(FileWindow& window, std::uint64_t offset, EntryId missing, std::uint32_t seed);

}  // namespace durability::walog
