#pragma once

// An entry of a segment index, for people and for programs.

#include "durability/segment_index/entry.hpp"
#include "output.hpp"

namespace durability::cli {

/// {"type":"AddSegment","segment_id":…,"doc_count":…}: the name of the entry, then its fields by their names.
/// A document is {"segment_id":…,"doc_id":…}.
[[nodiscard]] Json json_of(const WalEntry& entry);

}  // namespace durability::cli
