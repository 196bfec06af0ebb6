#include "durability/walog/write/byte_writer.hpp"

#include <cstdio>
#include <limits>
#include <new>
#include <utility>

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

SegmentWriter open_segment_writer(OpenedLog& opened, std::size_t buffer_bytes) {
  FrameBuffer buffer = SegmentWriter::make_buffer(buffer_bytes);
  if (!opened.header_written) {
    return SegmentWriter::begin(opened.file, opened.header, std::move(buffer));
  }
  return SegmentWriter::go_on(opened.file, opened.format, opened.header, opened.state, std::move(buffer));
}

}  // namespace

Result<std::unique_ptr<ByteWriter>> ByteWriter::open(std::shared_ptr<Directory> directory, WalOptions options,
                                                     OpenIntent intent) {
  if (!directory)
    return Error(ErrorCode::kInvalidConfig, "there is no directory").advise("nothing was opened");
  DURABILITY_TRY(options.validate());
  DURABILITY_TRY(options.fill_in_defaults());
  DURABILITY_TRY_ASSIGN(auto opened, open_log(*directory, options, intent));
  return std::unique_ptr<ByteWriter>(
      new ByteWriter(std::move(directory), std::move(options), std::move(opened)));
}

ByteWriter::ByteWriter(std::shared_ptr<Directory> directory, WalOptions options, OpenedLog opened)
    : directory_(std::move(directory)),
      options_(std::move(options)),
      stable_(directory_->capabilities().stable_storage),
      identity_(directory_->identity()),
      lock_(std::move(opened.lock)),
      report_(opened.report),
      durable_(std::make_shared<DurableWatermark>(EntryId(opened.state.due.value() - 1))),
      segment_(open_segment_writer(opened, options_.buffer_bytes)),
      old_(std::move(opened.old)),
      next_(opened.state.due),
      flushed_(opened.state.due.value() - 1),
      clean_mark_(opened.state.clean_mark),
      segment_begun_(options_.clock->steady_now()),
      schedule_(options_.flush, segment_begun_),
      has_space_(opened.header_written),
      background_(std::make_unique<Background>(directory_, options_,
                                               Shared{.durable = durable_, .latch = latch_, .lock = lock_})) {
  if (opened.header_written && opened.header.created_at != 0) {
    // A header from elsewhere may hold any number: only one that lies in the past makes an age.
    const auto now = static_cast<std::uint64_t>(options_.clock->since_unix_epoch().count());
    const std::uint64_t created = opened.header.created_at;
    if (created < now) segment_begun_ -= std::chrono::nanoseconds(now - created);
  }
  if (opened.spare) background_->adopt_spare(*std::move(opened.spare));
}

ByteWriter::~ByteWriter() {
  if (closed_ || opener_.left() || last_entry_id() == flushed_) return;
  const std::uint64_t dropped = last_entry_id().value() - flushed_.value();
  if (options_.observer) {
    options_.observer->on_dropped(dropped);
    return;
  }
#ifndef NDEBUG
  fmt::print(stderr, "durability: a writer was destroyed without close(); {} unflushed entries are lost\n",
             dropped);
#endif
}

std::optional<DurableId> ByteWriter::durable_id() const noexcept {
  if (!stable()) return std::nullopt;
  return durable(durable_->get());
}

std::uint32_t ByteWriter::lag_of(EntryId id) const noexcept {
  return stable() ? v4::lag_of(id, durable_->get()) : v4::kUnknownLag;
}

std::chrono::steady_clock::time_point ByteWriter::now_if(bool needed) const {
  return needed ? options_.clock->steady_now() : std::chrono::steady_clock::time_point{};
}

bool ByteWriter::is_consistent() const noexcept {
  const EntryId last = last_entry_id();
  const bool ids = published_ <= durable_->get() && durable_->get() <= flushed_ && flushed_ <= last;
  const bool buffer = flushed_ == last || segment_.buffered() > 0;
  const bool entries = segment_.header().start.value() + segment_.entries() == next_.value();
  const bool mark = !clean_mark_ || (segment_.buffered() == 0 && flushed_ == last);
  // The older ones were compared when they were the newest.
  const bool old = old_.empty() || (old_.back().range.segment < segment_id() &&
                                    old_.back().range.first.value() + old_.back().range.entries ==
                                        segment_.header().start.value());
  return ids && buffer && entries && mark && old;
}

Status ByteWriter::why_unusable() {
  if (opener_.left()) {
    return Error(ErrorCode::kInvalidState, "this process is a child of the one that opened the log")
        .advise(
            "nothing was done; use the log in the process that opened it, or open it here once it is closed");
  }
  if (closed_) return Error(ErrorCode::kClosed, "the log is closed").advise("open it again");
  if (!std::exchange(told_, true)) return latch_->error();
  return latch_->poisoned(segment_path(segment_id()));
}

Error ByteWriter::poison(Error cause) {
  latch_->fail(cause);
  told_ = true;
  return cause;
}

// A check that a shortage kept from being made has changed nothing, and shows nothing.
Status ByteWriter::check_lock() {
  Status held = lock_->check();
  return held || held.error().code() != ErrorCode::kLockFailed ? std::move(held)
                                                               : poison_on_error(std::move(held));
}

Status ByteWriter::poison_on_error(Status status) {
  if (status) return status;
  return poison(std::move(status).error());
}

Result<EntryId> ByteWriter::append(ByteView payload) {
  DURABILITY_TRY(usable());
  DURABILITY_TRY(check_payload(payload));
  DURABILITY_TRY(check_ids(1));
  return poisoned_by_exceptions([&]() -> Result<EntryId> {
    DURABILITY_TRY(rotate_if_needed(frame_span(segment_.format(), payload.size())));
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
  if (atomic) DURABILITY_TRY(rotate_if_needed(total));
  for (std::size_t i = 0; i < payloads.size(); ++i) {
    if (!atomic) {
      Status room = rotate_if_needed(frame_span(segment_.format(), payloads[i].size()));
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

Status ByteWriter::flush() {
  DURABILITY_TRY(usable());
  return poisoned_by_exceptions([&] { return flush_segment(); });
}

Status ByteWriter::flush_segment(FlushCause cause) {
  schedule_.flushed(now_if(schedule_.needs_clock()));
  const std::size_t bytes = segment_.buffered();
  if (bytes == 0) return {};
  // Nothing of this segment may reach the disk before the previous seal is durable.
  DURABILITY_TRY(poison_on_error(background_->wait_for_seal()));
  const bool full = cause == FlushCause::kFull;
  DURABILITY_TRY(poison_on_error(full ? segment_.flush_full(options_.buffer_bytes, options_.segment_bytes)
                                      : segment_.flush()));
  flushed_ = last_entry_id();
  write_back();
  if (options_.observer) options_.observer->on_flush(bytes);
  return {};
}

Result<DurableId> ByteWriter::flush_and_sync() {
  DURABILITY_TRY_ASSIGN(const PendingSync pending, begin_sync());
  return finish_sync(pending, run_sync(pending));
}

Result<PendingSync> ByteWriter::begin_sync() {
  DURABILITY_TRY(usable());
  if (!stable()) {
    return Error(ErrorCode::kNotSupported, "this directory has no stable storage to sync to")
        .advise("flush() works; use a directory on a disk for durability");
  }
  return poisoned_by_exceptions([&] { return prepare_sync(); });
}

Result<PendingSync> ByteWriter::prepare_sync() {
  if (durable_->get() >= last_entry_id())
    return PendingSync{.segment = segment_id(), .file = nullptr, .target = last_entry_id()};
  DURABILITY_TRY(flush_segment());
  written_back_ = segment_.offset();
  synced_ = true;
  return PendingSync{.segment = segment_id(), .file = segment_.file(), .target = last_entry_id()};
}

Result<std::chrono::nanoseconds> ByteWriter::run_sync(const PendingSync& pending) const {
  if (!pending.file) return std::chrono::nanoseconds::zero();
  const auto begin = options_.clock->steady_now();
  DURABILITY_TRY(background_->sync(pending.segment, *pending.file, pending.target));
  return options_.clock->steady_now() - begin;
}

Result<DurableId> ByteWriter::finish_sync(const PendingSync& pending,
                                          Result<std::chrono::nanoseconds> synced) {
  if (!synced) return poison(std::move(synced).error());
  durable_->raise(pending.target);
  const DurableId proof = durable(pending.target);
  if (pending.file && options_.observer) options_.observer->on_sync(proof, *synced);
  return proof;
}

std::vector<SegmentRange> ByteWriter::segment_ranges() const {
  std::vector<SegmentRange> ranges;
  ranges.reserve(old_.size() + 1);
  for (const OldSegment& old : old_) ranges.push_back(old.range);
  ranges.push_back({.segment = segment_id(),
                    .first = segment_.header().start,
                    .entries = segment_.entries(),
                    .sealed = false});
  return ranges;
}

// What may be changed while a log is open: everything else the background reads too, or the bytes on disk
// depend on it.
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

// How a writer ends: everything durable, then a mark that says so. Damage to the last acknowledged group of
// a log that ends without a mark looks like a torn tail; a mark vouches for all of it.
Status ByteWriter::close() {
  if (opener_.left()) return why_unusable();
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
