#pragma once

// The writer's core: records are bytes. RecordLogWriter<E> (writer.hpp) puts types on top.
//
// Records are written at the computed offset, never 'at the end of the file'.
//
// Poison: after a failed write or sync nothing is known about what the disk holds, so every later call is
// `poisoned`, and close reports the failure; a failed sync is never tried again. Open the log anew: it then
// holds everything that was acknowledged. The flag is set first (failure_latch.hpp): where memory runs out
// while the error of a failed sync is made, the writer has ended all the same.
//
// Between a sync and its acknowledgement the writer looks whether the log's name still leads to the
// file that it holds open, and whether the lock is still its own: what was deleted under it is gone, however
// well it was synced.
//
// fork: the log is its parent's. In a child every call is `invalid_state`; closing and destroying write
// nothing.

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "durability/base/failure_latch.hpp"
#include "durability/base/ids.hpp"
#include "durability/base/process.hpp"
#include "durability/recordlog/opening.hpp"
#include "durability/storage/flush_policy.hpp"

namespace durability::recordlog {

/// Not thread-safe.
class ByteWriter {
 public:
  /// Takes the lock and opens or creates the log (opening.hpp).
  static Result<std::unique_ptr<ByteWriter>> open(std::shared_ptr<Directory> directory, std::string path,
                                                  RecordLogOptions options, OpenIntent intent);
  /// Releases the lock. Unflushed records are dropped, and said to be.
  ~ByteWriter();
  ByteWriter(const ByteWriter&) = delete;
  ByteWriter& operator=(const ByteWriter&) = delete;

  /// The records one after the other; the flush policy is looked at once. Returns the last one's number. All
  /// sizes are checked before anything is written. An empty batch is `invalid_config`.
  Result<EntryId> append_batch(std::span<const ByteView> payloads);
  Result<EntryId> append(ByteView payload) { return append_batch(std::span(&payload, 1)); }

  Status flush();
  Result<DurableId> flush_and_sync();
  Status close();

  [[nodiscard]] EntryId last_number() const noexcept { return EntryId(records_); }
  [[nodiscard]] std::optional<DurableId> durable_number() const noexcept;
  [[nodiscard]] std::uint64_t bytes() const noexcept { return written_ + buffer_.size(); }
  [[nodiscard]] RecordLogFormat format() const noexcept { return format_; }
  [[nodiscard]] const RecordLogRecoveryReport& recovery_report() const noexcept { return report_; }

 private:
  class Closing;

  ByteWriter(std::shared_ptr<Directory> directory, std::string path, RecordLogOptions options,
             OpenedLog opened);

  /// What its DurableIds name: the file, so that neither another record log's id nor the WAL's passes for
  /// one.
  [[nodiscard]] std::uint64_t identity() const noexcept;

  // usable() is asked first by every call; failure_ is the one place where a writer ends.
  [[nodiscard]] Status usable() const;
  [[nodiscard]] Status check_own_process() const;
  Status check_still_there();
  Status add(ByteView payload);
  Status write_through(ByteView payload);
  Status flush_buffer();
  [[nodiscard]] Status finish();
  [[nodiscard]] bool stable() const noexcept { return directory_->capabilities().stable_storage; }
  [[nodiscard]] std::chrono::steady_clock::time_point now() const;

  std::shared_ptr<Directory> directory_;
  std::string path_;
  RecordLogOptions options_;
  std::unique_ptr<DirectoryLock> lock_;
  std::shared_ptr<File> file_;
  RecordLogFormat format_;
  RecordLogRecoveryReport report_;
  Bytes buffer_;
  std::uint64_t written_;  // file offset at which the buffer begins
  std::uint64_t records_;
  std::uint64_t flushed_;  // records handed to the operating system
  std::uint64_t durable_;  // records on stable storage
  FlushSchedule schedule_;
  FailureLatch failure_;
  internal::OpeningProcess opener_;
  bool closed_ = false;
};

}  // namespace durability::recordlog
