#pragma once

// What the entries of a segment index make. The containers are ordered, so that the same state always has the
// same bytes: those of `CheckpointState` in the Rust crate `durability`, a sequence of (segment_id u64,
// doc_count u32, sequence of deleted documents u32), sorted by segment, the deletes sorted too.

#include <cstdint>
#include <map>
#include <set>

#include "durability/segment_index/entry.hpp"

namespace durability {

struct IndexSegment {
  std::uint32_t doc_count = 0;  ///< deleted ones included; 0: unknown (a merge made it)
  std::set<std::uint32_t> deleted_docs;
  bool operator==(const IndexSegment&) const = default;
};

/// By segment id.
using IndexSegments = std::map<std::uint64_t, IndexSegment>;

/// What a checkpoint of a segment index holds.
struct CheckpointState {
  IndexSegments segments;
  bool operator==(const CheckpointState&) const = default;
};

namespace segment_index {

/// What `entry` does to the segments, in recovery and wherever else they are kept. No entry fails: what it
/// says about segments that are not there is ignored.
void apply(IndexSegments& segments, const WalEntry& entry);

}  // namespace segment_index
}  // namespace durability
