#pragma once

// What a log must hold after a crash, as far as the one who wrote to it can know.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "durability/base/bytes.hpp"
#include "durability/storage/directory.hpp"
#include "durability/walog/read/verdict.hpp"

namespace durability::crash {

/// A log as a reader sees it.
struct Reading {
  std::uint64_t first = 1;  ///< id of the first entry, or of the one that will be
  std::vector<Bytes> payloads;
  std::optional<Error> error;

  [[nodiscard]] std::uint64_t next() const noexcept { return first + payloads.size(); }
};

[[nodiscard]] Reading read_log(const std::shared_ptr<Directory>& directory, ReadMode mode);

/// Remembers every entry that was handed to a writer, and what the writer promised. A value: each crash
/// state is judged with a copy.
class Model {
 public:
  /// Payloads for the next `count` entries; no two entries of a run are alike. They count as appended,
  /// whatever the writer says: a failed append may have left them, or some, on the disk.
  std::vector<Bytes> append(std::size_t count, std::size_t bytes, bool atomic);

  /// A promise: durable, whatever happens.
  void acknowledge(std::uint64_t id);
  /// A promise: not lost with the process.
  void flushed() noexcept { flushed_ = last(); }
  /// A failed sync makes the cache lie: what was flushed may go with the process after all.
  void cache_is_broken() noexcept { cache_lies_ = true; }
  /// What was flushed and is lost was lost by that; another kill takes nothing more.
  void power_was_cut() noexcept {
    flushed_ = 0;
    power_cuts_ = true;
  }
  [[nodiscard]] bool saw_a_power_cut() const noexcept { return power_cuts_; }
  /// Entries up to `id` may be deleted from now on.
  void truncate(std::uint64_t id);
  /// The log was opened and goes on with `next`: what came later is gone, and must never come back.
  void settle(std::uint64_t next);

  /// How many entries were ever appended, those that are gone included: two logs with entries never begin at
  /// the same number, so a log id can be made of it.
  [[nodiscard]] std::uint64_t ever_appended() const noexcept { return serial_; }

  /// Models with the same one judge alike.
  [[nodiscard]] std::uint64_t hash() const;

  [[nodiscard]] std::uint64_t last() const noexcept { return entries_.size(); }
  [[nodiscard]] std::uint64_t last_flushed() const noexcept { return flushed_; }

  /// Why a log may not go on with `next`; nothing where it may.
  [[nodiscard]] std::string objection_to_next(std::uint64_t next, bool killed) const;
  /// Why `reading` (best effort) may not be what a crash left.
  [[nodiscard]] std::string objection_to(const Reading& reading, bool killed) const;
  /// Why `reading` may not be what somebody saw beside the writer, who had flushed `floor` entries before.
  [[nodiscard]] std::string objection_to_live(const Reading& reading, std::uint64_t floor) const;

 private:
  [[nodiscard]] std::string objection_to_payloads(const Reading& reading) const;

  struct Entry {
    Bytes payload;
    bool more;  // its atomic batch goes on after it
  };
  std::vector<Entry> entries_;  // entry id is the index + 1
  std::uint64_t serial_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t flushed_ = 0;
  std::uint64_t truncated_ = 0;
  bool cache_lies_ = false;
  bool power_cuts_ = false;
};

}  // namespace durability::crash
