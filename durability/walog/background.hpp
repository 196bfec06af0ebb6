#pragma once

// What a writer has done behind its caller's back: the sync of a sealed segment, and the preparation of the
// next segment's file, so that rotation costs the caller neither.
//
// Order, which the format relies on: a seal is written only when the spare behind its segment is durable;
// the next spare is begun only when the seal's sync has returned. Tasks run one after the other in the
// order they were submitted, and a spare is submitted behind the seal, so that holds by construction; after
// a failed sync nothing further is done.

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "durability/walog/options.hpp"
#include "durability/walog/segment_file.hpp"

namespace durability::walog {

/// Highest id known to be on stable storage; rises only. Thread-safe.
class DurableMark {
 public:
  explicit DurableMark(EntryId id) noexcept : value_(id.value()) {}
  [[nodiscard]] EntryId get() const noexcept { return EntryId(value_.load(std::memory_order_acquire)); }
  void raise(EntryId id) noexcept {
    std::uint64_t seen = value_.load(std::memory_order_relaxed);
    while (seen < id.value() && !value_.compare_exchange_weak(seen, id.value(), std::memory_order_acq_rel)) {
    }
  }

 private:
  std::atomic<std::uint64_t> value_;
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
  Background(std::shared_ptr<Directory> directory, const WalOptions& options, std::shared_ptr<Worker> worker,
             std::shared_ptr<DurableMark> durable);
  /// Gives up a preparation and waits for what is running.
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// Syncs a segment, one at a time, and never again after a failure: the system reports a failed write-back
  /// to one sync only, so of two that overlap (a group's and a seal's), or of one behind the other, one could
  /// succeed and acknowledge what was lost. Thread-safe.
  Status sync(File& file) const { return state_->sync(file); }
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

  /// A deleted segment's file, for a later spare. It has lost its old name, durably.
  void offer_recycled(std::string temporary);
  [[nodiscard]] std::size_t recycled() const;

  /// True once a sync in the background has failed.
  [[nodiscard]] bool failed() const noexcept { return state_->failed.load(std::memory_order_acquire); }
  [[nodiscard]] Status failure() const;

  /// Gives up a preparation under way, and waits for everything. A spare that is there stays.
  Status finish();

 private:
  struct State {
    std::mutex syncing;  ///< held through a sync; taken before `mutex`
    std::mutex mutex;
    std::optional<SegmentFile> spare;
    std::vector<std::string> recycled;  ///< names of temporaries
    std::optional<Error> failure;       ///< of a sync, or of the device: poisons
    std::atomic<bool> failed{false};
    std::atomic<bool> give_up{false};

    void fail(Error error) {
      const std::lock_guard lock(mutex);
      failure = std::move(error);
      failed.store(true, std::memory_order_release);
    }
    Status sync(File& file);
  };

  static Built<SegmentFile> make_spare(Directory& directory, State& state, SegmentId id, std::uint64_t bytes,
                                       Filling filling);
  static std::optional<std::string> take_recycled(State& state);
  void wait_for_spare();

  std::shared_ptr<Directory> directory_;
  std::shared_ptr<WalObserver> observer_;
  std::shared_ptr<const Clock> clock_;
  std::uint64_t spare_bytes_;
  std::shared_ptr<Worker> worker_;
  std::shared_ptr<DurableMark> durable_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
  std::optional<Worker::Ticket> write_back_ticket_;
  std::optional<Worker::Ticket> seal_ticket_;
  std::optional<Worker::Ticket> spare_ticket_;
};

}  // namespace durability::walog
