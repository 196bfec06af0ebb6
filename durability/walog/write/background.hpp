#pragma once

// What a writer does in the background: the sync of a sealed segment, and the preparation of the next
// segment's file, so that rotation costs the caller neither.
//
// Order, which the format relies on: a seal is written only when the spare after its segment is durable;
// the next spare is begun only when the seal's sync has returned. Tasks run one after the other in the
// order they were submitted, and a spare is submitted after the seal; one that a caller makes itself
// (take_spare) waits for the seal's sync. After a failed sync nothing further is done.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "durability/base/failure_latch.hpp"
#include "durability/base/sync.hpp"
#include "durability/walog/options.hpp"
#include "durability/walog/write/segment_file.hpp"

namespace durability::walog {

/// Highest id known to be on stable storage; rises only. Thread-safe.
class DurableWatermark {
 public:
  explicit DurableWatermark(EntryId id) noexcept : value_(id.value()) {}
  [[nodiscard]] EntryId get() const noexcept { return EntryId(value_.load(std::memory_order_acquire)); }
  void raise(EntryId id) noexcept {
    std::uint64_t seen = value_.load(std::memory_order_relaxed);
    while (seen < id.value() && !value_.compare_exchange_weak(seen, id.value(), std::memory_order_acq_rel)) {
    }
  }

 private:
  Atomic<std::uint64_t> value_;
};

/// What a writer shares with its background.
struct Shared {
  std::shared_ptr<DurableWatermark> durable;
  std::shared_ptr<FailureLatch> latch;
  std::shared_ptr<const DirectoryLock> lock;
};

/// A sealed segment whose sync is still to come.
struct SealedSegment {
  SegmentId id;
  std::shared_ptr<File> file;
  std::uint64_t bytes;  ///< the seal's end, where the file may be cut
  EntryId last;
};

/// Used by one writer, from one thread at a time.
class Background {
 public:
  Background(std::shared_ptr<Directory> directory, const WalOptions& options, Shared shared);
  /// Gives up a preparation and waits for what is running; in a child of fork it does neither.
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// Syncs a segment, one at a time, and never again after a failure: the system reports a failed write-back
  /// to one sync only, so of two that overlap (a group's and a seal's), or of one after the other, one could
  /// succeed and acknowledge what was lost. Fails too where the segment's name no longer leads to the
  /// file (it was deleted, replaced or moved, hard link or not), or the lock was: such a file is in no log.
  /// Thread-safe.
  Status sync(SegmentId id, File& file) const { return state_->sync(id, file, std::nullopt); }
  /// The same for the entries up to `upto`: where they are durable already there is nothing to do, and the
  /// file may be gone by right, for a truncation deletes what is durable.
  Status sync(SegmentId id, File& file, EntryId upto) const { return state_->sync(id, file, upto); }
  /// Has a part of a segment written back, which leaves less to the sync of its seal. The file must stay open
  /// until finish() has returned.
  void write_back(std::shared_ptr<File> file, std::uint64_t begin, std::uint64_t end);
  void sync_seal(SealedSegment sealed);
  /// Returns when no seal's sync is in flight, with its error if it failed.
  Status wait_for_seal();

  /// A spare that exists already.
  void adopt_spare(SegmentFile spare);
  void forget_spare();
  /// What a spare is filled with. A log that is synced while it fills gets zeros, which make those syncs
  /// quicker. Where only seals are synced they would double what goes to the disk: the space is set aside.
  enum class Filling : std::uint8_t { kZeros, kReserved };
  /// Begins to prepare segment `id`, unless it is there or under way.
  void prepare_spare(SegmentId id, Filling filling);
  /// The spare, prepared now if need be. An error that does not poison may be tried again.
  [[nodiscard]] Built<SegmentFile> take_spare(SegmentId id, Filling filling);

  /// Room for so many recycled files, so that offering one cannot fail.
  void expect_recycled(std::size_t most);
  /// A deleted segment's file, for a later spare. It has lost its old name, durably.
  void offer_recycled(std::string temporary) noexcept;
  [[nodiscard]] std::size_t recycled() const;

  /// Gives up a preparation under way, and waits for everything. A spare that is there stays.
  Status finish();

 private:
  struct State {
    Mutex syncing;  ///< held through a sync; taken before `mutex`
    Mutex mutex;
    std::optional<SegmentFile> spare DURABILITY_GUARDED_BY(mutex);
    std::vector<std::string> recycled DURABILITY_GUARDED_BY(mutex);  ///< names of temporaries
    Atomic<bool> give_up{false};
    std::shared_ptr<FailureLatch> latch;
    std::shared_ptr<const DirectoryLock> lock;
    std::shared_ptr<DurableWatermark> durable;

    Status sync(SegmentId id, File& file, std::optional<EntryId> upto);
    [[nodiscard]] bool is_durable(std::optional<EntryId> upto) const noexcept {
      return upto && *upto <= durable->get();
    }
    [[nodiscard]] Status check_names(SegmentId id, File& file) const;
    void trim(File& file, std::uint64_t bytes);
  };

  [[nodiscard]] Status failure() const;
  static Built<SegmentFile> make_spare(Directory& directory, State& state, SegmentId id, std::uint64_t bytes,
                                       Filling filling);
  static Built<SegmentFile> build_spare(Directory& directory, State& state, const SegmentPlan& plan);
  static std::optional<std::string> take_recycled(State& state);
  static bool discard_recycled(Directory& directory, State& state);
  void wait_for_spare();

  std::shared_ptr<Directory> directory_;
  std::shared_ptr<WalObserver> observer_;
  std::shared_ptr<const Clock> clock_;
  std::uint64_t spare_bytes_;
  std::shared_ptr<Worker> worker_;
  std::shared_ptr<DurableWatermark> durable_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
  internal::OpeningProcess opener_;
  std::optional<Worker::Ticket> write_back_ticket_;
  std::optional<Worker::Ticket> seal_ticket_;
  std::optional<Worker::Ticket> spare_ticket_;
};

}  // namespace durability::walog
