#pragma once

// Walks the segments before the final one on several threads, ahead of the scan that judges the log.
//
// Each is walked from the entry that its own header says it begins with. Only the scan, which goes in order,
// knows which entry is due there, so a walk decides nothing. It saves the scan its own where that would begin
// in the same state, under the same header, in a file of the same size, and the segment was whole. Everything
// else the scan reads for itself: whatever is wrong is met, judged and reported as it is without threads.

#include <optional>
#include <span>
#include <vector>

#include "durability/base/sync.hpp"
#include "durability/storage/directory.hpp"
#include "durability/walog/read/header_check.hpp"
#include "durability/walog/read/walk_v4.hpp"

namespace durability::walog {

/// A segment that was walked from its header to its seal and the zeros after that; of version 2 or 3, to its
/// end.
struct WholeSegment {
  CheckedHeader header;
  std::uint64_t file_bytes = 0;
  WalkState begin;
  WalkState end;
  std::uint64_t payload_bytes = 0;
};

/// Used by one thread. Memory: a FileWindow for each thread, and some 200 bytes for each segment.
class ParallelWalk {
 public:
  /// Begins to walk `segments`, which stand in numeric order. A thread that cannot be started is done
  /// without.
  ParallelWalk(Directory& directory, std::span<const SegmentId> segments, std::size_t threads,
               std::size_t buffer_bytes);
  /// Returns when the threads have ended; they do not finish the segments they are in.
  ~ParallelWalk();
  ParallelWalk(const ParallelWalk&) = delete;
  ParallelWalk& operator=(const ParallelWalk&) = delete;

  /// The segment, if a thread has found it whole; waits for a walk that has begun. What no thread has begun
  /// up to here is left to the caller from now on.
  [[nodiscard]] std::optional<WholeSegment> wait_for(SegmentId id);

 private:
  struct Place {
    SegmentId id;
    bool being_walked = false;
    std::optional<WholeSegment> whole{};
  };

  void run();
  std::optional<WholeSegment> walk(SegmentId id) const noexcept;

  Directory& directory_;
  const std::size_t buffer_bytes_;
  Atomic<bool> ending_{false};
  Mutex mutex_;
  Condition walked_;
  std::vector<Place> places_;  // stands before the threads start; what is in one, but its id: mutex_
  std::size_t begun_ DURABILITY_GUARDED_BY(mutex_) = 0;  // of places_, or left to the caller
  std::vector<Thread> threads_;
};

}  // namespace durability::walog
