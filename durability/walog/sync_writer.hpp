#pragma once

// A log that many threads append to.

#include <future>
#include <utility>

#include "durability/base/per_thread.hpp"
#include "durability/walog/commit/group_commit.hpp"
#include "durability/walog/writer.hpp"

namespace durability {

/// WalWriter for many threads; every call is thread-safe. Threads that wait for durability share syncs: see
/// group_commit.hpp. Owned through the pointer that open() returns. No call may be under way when it is
/// destroyed. Destroyed without close() it leaves the log without its closing mark, and calls the outstanding
/// completions with `closed`. The destructor returns after the last one; inside a completion it returns at
/// once, and the writer's thread calls the other completions, and releases the lock, after that one.
template <class E, class Codec = Postcard>
class SyncWalWriter {
 public:
  static Result<std::unique_ptr<SyncWalWriter>> open(std::shared_ptr<Directory> directory,
                                                     WalOptions options = {}) {
    using Writer = WalWriter<E, Codec>;
    DURABILITY_TRY_ASSIGN(auto writer, Writer::open(std::move(directory), std::move(options)));
    return from_writer(std::move(writer));
  }
  /// Goes on with an open log. `io` where the system has no thread to give; the log is closed then, as by the
  /// writer's destructor.
  static Result<std::unique_ptr<SyncWalWriter>> from_writer(WalWriter<E, Codec> writer) {
    std::unique_ptr<SyncWalWriter> shared(new SyncWalWriter(std::move(writer.core_)));
    DURABILITY_TRY(shared->commit_->start());
    return shared;
  }

  /// Appends; durable only after flush_and_sync, or once a later append_durable has returned.
  Result<EntryId> append(const E& entry) {
    Bytes& scratch = this_threads_scratch();
    DURABILITY_TRY(Codec::template encode<E>(entry, scratch));
    return commit_->append(scratch);
  }
  Result<EntryId> append_bytes(ByteView payload) { return commit_->append(payload); }

  /// Appends and returns when the entry is on stable storage. An error says nothing of whether the entry
  /// will be there after recovery: it was not acknowledged, and it may be.
  Result<DurableId> append_durable(const E& entry) {
    Bytes& scratch = this_threads_scratch();
    DURABILITY_TRY(Codec::template encode<E>(entry, scratch));
    return commit_->append_durable(scratch);
  }
  Result<DurableId> append_durable_bytes(ByteView payload) { return commit_->append_durable(payload); }

  /// Appends and returns at once; `completion` is called with what append_durable would have returned, so
  /// that one thread keeps thousands of appends in flight: exactly once, in the order of the ids, by a thread
  /// of the writer's own, which syncs too, so it must be short and must not throw. It may append, and let go
  /// of the last owner of this writer, but not wait for it (close() excepted). At most
  /// WalOptions::max_in_flight wait at a time: then `busy`, where the call does not wait. After an error
  /// nothing was appended (but where memory runs out in the middle: then the writer is poisoned), and
  /// `completion` is never called. An empty one is `invalid_config`.
  Status append_durable(const E& entry, DurableCompletion completion) {
    Bytes& scratch = this_threads_scratch();
    DURABILITY_TRY(Codec::template encode<E>(entry, scratch));
    return commit_->append_durable(scratch, std::move(completion));
  }
  Status append_durable_bytes(ByteView payload, DurableCompletion completion) {
    return commit_->append_durable(payload, std::move(completion));
  }
  /// The same, as a future; what is refused is in it at once.
  std::future<Result<DurableId>> append_durable_future(const E& entry) {
    std::promise<Result<DurableId>> promise;
    auto future = promise.get_future();
    auto appended = append_durable(entry, [promise = std::move(promise)](Result<DurableId> durable) mutable {
      promise.set_value(std::move(durable));
    });
    if (appended) return future;
    std::promise<Result<DurableId>> refused;
    refused.set_value(std::move(appended).error());
    return refused.get_future();
  }

  template <std::ranges::input_range Range>
  Result<EntryId> append_batch(const Range& entries) {
    internal::EntryEncoder<E, Codec> encoder;
    DURABILITY_TRY_ASSIGN(const auto payloads, encoder.encode_all(entries));
    return commit_->append_batch(payloads, false);
  }
  /// append_batch, and returns when the batch is on stable storage. Not atomic: see append_batch_atomic.
  template <std::ranges::input_range Range>
  Result<DurableId> append_batch_durable(const Range& entries) {
    DURABILITY_TRY_ASSIGN(const EntryId last, append_batch(entries));
    return wait_until_durable(last);
  }
  template <std::ranges::input_range Range>
  Result<EntryId> append_batch_atomic(const Range& entries) {
    internal::EntryEncoder<E, Codec> encoder;
    DURABILITY_TRY_ASSIGN(const auto payloads, encoder.encode_all(entries));
    return commit_->append_batch(payloads, true);
  }

  /// Returns when the entry of that id is on stable storage.
  Result<DurableId> wait_until_durable(EntryId id) { return commit_->wait_until_durable(id); }
  Status flush() { return commit_->flush(); }
  /// Returns when everything appended before the call is on stable storage.
  Result<DurableId> flush_and_sync() { return commit_->flush_and_sync(); }
  /// As WalWriter::configure; `change` must not use this writer.
  template <class Change>
  Status configure(Change&& change) {
    return commit_->configure(std::forward<Change>(change));
  }
  /// As WalWriter::truncate_prefix, of the segments that are full when it begins. Others append and sync
  /// meanwhile; a second truncation, a publication, and close, wait. Waits until a running
  /// publication has ended; the thread that holds it calls Publication::truncate_prefix (begin_publication).
  Result<WalTruncation> truncate_prefix(DurableId upto) { return commit_->truncate_prefix(upto); }
  /// As WalWriter::begin_publication. Others append and sync meanwhile; a second publication, a truncation,
  /// close, and the destructor, wait until it has ended: for ever, where the thread that holds it asks for
  /// them. That one truncates through Publication::truncate_prefix.
  Result<walog::Publication<walog::GroupCommit>> begin_publication() {
    return walog::Publication<walog::GroupCommit>::begin(*commit_);
  }
  Status close() { return commit_->close(); }

  [[nodiscard]] EntryId last_entry_id() const {
    return commit_->inspect([](const walog::ByteWriter& writer) { return writer.last_entry_id(); });
  }
  [[nodiscard]] EntryId next_entry_id() const {
    return commit_->inspect([](const walog::ByteWriter& writer) { return writer.next_entry_id(); });
  }
  [[nodiscard]] std::optional<DurableId> durable_id() const {
    return commit_->inspect([](const walog::ByteWriter& writer) { return writer.durable_id(); });
  }
  [[nodiscard]] SegmentId segment_id() const {
    return commit_->inspect([](const walog::ByteWriter& writer) { return writer.segment_id(); });
  }
  /// Bytes of the active segment, unflushed ones included.
  [[nodiscard]] std::uint64_t segment_bytes() const {
    return commit_->inspect([](const walog::ByteWriter& writer) { return writer.segment_bytes(); });
  }
  [[nodiscard]] std::vector<SegmentRange> segment_ranges() const {
    return commit_->inspect([](const walog::ByteWriter& writer) { return writer.segment_ranges(); });
  }
  [[nodiscard]] WalRecoveryReport recovery_report() const {
    return commit_->inspect([](const walog::ByteWriter& writer) { return writer.recovery_report(); });
  }

 private:
  explicit SyncWalWriter(std::unique_ptr<walog::ByteWriter> core)
      : commit_(new walog::GroupCommit(std::move(core))) {}

  // Encoding happens outside the lock, into memory that each thread keeps.
  struct Scratch {
    Bytes bytes;
  };
  static Bytes& this_threads_scratch() {
    Bytes& scratch = of_this_thread<Scratch>().bytes;
    scratch.clear();
    return scratch;
  }

  const std::unique_ptr<walog::GroupCommit, walog::GroupCommit::LetGo> commit_;
};

}  // namespace durability
