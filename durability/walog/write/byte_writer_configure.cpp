// What may be changed while a log is open. Everything else the background reads too, or the bytes on disk
// depend on it.

#include "durability/walog/write/byte_writer.hpp"

namespace durability::walog {

WalTuning ByteWriter::tuning() const noexcept {
  return {.flush = options_.flush,
          .segment_bytes = options_.segment_bytes,
          .segment_max_age = options_.segment_max_age,
          .recycle_segments = options_.recycle_segments};
}

Status ByteWriter::configure(const WalTuning& tuning) {
  DURABILITY_TRY(usable());
  WalOptions wanted = options_;
  wanted.flush = tuning.flush;
  wanted.segment_bytes = tuning.segment_bytes;
  wanted.segment_max_age = tuning.segment_max_age;
  wanted.recycle_segments = tuning.recycle_segments;
  DURABILITY_TRY(wanted.validate());
  background_->expect_recycled(wanted.recycle_segments);
  // The age of a segment is not kept where it has no limit: it is counted from here.
  const bool unlimited = options_.segment_max_age == std::chrono::milliseconds::zero();
  if (unlimited) segment_begun_ = options_.clock->steady_now();
  if (wanted.flush != options_.flush) schedule_ = FlushSchedule(wanted.flush, options_.clock->steady_now());
  options_.flush = wanted.flush;
  options_.segment_bytes = wanted.segment_bytes;
  options_.segment_max_age = wanted.segment_max_age;
  options_.recycle_segments = wanted.recycle_segments;
  return {};
}

}  // namespace durability::walog
