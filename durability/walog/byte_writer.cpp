#include "durability/walog/byte_writer.hpp"

#include <cstdio>
#include <limits>
#include <utility>

namespace durability::walog {
namespace {

// The spare is begun once a segment has taken this part of its size: a log that stays small never has one.
constexpr std::uint64_t kSpareBeginsAtFraction = 8;

Bytes make_buffer(std::size_t bytes) {
  // A header in front, a seal behind.
  Bytes buffer;
  buffer.reserve(bytes + v4::kHeaderBytes + v4::kSealBytes);
  return buffer;
}

SegmentWriter open_segment_writer(OpenedLog& opened, std::size_t buffer_bytes) {
  Bytes buffer = make_buffer(buffer_bytes);
  if (!opened.header_written) {
    return SegmentWriter::begin(opened.file, opened.header, std::move(buffer));
  }
  return SegmentWriter::go_on(opened.file, opened.format, opened.header, opened.state, std::move(buffer));
}

Status check_payload(ByteView payload) {
  if (payload.size() <= v4::kMaxPayloadBytes) return {};
  return Error(ErrorCode::kEncode, "an entry is larger than 16 MiB")
      .with_values(v4::kMaxPayloadBytes, payload.size())
      .advise("nothing was written; split it");
}

}  // namespace

Result<std::unique_ptr<ByteWriter>> ByteWriter::open(std::shared_ptr<Directory> directory, WalOptions options,
                                                     OpenIntent intent) {
  DURABILITY_TRY(options.validate());
  options.fill_in_defaults();
  DURABILITY_TRY_ASSIGN(auto opened, open_log(*directory, options, intent));
  return std::unique_ptr<ByteWriter>(
      new ByteWriter(std::move(directory), std::move(options), std::move(opened)));
}

ByteWriter::ByteWriter(std::shared_ptr<Directory> directory, WalOptions options, OpenedLog opened)
    : directory_(std::move(directory)),
      options_(std::move(options)),
      stable_(directory_->capabilities().stable_storage),
      lock_(std::move(opened.lock)),
      report_(opened.report),
      durable_(std::make_shared<DurableMark>(EntryId(opened.state.due.value() - 1))),
      segment_(open_segment_writer(opened, options_.buffer_bytes)),
      old_(std::move(opened.old)),
      next_(opened.state.due),
      flushed_(opened.state.due.value() - 1),
      clean_mark_(opened.state.clean_mark),
      segment_begun_(options_.clock->steady_now()),
      schedule_(options_.flush, segment_begun_),
      background_(std::make_unique<Background>(directory_, options_, options_.worker, durable_)) {
  if (opened.header_written && opened.header.created_at != 0) {
    // A header from elsewhere may hold any number: only one that lies in the past makes an age.
    const auto now = static_cast<std::uint64_t>(options_.clock->since_unix_epoch().count());
    const std::uint64_t created = opened.header.created_at;
    if (created < now) segment_begun_ -= std::chrono::nanoseconds(now - created);
  }
  if (opened.spare) background_->adopt_spare(*std::move(opened.spare));
}

ByteWriter::~ByteWriter() {
  if (closed_ || last_entry_id() == flushed_) return;
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
  return internal::DurableIdIssuer::issue(durable_->get());
}

std::uint32_t ByteWriter::lag_of(EntryId id) const noexcept {
  return stable() ? v4::lag_of(id, durable_->get()) : v4::kUnknownLag;
}

std::chrono::steady_clock::time_point ByteWriter::now_if(bool needed) const {
  return needed ? options_.clock->steady_now() : std::chrono::steady_clock::time_point{};
}

Status ByteWriter::usable() {
  if (closed_) {
    return Error(ErrorCode::kInvalidState, "the log is closed").advise("open it again");
  }
  if (half_done_) poisoned_ = true;
  if (!poisoned_ && background_->failed()) return poison(background_->failure().error());
  if (!poisoned_) return {};
  return Error(ErrorCode::kInvalidState,
               fmt::format("an earlier failure stopped this writer: {}",
                           cause_ ? cause_->to_string() : std::string("out of memory in mid-write")))
      .in_file(segment_path(segment_id()))
      .advise("what was acknowledged is safe; close it and open the log again");
}

Error ByteWriter::poison(Error cause) {
  poisoned_ = true;
  if (!cause_) cause_ = cause;
  return cause;
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
  if (poisoned_ || appended == 0) return error;
  if (auto counted = after_append(appended); !counted) return std::move(counted).error();
  return error.advise(
      fmt::format("the first {} of the batch are appended, up to entry {}; free some space and "
                  "append the others again",
                  appended, last_entry_id()));
}

bool ByteWriter::too_old() const {
  if (options_.segment_max_age == std::chrono::milliseconds::zero()) return false;
  // In milliseconds: the largest age that can be asked for has no nanoseconds.
  const auto age = options_.clock->steady_now() - segment_begun_;
  return std::chrono::duration_cast<std::chrono::milliseconds>(age) >= options_.segment_max_age;
}

Status ByteWriter::make_room(std::uint64_t span) {
  if (segment_.entries() == 0) return {};
  const std::uint64_t end = segment_.offset() + span + seal_span(segment_.format());
  const bool fits = end <= options_.segment_bytes;
  return fits && !too_old() ? Status{} : rotate();
}

Status ByteWriter::add_entry(ByteView payload, bool more) {
  const EntryId id = next_;
  const std::uint64_t span = frame_span(segment_.format(), payload.size());
  if (segment_.buffered() + span > options_.buffer_bytes) DURABILITY_TRY(flush_segment());
  const v4::FrameFields fields{.id = id, .lag = lag_of(id), .more = more};
  if (span > options_.buffer_bytes) {
    // Behind a flush, so the seal in front is durable: a new segment's header waits in the buffer.
    DURABILITY_TRY(poison_on_error(segment_.write_through(fields, payload)));
    flushed_ = id;
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
  if (wants_spare && segment_.offset() >= options_.segment_bytes / kSpareBeginsAtFraction) {
    // The entry is appended already: where ids are used up, it is the rotation that says so.
    if (const auto next_id = segment_id().next()) background_->prepare_spare(*next_id);
    spare_requested_ = true;
  }
  if (!schedule_.due_after(appended, now_if(schedule_.needs_clock()))) return {};
  return flush_segment();
}

Status ByteWriter::flush() {
  DURABILITY_TRY(usable());
  return poisoned_by_exceptions([&] { return flush_segment(); });
}

Status ByteWriter::flush_segment() {
  schedule_.flushed(now_if(schedule_.needs_clock()));
  const std::size_t bytes = segment_.buffered();
  if (bytes == 0) return {};
  // Nothing of this segment may reach the disk before the seal in front of it is durable.
  DURABILITY_TRY(poison_on_error(background_->wait_for_seal()));
  DURABILITY_TRY(poison_on_error(segment_.flush()));
  flushed_ = last_entry_id();
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
  if (durable_->get() >= last_entry_id()) return PendingSync{.file = nullptr, .target = last_entry_id()};
  DURABILITY_TRY(flush_segment());
  return PendingSync{.file = segment_.file(), .target = last_entry_id()};
}

Result<std::chrono::nanoseconds> ByteWriter::run_sync(const PendingSync& pending) const {
  if (!pending.file) return std::chrono::nanoseconds::zero();
  const auto begin = options_.clock->steady_now();
  DURABILITY_TRY(background_->sync(*pending.file));
  return options_.clock->steady_now() - begin;
}

Result<DurableId> ByteWriter::finish_sync(const PendingSync& pending,
                                          Result<std::chrono::nanoseconds> synced) {
  if (!synced) return poison(std::move(synced).error());
  durable_->raise(pending.target);
  const DurableId durable = internal::DurableIdIssuer::issue(pending.target);
  if (pending.file && options_.observer) options_.observer->on_sync(durable, *synced);
  return durable;
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

}  // namespace durability::walog
