#pragma once

// How a log is written. One struct, validated once, when a writer is opened: a value that makes no sense is
// `invalid_config`, never clamped.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "durability/base/clock.hpp"
#include "durability/base/random.hpp"
#include "durability/base/worker.hpp"
#include "durability/storage/flush_policy.hpp"
#include "durability/walog/format/version.hpp"
#include "durability/walog/observer.hpp"

namespace durability {

enum class WhenFull : std::uint8_t {
  kWait,    ///< the call waits; within a completion it is refused, for nobody else could make room
  kRefuse,  ///< `busy`, and nothing is appended
};

struct WalOptions {
  /// The version to write; none: that of the log's newest segment, 4 for a new log.
  std::optional<WalFormat> format{};
  /// A segment is sealed before an entry that would make it longer than this, its seal included. A larger
  /// entry stands alone in a segment that grows. 128 bytes to 1 TiB.
  std::uint64_t segment_bytes = std::uint64_t{16} << 20U;
  /// A segment older than this is sealed before the next entry; looked at on append only. Zero: no limit.
  std::chrono::milliseconds segment_max_age{0};
  FlushPolicy flush = FlushPolicy::every(64);
  /// Entries wait here until they are flushed. 1 byte to 1 GiB; an entry that is larger is written from
  /// the caller's memory. With 64 KiB or more, writes end at multiples of 64 KiB, and up to 32 KiB above this
  /// may be buffered.
  std::size_t buffer_bytes = std::size_t{64} << 10U;
  /// Zeros written ahead into each new segment, so that a sync need not grow the file; none: the
  /// segment's size in version 4, nothing in versions 2 and 3. At most the segment's size. In version 4,
  /// where only seals were synced since the last spare was begun, the next one's space is set aside
  /// (fallocate) and not filled with zeros: these would double the bytes written.
  std::optional<std::uint64_t> preallocate_bytes{};
  /// How many deleted segments are kept to be filled with zeros and used again, which saves the file system
  /// the allocation. Used where zeros are written ahead. Version 4 only; 0: none. At most 1024.
  std::size_t recycle_segments = 0;
  /// SyncWalWriter: how many durable appends may wait for their completion, and what becomes of one more.
  /// 1 to 16,777,216. Not of threads that wait: each has one in flight.
  std::size_t max_in_flight = 65'536;
  WhenFull when_full = WhenFull::kWait;
  /// The id a new log begins at; has no meaning for one that exists. Also the explicit way on after a log
  /// was lost and only a checkpoint is left: the checkpoint's last id + 1.
  EntryId first_entry_id{1};
  std::shared_ptr<WalObserver> observer{};

  // What the writer takes from its surroundings; none: the system's own, and a thread per writer.
  std::shared_ptr<const Clock> clock{};
  std::shared_ptr<Random> random{};
  std::shared_ptr<Worker> worker{};

  [[nodiscard]] Status validate() const;
  /// Fills in clock, random source and worker where none is given; `io` where no thread can be started.
  Status fill_in_defaults();
  [[nodiscard]] std::uint64_t preallocation(WalFormat of = WalFormat::kV4) const noexcept {
    return preallocate_bytes.value_or(of == WalFormat::kV4 ? segment_bytes : 0);
  }
};

/// The options that may be changed while a log is open; what each means stands in WalOptions.
struct WalTuning {
  FlushPolicy flush = FlushPolicy::every(64);
  std::uint64_t segment_bytes = 0;
  std::chrono::milliseconds segment_max_age{0};
  std::size_t recycle_segments = 0;
};

namespace walog {
/// How a log may be opened.
enum class OpenIntent : std::uint8_t { kOpenOrCreate, kCreate, kResume };
}  // namespace walog

}  // namespace durability
