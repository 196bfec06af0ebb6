#pragma once

// What a writer reports of its work: metrics, logs, and a veto on deleting segments.

#include <chrono>
#include <cstdint>

#include "durability/base/ids.hpp"

namespace durability {

/// A segment and the entries in it.
struct SegmentRange {
  SegmentId segment;
  EntryId first;          ///< id of its first entry, or of the one it will hold
  std::uint64_t entries;  ///< how many
  bool sealed;            ///< no entry will ever be added

  [[nodiscard]] bool contains(EntryId id) const noexcept {
    return id >= first && id.value() - first.value() < entries;
  }
  bool operator==(const SegmentRange&) const = default;
};

/// Called by a writer, on the thread that does the work: the caller's, or for the sync of a sealed segment
/// the background's. Must not call back into the writer, and must not throw.
class WalObserver {
 public:
  virtual ~WalObserver() = default;
  WalObserver() = default;
  WalObserver(const WalObserver&) = delete;
  WalObserver& operator=(const WalObserver&) = delete;

  virtual void on_append(EntryId /*id*/, std::uint64_t /*payload_bytes*/) noexcept {}
  /// `bytes` were handed to the operating system: a process crash no longer loses them.
  virtual void on_flush(std::uint64_t /*bytes*/) noexcept {}
  /// A sync finished: everything up to `durable` survives a power loss.
  virtual void on_sync(DurableId /*durable*/, std::chrono::nanoseconds /*duration*/) noexcept {}
  /// `sealed` takes no more entries, `next` does.
  virtual void on_rotate(SegmentId /*sealed*/, SegmentId /*next*/) noexcept {}
  /// Before a segment is deleted; false keeps it and every later one.
  virtual bool before_truncate(const SegmentRange& /*range*/) noexcept { return true; }
  /// A writer was destroyed without close() while it held entries that were never flushed.
  virtual void on_dropped(std::uint64_t /*unflushed_entries*/) noexcept {}
};

}  // namespace durability
