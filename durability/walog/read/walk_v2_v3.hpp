#pragma once

// Walks the frames of one segment of version 2 or 3, and searches past damage in one.

#include "durability/storage/file_window.hpp"
#include "durability/walog/entry_view.hpp"
#include "durability/walog/format/v3.hpp"
#include "durability/walog/read/verdict.hpp"
#include "durability/walog/read/walk_v4.hpp"

namespace durability::walog {

struct WalkEndV3 {
  Finding finding = Finding::kEnd;  ///< kEnd: the file's end, or padding to it
  std::uint64_t offset = 0;
  EntryId missing;
  bool sink_stopped = false;
  std::optional<std::pair<std::uint32_t, std::uint32_t>> crcs{};  ///< stored, actual: of a mismatch
};

/// Walks from `state` on, which it keeps up to date. `final`: only at the end of the log may a frame be cut.
Result<WalkEndV3> walk_segment_v3(FileWindow& window, const v3::SegmentHeader& header, bool final,
                                  WalkState& state, const EntrySink& sink);

struct FramesAfter {
  std::optional<std::pair<std::uint64_t, EntryId>> first{};  ///< the first whole frame's offset and id
  bool budget_spent = false;
};

/// The first whole frame with an id from `missing` on that lies anywhere in [offset, size): every byte is
/// looked at, work bounded as in frame_search.hpp. Empty frames of version 2 do not count: zeros checksum to
/// zero.
Result<FramesAfter> frames_after_v3(FileWindow& window, std::uint64_t offset, EntryId missing,
                                    WalFormat format);

}  // namespace durability::walog
