#pragma once

// The writer's core: entries are bytes. WalWriter<E> (writer.hpp) puts types on top, SyncWalWriter<E>
// (sync_writer.hpp) threads.
//
// What is certain when a call returns:
//   append                 nothing yet: the entry may be in memory only
//   flush                  every entry so far survives the death of the process
//   flush_and_sync         every entry so far survives a power cut, its file's name included
//   rotation               as flush for the sealed segment; its sync runs in the background, and nothing of
//                          the next segment is written before it has returned
//
// Poison: after a failed write, sync or rotation nothing is known about what the disk holds, so every later
// call but close is `poisoned`; a failed sync is never tried again. Open the
// log anew: it then holds everything that was acknowledged. A writer whose segment or lock was deleted, moved
// or replaced meanwhile is poisoned too: each sync looks. What was taken away is gone. A lack of space,
// descriptors or memory that has changed nothing poisons nothing.
//
// In a child of fork every call is `invalid_state`: buffer, positions and lock are the parent's.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "durability/base/invariant.hpp"
#include "durability/storage/directory.hpp"
#include "durability/walog/options.hpp"
#include "durability/walog/outcome.hpp"
#include "durability/walog/write/background.hpp"
#include "durability/walog/write/open_log.hpp"
#include "durability/walog/write/segment_writer.hpp"

namespace durability::walog {

/// A sync that has been prepared: everything up to `target` is handed to the operating system, and a
/// successful `file->sync_data()` makes it durable. No file: it is durable already.
struct PendingSync {
  SegmentId segment;
  std::shared_ptr<File> file;
  EntryId target;
};

/// A truncation under way, and its next step.
struct PendingTruncation {
  enum class Step : std::uint8_t { kSyncSegment, kDelete, kSyncDirectory, kOver };

  [[nodiscard]] bool is_over() const noexcept { return step == Step::kOver; }

  DurableId upto;
  Step step = Step::kOver;
  SegmentId newest{};                     ///< that may become the log's first: synced before any is deleted
  std::shared_ptr<File> file{};           ///< of that segment
  std::string path{};                     ///< of the segment that is deleted now
  std::optional<std::string> recycled{};  ///< the name it gets, where its file is to be used again
  WalTruncation done{};
};

/// Not thread-safe: one thread at a time. What is said to be thread-safe may run beside it.
class ByteWriter {
 public:
  /// Takes the lock and opens, creates or resumes the log (open_log.hpp).
  static Result<std::unique_ptr<ByteWriter>> open(std::shared_ptr<Directory> directory, WalOptions options,
                                                  OpenIntent intent);
  /// Waits for background work and releases the lock. Unflushed entries are lost, and reported to the
  /// observer. In a child of fork it does nothing of that.
  ~ByteWriter();
  ByteWriter(const ByteWriter&) = delete;
  ByteWriter& operator=(const ByteWriter&) = delete;

  Result<EntryId> append(ByteView payload);
  /// The entries one after the other; the flush policy is looked at once. Returns the last id. All sizes
  /// are checked before anything is written. An empty batch is `invalid_config`.
  Result<EntryId> append_batch(std::span<const ByteView> payloads);
  /// After a crash either all of them are there or none.
  Result<EntryId> append_batch_atomic(std::span<const ByteView> payloads);

  Status flush();
  Result<DurableId> flush_and_sync();

  /// flush_and_sync in three steps, so that the sync can run without holding up the writer.
  Result<PendingSync> begin_sync();
  /// Thread-safe. Yields how long it took.
  [[nodiscard]] Result<std::chrono::nanoseconds> run_sync(const PendingSync& pending) const;
  Result<DurableId> finish_sync(const PendingSync& pending, Result<std::chrono::nanoseconds> synced);

  Result<WalTruncation> truncate_prefix(DurableId upto);

  /// truncate_prefix in steps, so that the disk is waited for without holding up the writer: run and finish,
  /// in turn, until it is over. Other calls may come in between, all but close and a second truncation.
  Result<PendingTruncation> begin_truncate(DurableId upto);
  /// Thread-safe.
  Status run_truncate(const PendingTruncation& pending) const;
  Status finish_truncate(PendingTruncation& pending, Status ran);

  /// publication.hpp.
  Status begin_publication();
  void end_publication() noexcept { publishing_ = false; }
  Status may_publish(DurableId upto);
  void published(DurableId upto) noexcept;
  Result<WalTruncation> truncate_published(DurableId upto) { return truncate_prefix(upto); }

  Status close();

  [[nodiscard]] const WalOptions& options() const noexcept { return options_; }
  /// Set by the first failure; what it holds is reported to every waiter.
  [[nodiscard]] const FailureLatch& latch() const noexcept { return *latch_; }
  [[nodiscard]] WalTuning tuning() const noexcept;
  Status configure(const WalTuning& tuning);

  [[nodiscard]] EntryId last_entry_id() const noexcept { return EntryId(next_.value() - 1); }
  [[nodiscard]] EntryId next_entry_id() const noexcept { return next_; }
  [[nodiscard]] std::optional<DurableId> durable_id() const noexcept;
  /// Proof that `id` is durable, where it is; else `invalid_state`.
  [[nodiscard]] Result<DurableId> durable_up_to(EntryId id) const;
  /// Why it takes nothing more, where that is so: the error of what failed in the background, once; then
  /// `closed`, `poisoned`, `invalid_state` in a child of fork.
  [[nodiscard]] Status usable() {
    const bool in_use = !closed_ && !latch_->failed() && !opener_.left();
    DURABILITY_INVARIANT(!in_use || is_consistent());
    return in_use ? Status{} : why_unusable();
  }
  /// What its DurableIds name.
  [[nodiscard]] std::uint64_t identity() const noexcept { return identity_; }
  /// `invalid_config` for the proof of another log, `invalid_state` for what is not durable.
  [[nodiscard]] Status check_proof(DurableId proof) const;
  [[nodiscard]] SegmentId segment_id() const noexcept { return segment_.header().segment_id; }
  [[nodiscard]] std::uint64_t segment_bytes() const noexcept { return segment_.offset(); }
  [[nodiscard]] std::vector<SegmentRange> segment_ranges() const;
  [[nodiscard]] const WalRecoveryReport& recovery_report() const noexcept { return report_; }

 private:
  ByteWriter(std::shared_ptr<Directory> directory, WalOptions options, OpenedLog opened);

  // bad_alloc passes through; what was half done when it did must not be gone on from.
  template <class Work>
  auto poisoned_by_exceptions(Work work) {
    return latch_->watch_exceptions(std::move(work));
  }

  /// Between two calls of a writer that is in use.
  [[nodiscard]] bool is_consistent() const noexcept;
  // usable() is asked first by every call; the latch is the one place where a writer ends.
  [[nodiscard]] Status why_unusable();
  Error poison(Error cause);
  Status poison_on_error(Status status);
  Status check_lock();

  Status rotate_if_needed(std::uint64_t span);
  Status set_space_aside();
  void prepare_next();
  Status rotate();
  Status rotate_into_spare(SegmentId next_id);
  Status rotate_into_new_file(SegmentId next_id);
  Status finish_segment();
  Status seal_segment();
  void remember_segment();
  Error refused_or_poisoned(BuildFailure failure);
  [[nodiscard]] bool too_old() const;
  Status add_entry(ByteView payload, bool more);
  [[nodiscard]] Result<std::uint64_t> check_batch(std::span<const ByteView> payloads, bool atomic) const;
  [[nodiscard]] Status check_ids(std::uint64_t entries) const;
  Result<EntryId> append_all(std::span<const ByteView> payloads, bool atomic);
  Result<EntryId> add_all(std::span<const ByteView> payloads, bool atomic, std::uint64_t total);
  Status after_append(std::uint64_t appended);
  /// Of a batch that had to stop after its first `appended` entries: says so.
  Error cut_batch(Error error, std::uint64_t appended);
  enum class FlushCause : std::uint8_t { kAsked, kFull };
  Status flush_segment(FlushCause cause = FlushCause::kAsked);
  void write_back();
  Result<PendingSync> prepare_sync();
  Status sync_segment();
  Status write_mark();
  Status end_with_mark();
  Status finish_log();
  [[nodiscard]] std::uint32_t lag_of(EntryId id) const noexcept;
  [[nodiscard]] bool stable() const noexcept { return stable_; }
  [[nodiscard]] DurableId durable(EntryId id) const noexcept {
    return internal::DurableIdIssuer::issue(id, identity_);
  }
  [[nodiscard]] Background::Filling spare_filling() const noexcept {
    return synced_ ? Background::Filling::kZeros : Background::Filling::kReserved;
  }
  [[nodiscard]] WalFormat wanted_format() const noexcept {
    return options_.format.value_or(segment_.format());
  }
  [[nodiscard]] SegmentHeader next_header(SegmentId id) const;
  [[nodiscard]] std::chrono::steady_clock::time_point now_if(bool needed) const;
  Status choose_first_segment(PendingTruncation& pending);
  Status choose_oldest(PendingTruncation& pending);
  Status finish_step(PendingTruncation& pending, Status ran);
  /// The name its file gets, where it is to be recycled.
  [[nodiscard]] std::optional<std::string> name_to_recycle(const OldSegment& old) const;

  std::shared_ptr<Directory> directory_;
  WalOptions options_;
  bool stable_;
  std::uint64_t identity_;
  std::shared_ptr<const DirectoryLock> lock_;
  std::shared_ptr<FailureLatch> latch_ = std::make_shared<FailureLatch>();
  WalRecoveryReport report_;
  std::shared_ptr<DurableWatermark> durable_;
  SegmentWriter segment_;
  std::uint64_t written_back_ = 0;  // offset in the segment up to which write-back was begun
  std::vector<OldSegment> old_;
  EntryId next_;
  EntryId flushed_;                 // last id handed to the operating system
  EntryId published_ = EntryId(0);  // the newest whose state a checkpoint of this writer's holds
  bool publishing_ = false;
  bool clean_mark_;  // the log ends in a mark that vouches for everything
  std::chrono::steady_clock::time_point segment_begun_;
  FlushSchedule schedule_;
  bool spare_requested_ = false;
  bool synced_ = false;  // since a spare was requested last
  bool has_space_;       // the active segment's is written or set aside, or it grows as it is written
  bool told_ = false;    // a caller knows of the failure
  bool closed_ = false;
  internal::OpeningProcess opener_;
  std::unique_ptr<Background> background_;
};

}  // namespace durability::walog
