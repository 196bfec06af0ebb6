#pragma once

#include <functional>
#include <memory>

#include "durability/base/clock.hpp"
#include "durability/recordlog/format.hpp"
#include "durability/storage/flush_policy.hpp"

namespace durability {

struct RecordLogOptions {
  /// Of a new log; one that exists goes on in its own. Version 1 is what the Rust crate reads.
  RecordLogFormat format = RecordLogFormat::kV2;
  FlushPolicy flush = FlushPolicy::every(64);
  /// Records wait here until they are flushed. 1 byte to 1 GiB; a record that is larger is written from the
  /// caller's memory.
  std::size_t buffer_bytes = std::size_t{64} << 10U;
  /// Called with how many records were never flushed when a writer is destroyed without close(). None: a
  /// debug build says so on standard error.
  std::function<void(std::uint64_t unflushed_records)> on_dropped;
  /// None: the system's own.
  std::shared_ptr<const Clock> clock;

  /// `invalid_config` for what makes no sense.
  [[nodiscard]] Status validate() const;
};

}  // namespace durability
