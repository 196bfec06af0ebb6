// How a writer ends: everything durable, then a mark that says so. Damage to the last acknowledged group of
// a log that ends without a mark looks like a torn tail; a mark vouches for all of it.

#include <utility>

#include "durability/walog/write/byte_writer.hpp"

namespace durability::walog {

Status ByteWriter::close() {
  if (home_.left()) return why_unusable();
  if (closed_) return {};
  // Whatever comes, also where memory runs out: nothing is under way when the lock is let go of.
  struct Ending {
    ByteWriter* writer;
    ~Ending() {
      writer->closed_ = true;
      writer->background_.reset();
      writer->lock_.reset();
    }
  };
  Status finished;
  {
    const Ending ending(this);
    finished = latch_->failed() ? Status(latch_->error()) : finish_log();
    if (latch_->failed()) finished = latch_->error();
  }
  const Status file_closed = segment_.file()->close();
  return finished ? file_closed : finished;
}

// Nothing is asked of a writer after its close, so nothing is poisoned here.
Status ByteWriter::finish_log() {
  DURABILITY_TRY(background_->finish());
  DURABILITY_TRY(flush_segment());
  bool cut = false;
  if (segment_.format() != WalFormat::kV4) {
    DURABILITY_TRY_ASSIGN(cut, segment_.cut_short_padding());
  }
  if (!stable()) return {};
  DURABILITY_TRY(flush_and_sync());
  if (cut) DURABILITY_TRY(sync_segment());
  return segment_.format() == WalFormat::kV4 ? end_with_mark() : Status{};
}

// A mark must leave room for the seal that comes one day. Where there is none the seal is written now: it
// vouches for as much.
Status ByteWriter::end_with_mark() {
  if (clean_mark_) return {};
  const bool fits = segment_.entries() == 0 ||
                    segment_.offset() + v4::frame_span(0) + v4::kSealBytes <= options_.segment_bytes;
  const auto next_id = segment_id().next();
  if (fits || !next_id || wanted_format() != WalFormat::kV4) return write_mark();
  auto spare = background_->take_spare(*next_id, spare_filling());
  if (!spare) return is_shortage(spare.error().error) ? write_mark() : spare.error().error;
  DURABILITY_TRY(seal_segment());
  return background_->wait_for_seal();
}

Status ByteWriter::write_mark() {
  segment_.add({.id = last_entry_id(), .lag = lag_of(last_entry_id()), .kind = v4::FrameKind::kMark}, {});
  DURABILITY_TRY(flush_segment());
  return sync_segment();
}

Status ByteWriter::sync_segment() {
  return poison_on_error(background_->sync(segment_id(), *segment_.file()));
}

}  // namespace durability::walog
