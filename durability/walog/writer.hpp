#pragma once

// Writing a log of typed entries.

#include <concepts>
#include <iterator>
#include <utility>

#include "durability/codec/entry_encoder.hpp"
#include "durability/codec/postcard.hpp"
#include "durability/walog/publication.hpp"
#include "durability/walog/write/byte_writer.hpp"

namespace durability {

/// The log of one directory, open for appending. Holds the lock of `wal/` from open to close (or its
/// destructor, or the death of the process). Not thread-safe: see SyncWalWriter. Move-only: one that was
/// moved from may only be destroyed or assigned to.
///
/// Errors of every call: `closed` once the writer is closed; `poisoned` by an earlier failed write, rotation
/// or sync, or a file that was deleted, moved or replaced (open the log again); `invalid_state` in a child of
/// fork; `io` from the directory. What was acknowledged stays safe whatever call fails.
template <class E, class Codec = Postcard>
class WalWriter {
 public:
  /// Resumes the log in `wal/`, or creates it. A torn tail, which no acknowledgement covers, is cut off;
  /// recovery_report() says so. `lock_failed`: another writer lives. `corrupt`, `format`: damage; nothing
  /// was changed. `invalid_config`: an option makes no sense.
  static Result<WalWriter> open(std::shared_ptr<Directory> directory, WalOptions options = {}) {
    return make(std::move(directory), std::move(options), walog::OpenIntent::kOpenOrCreate);
  }
  /// As open(), but `invalid_state` where a log exists.
  static Result<WalWriter> create(std::shared_ptr<Directory> directory, WalOptions options = {}) {
    return make(std::move(directory), std::move(options), walog::OpenIntent::kCreate);
  }
  /// As open(), but `not_found` where none exists.
  static Result<WalWriter> resume(std::shared_ptr<Directory> directory, WalOptions options = {}) {
    return make(std::move(directory), std::move(options), walog::OpenIntent::kResume);
  }

  /// Appends one entry and returns its id. It is durable only after flush_and_sync. At most 16 MiB
  /// encoded, else `encode` and nothing is written.
  Result<EntryId> append(const E& entry) {
    DURABILITY_TRY_ASSIGN(const ByteView payload, encoder_.encode(entry));
    return core_->append(payload);
  }
  /// Appends bytes that are an encoded entry already.
  Result<EntryId> append_bytes(ByteView payload) { return core_->append(payload); }

  /// Appends the entries of a range in order; returns the last id. All are encoded before any is written;
  /// after a crash any prefix of them may be there. Where the disk is full when a batch needs a new segment,
  /// its first entries stay appended: the error, and last_entry_id(), say how many. An empty range is
  /// `invalid_config`.
  template <std::ranges::input_range Range>
  Result<EntryId> append_batch(const Range& entries) {
    DURABILITY_TRY_ASSIGN(const auto payloads, encoder_.encode_all(entries));
    return core_->append_batch(payloads);
  }
  /// As append_batch, but after a crash either all of them are there or none. At most 256 MiB encoded.
  template <std::ranges::input_range Range>
  Result<EntryId> append_batch_atomic(const Range& entries) {
    DURABILITY_TRY_ASSIGN(const auto payloads, encoder_.encode_all(entries));
    return core_->append_batch_atomic(payloads);
  }

  /// Hands everything to the operating system: a process crash loses nothing of it, a power loss may.
  Status flush() { return core_->flush(); }
  /// Returns when everything appended so far is on stable storage. `not_supported` on a directory without.
  Result<DurableId> flush_and_sync() { return core_->flush_and_sync(); }

  /// Deletes the oldest segments whose entries are all covered by `upto`, durably, one by one; the active
  /// one always stays, and what is left is a contiguous log. An observer may veto.
  Result<WalTruncation> truncate_prefix(DurableId upto) { return core_->truncate_prefix(upto); }

  /// Until it ends, no other publication and no truncation begins: walog/publication.hpp.
  /// CheckpointPublisher::publish calls it; so does any other way of publishing.
  Result<walog::Publication<walog::ByteWriter>> begin_publication() {
    return walog::Publication<walog::ByteWriter>::begin(*core_);
  }

  /// Changes options of the open log: `change(WalTuning&)` gets those that hold and sets those that shall,
  /// from the next append on. `invalid_config` where they make no sense; then none is changed.
  template <class Change>
  Status configure(Change&& change) {
    WalTuning tuning = core_->tuning();
    std::invoke(std::forward<Change>(change), tuning);
    return core_->configure(tuning);
  }

  /// Makes everything durable, marks the log as cleanly closed and releases the lock. After a failure it
  /// reports that failure. A second close does nothing.
  Status close() { return core_->close(); }

  [[nodiscard]] EntryId last_entry_id() const noexcept { return core_->last_entry_id(); }
  [[nodiscard]] EntryId next_entry_id() const noexcept { return core_->next_entry_id(); }
  /// The highest id known to be durable; none on a directory without stable storage.
  [[nodiscard]] std::optional<DurableId> durable_id() const noexcept { return core_->durable_id(); }
  /// Proof that `id` is durable, where it is; else `invalid_state`.
  Result<DurableId> durable_up_to(EntryId id) const { return core_->durable_up_to(id); }
  [[nodiscard]] SegmentId segment_id() const noexcept { return core_->segment_id(); }
  /// Bytes of the active segment, unflushed ones included.
  [[nodiscard]] std::uint64_t segment_bytes() const noexcept { return core_->segment_bytes(); }
  [[nodiscard]] std::vector<SegmentRange> segment_ranges() const { return core_->segment_ranges(); }
  [[nodiscard]] const WalRecoveryReport& recovery_report() const noexcept { return core_->recovery_report(); }

 private:
  template <class, class>
  friend class SyncWalWriter;

  explicit WalWriter(std::unique_ptr<walog::ByteWriter> core) : core_(std::move(core)) {}

  static Result<WalWriter> make(std::shared_ptr<Directory> directory, WalOptions options,
                                walog::OpenIntent intent) {
    DURABILITY_TRY_ASSIGN(auto core,
                          walog::ByteWriter::open(std::move(directory), std::move(options), intent));
    return WalWriter(std::move(core));
  }

  std::unique_ptr<walog::ByteWriter> core_;
  internal::EntryEncoder<E, Codec> encoder_;
};

}  // namespace durability
