// From one segment to the next.
//
// Within version 4 the next segment's file, the spare, is there already: the seal is written, its sync goes
// to the background, and appends go on into the buffer. Nothing of the next segment is written before that
// sync has returned.
//
// From, to and within versions 2 and 3 the next file is prepared under a temporary name, with its header;
// the outgoing segment is synced; and only then the file gets its name. Preparing first means that a lack
// of space is noticed while nothing has been changed.

#include <utility>

#include "durability/walog/write/byte_writer.hpp"

namespace durability::walog {

SegmentHeader ByteWriter::next_header(SegmentId id) const {
  SegmentHeader header = segment_.header();
  if (segment_.format() != WalFormat::kV4) {
    // A run of version 4 after another version gets a log_id of its own.
    store_le(header.log_id, 0, options_.random->next_u64());
    store_le(header.log_id, 8, options_.random->next_u64());
  }
  header.segment_id = id;
  header.start = next_;
  header.created_at = static_cast<std::uint64_t>(options_.clock->since_unix_epoch().count());
  return header;
}

bool ByteWriter::too_old() const {
  if (options_.segment_max_age == std::chrono::milliseconds::zero()) return false;
  // In milliseconds: the largest age that can be asked for has no nanoseconds.
  const auto age = options_.clock->steady_now() - segment_begun_;
  return std::chrono::duration_cast<std::chrono::milliseconds>(age) >= options_.segment_max_age;
}

Status ByteWriter::rotate_if_needed(std::uint64_t span) {
  if (segment_.entries() == 0) return set_space_aside();
  const std::uint64_t end = segment_.offset() + span + seal_span(segment_.format());
  const bool fits = end <= options_.segment_bytes;
  if (fits && !too_old()) return {};
  DURABILITY_TRY(rotate());
  return set_space_aside();
}

Status ByteWriter::rotate() {
  DURABILITY_TRY_ASSIGN(const SegmentId next_id, segment_id().next());
  const SegmentId sealed_id = segment_id();
  const bool stays_in_v4 = segment_.format() == WalFormat::kV4 && wanted_format() == WalFormat::kV4;
  DURABILITY_TRY(stays_in_v4 ? rotate_into_spare(next_id) : rotate_into_new_file(next_id));
  segment_begun_ = now_if(options_.segment_max_age != std::chrono::milliseconds::zero());
  spare_requested_ = false;
  written_back_ = 0;
  if (options_.observer) options_.observer->on_rotate(sealed_id, next_id);
  return {};
}

Error ByteWriter::refused_or_poisoned(BuildFailure failure) {
  if (failure.poisons) return poison(std::move(failure).error);
  return failure.error.advise(
      fmt::format("nothing was written; {} and append again", remedy_for(failure.error.os_error())));
}

void ByteWriter::remember_segment() {
  const SegmentRange range{.segment = segment_id(),
                           .first = segment_.header().start,
                           .entries = segment_.entries(),
                           .sealed = true};
  old_.push_back({.range = range, .format = segment_.format(), .log_id = segment_.header().log_id});
}

// Writes the seal and sends it to be synced.
Status ByteWriter::seal_segment() {
  segment_.add_seal(last_entry_id(), lag_of(last_entry_id()));
  DURABILITY_TRY(flush_segment());
  background_->sync_seal(
      {.id = segment_id(), .file = segment_.file(), .bytes = segment_.offset(), .last = last_entry_id()});
  return {};
}

Status ByteWriter::rotate_into_spare(SegmentId next_id) {
  DURABILITY_TRY(check_lock());
  auto spare = background_->take_spare(next_id, spare_filling());
  if (!spare) return refused_or_poisoned(std::move(spare).error());
  DURABILITY_TRY(seal_segment());
  remember_segment();
  segment_ = SegmentWriter::begin(std::move(spare->file), next_header(next_id), segment_.take_buffer());
  has_space_ = spare->has_space;
  return {};
}

Status ByteWriter::rotate_into_new_file(SegmentId next_id) {
  DURABILITY_TRY(check_lock());
  if (segment_.format() == WalFormat::kV4) {
    // The seal needs its spare all the same: until the new file has its name, the log ends in version 4.
    auto spare = background_->take_spare(next_id, spare_filling());
    if (!spare) return refused_or_poisoned(std::move(spare).error());
    background_->adopt_spare(*std::move(spare));
  }
  const WalFormat format = wanted_format();
  const SegmentHeader header = next_header(next_id);
  const Bytes bytes = encode_header(format, header);
  auto prepared = prepare_segment(
      *directory_,
      {.id = next_id, .contents = bytes, .bytes = options_.preallocation(format), .latch = latch_.get()});
  if (!prepared) return refused_or_poisoned(std::move(prepared).error());
  DURABILITY_TRY(finish_segment());
  auto published = put_segment_in_place(*directory_, *std::move(prepared));
  if (!published) return poison(std::move(published).error().error);
  background_->forget_spare();
  remember_segment();
  segment_ = SegmentWriter::go_on(std::move(published->file), format, header,
                                  {.offset = header_bytes(format), .due = next_}, segment_.take_buffer());
  return {};
}

// Everything of the segment is durable when this returns, and nothing will be added to it.
Status ByteWriter::finish_segment() {
  if (segment_.format() == WalFormat::kV4) {
    DURABILITY_TRY(seal_segment());
    return poison_on_error(background_->wait_for_seal());
  }
  DURABILITY_TRY(flush_segment());
  DURABILITY_TRY(poison_on_error(segment_.cut_short_padding().map([](bool) {})));
  if (!stable()) return {};
  DURABILITY_TRY(sync_segment());
  durable_->raise(last_entry_id());
  return {};
}

}  // namespace durability::walog
