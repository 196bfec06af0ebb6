#pragma once

// Walks the frames of one version-4 segment and delivers its entries, an atomic batch only when its last
// frame is whole. Where the walk stops it says why; what that means is decided elsewhere (verdict.hpp).

#include "durability/walog/entry_view.hpp"
#include "durability/walog/read/frame_reader.hpp"

namespace durability::walog {

/// How far a segment has been read: after whole frames and whole batches only. A second reading of the
/// same place goes on from here.
struct WalkState {
  std::uint64_t offset = v4::kHeaderBytes;
  EntryId due{};  ///< id of the next entry
  v4::SealTally tally{};
  bool clean_mark = false;       ///< the last frame is a mark that vouches for everything
  bool sealed = false;           ///< the last frame is the seal: nothing is read after it
  std::uint64_t last_frame = 0;  ///< offset of the last frame; of version 4
  std::uint32_t last_crc = 0;    ///< likewise
  EntryId vouched{};             ///< the highest id that a frame says is durable; likewise

  bool operator==(const WalkState&) const = default;
};

enum class WalkStop : std::uint8_t {
  kSealed,        ///< a seal stands there and fits; the state is after it
  kSealMismatch,  ///< a seal stands there whole and does not fit what precedes it
  kBadPlace,      ///< neither the entry that is due, nor (outside a batch) a mark or a seal, stands whole
  kRuleBroken,    ///< a frame stands there whole that no writer writes
  kSinkStopped,
};

struct WalkEnd {
  WalkStop stop = WalkStop::kBadPlace;
  std::uint64_t offset = 0;  ///< of the frame the walk stopped at
  EntryId missing;  ///< the id that was due there, inside a batch too; after the last one that was delivered
                    ///< where the sink stopped
  bool open_batch = false;
};

/// Walks from `state` on, which it keeps up to date.
Result<WalkEnd> walk_segment(const FrameReader& frames, WalkState& state, const EntrySink& sink);

}  // namespace durability::walog
