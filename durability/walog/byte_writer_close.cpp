// How a writer ends: everything durable, then a mark that says so. Damage to the last acknowledged group of
// a log that ends without a mark looks like a torn tail; a mark vouches for all of it.

#include <utility>

#include "durability/walog/byte_writer.hpp"

namespace durability::walog {

Status ByteWriter::close() {
  if (closed_) return {};
  Status finished = finish_log();
  if (poisoned_ && cause_) finished = *cause_;
  closed_ = true;
  background_.reset();
  Status file_closed = segment_.file()->close();
  lock_.reset();
  if (!finished) return finished;
  return file_closed;
}

// Nothing is asked of a writer behind its close, so nothing is poisoned here.
Status ByteWriter::finish_log() {
  DURABILITY_TRY(usable());
  DURABILITY_TRY(background_->finish());
  DURABILITY_TRY(flush_segment());
  if (segment_.format() != WalFormat::kV4) DURABILITY_TRY(segment_.cut_short_padding());
  if (!stable()) return {};
  DURABILITY_TRY(flush_and_sync());
  return segment_.format() == WalFormat::kV4 ? write_mark() : Status{};
}

Status ByteWriter::write_mark() {
  if (clean_mark_) return {};
  segment_.add({.id = last_entry_id(), .lag = lag_of(last_entry_id()), .kind = v4::FrameKind::kMark}, {});
  DURABILITY_TRY(flush_segment());
  return sync_segment();
}

Status ByteWriter::sync_segment() { return poison_on_error(background_->sync(*segment_.file())); }

}  // namespace durability::walog
