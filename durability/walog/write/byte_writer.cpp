#include "durability/walog/write/byte_writer.hpp"

#include <cstdio>
#include <utility>

namespace durability::walog {
namespace {

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
      durable_(std::make_shared<DurableMark>(EntryId(opened.state.due.value() - 1))),
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
  if (closed_ || home_.left() || last_entry_id() == flushed_) return;
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

Status ByteWriter::why_unusable() {
  if (home_.left()) {
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

}  // namespace durability::walog
