#pragma once

// Writing a record log of typed records.

#include "durability/codec/entry_encoder.hpp"
#include "durability/codec/postcard.hpp"
#include "durability/recordlog/byte_writer.hpp"

namespace durability {

/// A log in one file, open for appending: for what needs no segments, no truncation and no atomic batches.
/// Holds the lock `<path>.lock` from open to close (or its destructor, or the death of the process); the
/// lock's file stays. Not thread-safe. Move-only: one that was moved from may only be destroyed or assigned
/// to.
///
/// Records have numbers, 1 for the first of the file, that are not stored but counted.
///
/// What is certain when a call returns:
///   append            nothing yet: the record may be in memory only
///   flush             every record so far survives the death of the process
///   flush_and_sync    every record so far survives a power cut, the file's name included
/// After a power cut any first part of what was appended since may be there as well.
///
/// A record log cannot always tell a write that a power cut tore from damage. Where the cut lost the start of
/// a group of several records that were not synced, and left a later one of them whole, opening refuses
/// (`format`) and changes nothing; syncing each record on its own, or WalWriter, avoids that.
///
/// What was deleted, moved or replaced under the writer (its file, its lock's file) is noticed before
/// the next acknowledgement, and poisons: `not_found`, `lock_failed`. What was acknowledged before is gone
/// with it.
///
/// Errors of every call: `closed` once the writer is closed; `poisoned` after an earlier failed write or sync
/// (but close reports that failure itself); `invalid_state` in a child of fork, which owns nothing: there
/// closing and destroying write nothing; `io` from the directory. What was acknowledged stays safe whatever
/// call fails.
template <class E, class Codec = Postcard>
class RecordLogWriter {
 public:
  /// Opens the log at `path`, or creates it, with its directories. A torn tail, which no acknowledgement
  /// covers, is cut off; recovery_report() says so. `lock_failed`: another writer lives. `format`: not a
  /// record log, or damage with a whole record after it; nothing was changed. `invalid_config`: an option or
  /// the path makes no sense, the path is in `wal/`, or there is no directory; then nothing is made either.
  static Result<RecordLogWriter> open(std::shared_ptr<Directory> directory, std::string path,
                                      RecordLogOptions options = {}) {
    return make(std::move(directory), std::move(path), std::move(options),
                recordlog::OpenIntent::kOpenOrCreate);
  }
  /// As open(), but `invalid_state` where the file exists.
  static Result<RecordLogWriter> create(std::shared_ptr<Directory> directory, std::string path,
                                        RecordLogOptions options = {}) {
    return make(std::move(directory), std::move(path), std::move(options), recordlog::OpenIntent::kCreate);
  }

  /// Appends one record and returns its number. It is durable only after flush_and_sync. At most 64 MiB
  /// encoded, else `encode` and nothing is written.
  Result<EntryId> append(const E& record) {
    DURABILITY_TRY_ASSIGN(const ByteView payload, encoder_.encode(record));
    return core_->append(payload);
  }
  /// Appends bytes that are an encoded record already.
  Result<EntryId> append_bytes(ByteView payload) { return core_->append(payload); }

  /// Appends the records of a range in order; returns the last one's number. All are encoded before any is
  /// written; after a crash any first part of them may be there. An empty range is `invalid_config`.
  template <std::ranges::input_range Range>
  Result<EntryId> append_batch(const Range& records) {
    DURABILITY_TRY_ASSIGN(const auto payloads, encoder_.encode_all(records));
    return core_->append_batch(payloads);
  }

  /// Hands everything to the operating system: a process crash loses nothing of it, a power loss may.
  Status flush() { return core_->flush(); }
  /// Returns when everything appended so far is on stable storage, with the number of the last record.
  /// `not_supported` on a directory without; that poisons nothing.
  Result<DurableId> flush_and_sync() { return core_->flush_and_sync(); }
  /// Makes everything durable (where there is stable storage, else flushes) and releases the lock. After a
  /// failure it reports that failure. A second close does nothing.
  Status close() { return core_->close(); }

  /// Of the last record that was appended; 0 where there is none.
  [[nodiscard]] EntryId last_number() const noexcept { return core_->last_number(); }
  /// The highest number known to be durable; none on a directory without stable storage.
  [[nodiscard]] std::optional<DurableId> durable_number() const noexcept { return core_->durable_number(); }
  /// Of the file, with what is not flushed.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return core_->bytes(); }
  [[nodiscard]] RecordLogFormat format() const noexcept { return core_->format(); }
  [[nodiscard]] const RecordLogRecoveryReport& recovery_report() const noexcept {
    return core_->recovery_report();
  }

 private:
  explicit RecordLogWriter(std::unique_ptr<recordlog::ByteWriter> core) : core_(std::move(core)) {}

  static Result<RecordLogWriter> make(std::shared_ptr<Directory> directory, std::string path,
                                      RecordLogOptions options, recordlog::OpenIntent intent) {
    DURABILITY_TRY_ASSIGN(auto core, recordlog::ByteWriter::open(std::move(directory), std::move(path),
                                                                 std::move(options), intent));
    return RecordLogWriter(std::move(core));
  }

  std::unique_ptr<recordlog::ByteWriter> core_;
  internal::EntryEncoder<E, Codec> encoder_;
};

}  // namespace durability
