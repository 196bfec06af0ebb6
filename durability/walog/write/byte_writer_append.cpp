// Appending: what is refused before anything is written, room for it, its frame, and what then falls due: the
// next segment's file, and a flush.

#include <limits>
#include <new>
#include <utility>

#include "durability/walog/write/byte_writer.hpp"

namespace durability::walog {
namespace {

// The spare is begun once a segment has taken this part of its size: a log that stays small never has one.
constexpr std::uint64_t kSpareBeginsAtFraction = 8;

constexpr std::uint64_t kWriteBackBytes = std::uint64_t{1} << 20U;

Status check_payload(ByteView payload) {
  if (payload.size() <= v4::kMaxPayloadBytes) return {};
  return Error(ErrorCode::kEncode, "an entry is larger than 16 MiB")
      .with_values(v4::kMaxPayloadBytes, payload.size())
      .advise("nothing was written; split it");
}

}  // namespace

Result<EntryId> ByteWriter::append(ByteView payload) {
  DURABILITY_TRY(usable());
  DURABILITY_TRY(check_payload(payload));
  DURABILITY_TRY(check_ids(1));
  return poisoned_by_exceptions([&]() -> Result<EntryId> {
    DURABILITY_TRY(make_room(frame_span(segment_.format(), payload.size())));
    DURABILITY_TRY(add_entry(payload, false));
    DURABILITY_TRY(after_append(1));
    return last_entry_id();
  });
}

Result<EntryId> ByteWriter::append_batch(std::span<const ByteView> payloads) {
  return append_all(payloads, false);
}

Result<EntryId> ByteWriter::append_batch_atomic(std::span<const ByteView> payloads) {
  return append_all(payloads, true);
}

// Everything about a batch that can be refused before anything is written. Yields the bytes it will take.
Result<std::uint64_t> ByteWriter::check_batch(std::span<const ByteView> payloads, bool atomic) const {
  if (payloads.empty()) {
    return Error(ErrorCode::kInvalidConfig, "an empty batch").advise("nothing was written");
  }
  std::uint64_t total = 0;
  for (const ByteView payload : payloads) {
    DURABILITY_TRY(check_payload(payload));
    total += frame_span(segment_.format(), payload.size());
  }
  if (atomic && (segment_.format() != WalFormat::kV4 || wanted_format() != WalFormat::kV4)) {
    return Error(ErrorCode::kNotSupported, "atomic batches are written in version 4 only")
        .advise("nothing was written; use append_batch, or version 4");
  }
  if (atomic && total > v4::kMaxBatchBytes) {
    return Error(ErrorCode::kEncode, "an atomic batch is larger than 256 MiB")
        .with_values(v4::kMaxBatchBytes, total)
        .advise("nothing was written; split it");
  }
  DURABILITY_TRY(check_ids(payloads.size()));
  return total;
}

Status ByteWriter::check_ids(std::uint64_t entries) const {
  if (next_.value() <= std::numeric_limits<std::uint64_t>::max() - entries) return {};
  return Error(ErrorCode::kInvalidState, "entry ids are used up")
      .advise("nothing was written; start a new log");
}

Result<EntryId> ByteWriter::append_all(std::span<const ByteView> payloads, bool atomic) {
  DURABILITY_TRY(usable());
  DURABILITY_TRY_ASSIGN(const std::uint64_t total, check_batch(payloads, atomic));
  return poisoned_by_exceptions([&] { return add_all(payloads, atomic, total); });
}

Result<EntryId> ByteWriter::add_all(std::span<const ByteView> payloads, bool atomic, std::uint64_t total) {
  if (atomic) DURABILITY_TRY(make_room(total));
  for (std::size_t i = 0; i < payloads.size(); ++i) {
    if (!atomic) {
      Status room = make_room(frame_span(segment_.format(), payloads[i].size()));
      if (!room) return cut_batch(std::move(room).error(), i);
    }
    DURABILITY_TRY(add_entry(payloads[i], atomic && i + 1 < payloads.size()));
  }
  DURABILITY_TRY(after_append(payloads.size()));
  return last_entry_id();
}

Error ByteWriter::cut_batch(Error error, std::uint64_t appended) {
  if (latch_->failed() || appended == 0) return error;
  if (auto counted = after_append(appended); !counted) return std::move(counted).error();
  return error.advise(
      fmt::format("the first {} of the batch are appended, up to entry {}; {} and append the others again",
                  appended, last_entry_id(), remedy_for(error.os_error())));
}

bool ByteWriter::too_old() const {
  if (options_.segment_max_age == std::chrono::milliseconds::zero()) return false;
  // In milliseconds: the largest age that can be asked for has no nanoseconds.
  const auto age = options_.clock->steady_now() - segment_begun_;
  return std::chrono::duration_cast<std::chrono::milliseconds>(age) >= options_.segment_max_age;
}

Status ByteWriter::make_room(std::uint64_t span) {
  if (segment_.entries() == 0) return set_space_aside();
  const std::uint64_t end = segment_.offset() + span + seal_span(segment_.format());
  const bool fits = end <= options_.segment_bytes;
  if (fits && !too_old()) return {};
  DURABILITY_TRY(rotate());
  return set_space_aside();
}

// On a full disk an empty file may have been made the next segment. Nothing is appended to it before it has
// its space, or a full disk in the middle of a frame would end the writer.
Status ByteWriter::set_space_aside() {
  if (has_space_) return {};
  auto size = segment_.file()->size();
  if (!size) return poison(std::move(size).error());
  const std::uint64_t wanted = options_.preallocation();
  if (*size < wanted) {
    Status reserved = segment_.file()->reserve(*size, wanted - *size);
    if (!reserved) {
      return is_shortage(reserved.error())
                 ? reserved.error().advise(fmt::format("nothing was appended; {} and append again",
                                                       remedy_for(reserved.error().os_error())))
                 : poison(std::move(reserved).error());
    }
  }
  has_space_ = true;
  return {};
}

Status ByteWriter::add_entry(ByteView payload, bool more) {
  const EntryId id = next_;
  const std::uint64_t span = frame_span(segment_.format(), payload.size());
  const bool large = span > options_.buffer_bytes;
  if (large) {
    DURABILITY_TRY(flush_segment());
  } else if (segment_.is_full_for(span, options_.buffer_bytes)) {
    DURABILITY_TRY(flush_segment(FlushCause::kFull));
  }
  const v4::FrameFields fields{.id = id, .lag = lag_of(id), .more = more};
  if (large) {
    // After a flush, so the previous seal is durable: a new segment's header waits in the buffer.
    DURABILITY_TRY(poison_on_error(segment_.write_through(fields, payload)));
    flushed_ = id;
    write_back();
    if (options_.observer) options_.observer->on_flush(span);
  } else {
    segment_.add(fields, payload);
  }
  next_ = EntryId(id.value() + 1);
  clean_mark_ = false;
  if (options_.observer) options_.observer->on_append(id, payload.size());
  return {};
}

Status ByteWriter::after_append(std::uint64_t appended) {
  const bool wants_spare = segment_.format() == WalFormat::kV4 && !spare_requested_;
  if (wants_spare && segment_.offset() >= options_.segment_bytes / kSpareBeginsAtFraction) prepare_next();
  if (!schedule_.due_after(appended, now_if(schedule_.needs_clock()))) return {};
  return flush_segment();
}

// The entry is appended already: where ids are used up, or memory is, it is the rotation that says so.
void ByteWriter::prepare_next() {
  try {
    if (const auto next_id = segment_id().next()) background_->prepare_spare(*next_id, spare_filling());
  } catch (const std::bad_alloc&) {
    return;  // asked for again with the next entry
  }
  spare_requested_ = true;
  synced_ = false;
}

// A segment that nobody syncs would go to the disk all at once after its seal, and the next one wait for it.
// A log's first segment may well remain its only one.
void ByteWriter::write_back() {
  const std::uint64_t end = segment_.offset() - segment_.buffered();
  if (old_.empty() || end - written_back_ < kWriteBackBytes) return;
  try {
    background_->write_back(segment_.file(), written_back_, end);
    written_back_ = end;
  } catch (const std::bad_alloc&) {
    return;  // only a hint
  }
}

}  // namespace durability::walog
