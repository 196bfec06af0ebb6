#include "durability/recordlog/byte_writer.hpp"

#include <array>
#include <cstdio>
#include <utility>

namespace durability::recordlog {

Result<std::unique_ptr<ByteWriter>> ByteWriter::open(std::shared_ptr<Directory> directory, std::string path,
                                                     RecordLogOptions options, OpenIntent intent) {
  DURABILITY_TRY(options.validate());
  if (!options.clock) options.clock = Clock::system();
  DURABILITY_TRY_ASSIGN(auto opened, open_log(*directory, path, options, intent));
  return std::unique_ptr<ByteWriter>(
      new ByteWriter(std::move(directory), std::move(path), std::move(options), std::move(opened)));
}

ByteWriter::ByteWriter(std::shared_ptr<Directory> directory, std::string path, RecordLogOptions options,
                       OpenedLog opened)
    : directory_(std::move(directory)),
      path_(std::move(path)),
      options_(std::move(options)),
      lock_(std::move(opened.lock)),
      file_(std::move(opened.file)),
      format_(opened.format),
      report_(opened.report),
      written_(opened.end),
      records_(opened.report.records),
      flushed_(records_),
      durable_(records_),
      schedule_(options_.flush, options_.clock->steady_now()) {
  buffer_.reserve(options_.buffer_bytes);
}

ByteWriter::~ByteWriter() {
  if (closed_ || records_ == flushed_) return;
  if (options_.on_dropped) {
    options_.on_dropped(records_ - flushed_);
    return;
  }
#ifndef NDEBUG
  fmt::print(stderr,
             "durability: a record log writer was destroyed without close(); {} unflushed records are lost\n",
             records_ - flushed_);
#endif
}

std::uint64_t ByteWriter::identity() const noexcept {
  return directory_->identity() ^ std::hash<std::string>{}(path_);
}

std::optional<DurableId> ByteWriter::durable_number() const noexcept {
  if (!stable()) return std::nullopt;
  return internal::DurableIdIssuer::issue(EntryId(durable_), identity());
}

std::chrono::steady_clock::time_point ByteWriter::now() const {
  return schedule_.needs_clock() ? options_.clock->steady_now() : std::chrono::steady_clock::time_point{};
}

Status ByteWriter::usable() const {
  if (closed_) {
    return Error(ErrorCode::kInvalidState, "the record log is closed").in_file(path_).advise("open it again");
  }
  if (!poisoned_) return {};
  return Error(ErrorCode::kInvalidState,
               fmt::format("an earlier failure stopped this writer: {}",
                           cause_ ? cause_->to_string() : std::string("an exception in mid-write")))
      .in_file(path_)
      .advise("what was acknowledged is safe; close it and open the log again");
}

Status ByteWriter::poison_on_error(Status status) {
  if (status) return status;
  poisoned_ = true;
  if (!cause_) cause_ = status.error();
  return status;
}

Result<EntryId> ByteWriter::append_batch(std::span<const ByteView> payloads) {
  DURABILITY_TRY(usable());
  if (payloads.empty()) {
    return Error(ErrorCode::kInvalidConfig, "an empty batch").in_file(path_).advise("nothing was written");
  }
  for (const ByteView payload : payloads) {
    if (auto fits = check_payload(payload); !fits) return std::move(fits).error().in_file(path_);
  }
  try {
    for (const ByteView payload : payloads) DURABILITY_TRY(add(payload));
    if (schedule_.due_after(payloads.size(), now())) DURABILITY_TRY(flush_buffer());
  } catch (...) {  // bad_alloc passes through; what was half done when it came must not be gone on from
    poisoned_ = true;
    throw;
  }
  return last_number();
}

Status ByteWriter::add(ByteView payload) {
  const std::size_t span = kRecordHeadBytes + payload.size();
  if (buffer_.size() + span > options_.buffer_bytes) DURABILITY_TRY(flush_buffer());
  if (span > options_.buffer_bytes) return write_through(payload);
  const auto head = encode_head(format_, payload);
  buffer_.insert(buffer_.end(), head.begin(), head.end());
  buffer_.insert(buffer_.end(), payload.begin(), payload.end());
  ++records_;
  return {};
}

// A record too large for the buffer, which is empty.
Status ByteWriter::write_through(ByteView payload) {
  const auto head = encode_head(format_, payload);
  const std::array<ByteView, 2> pieces{head, payload};
  DURABILITY_TRY(poison_on_error(file_->write_at(written_, pieces)));
  written_ += kRecordHeadBytes + payload.size();
  flushed_ = ++records_;
  return {};
}

Status ByteWriter::flush_buffer() {
  schedule_.flushed(now());
  if (buffer_.empty()) return {};
  DURABILITY_TRY(poison_on_error(file_->write_at(written_, buffer_)));
  written_ += buffer_.size();
  buffer_.clear();
  flushed_ = records_;
  return {};
}

Status ByteWriter::flush() {
  DURABILITY_TRY(usable());
  return flush_buffer();
}

Result<DurableId> ByteWriter::flush_and_sync() {
  DURABILITY_TRY(usable());
  if (!stable()) {
    return Error(ErrorCode::kNotSupported, "this directory has no stable storage to sync to")
        .in_file(path_)
        .advise("flush() works; use a directory on a disk for durability");
  }
  DURABILITY_TRY(flush_buffer());
  if (durable_ != records_) DURABILITY_TRY(poison_on_error(file_->sync_data()));
  durable_ = records_;
  return internal::DurableIdIssuer::issue(EntryId(durable_), identity());
}

Status ByteWriter::close() {
  if (closed_) return {};
  const Status finished = finish();
  closed_ = true;
  const Status file_closed = file_->close();
  lock_.reset();
  return finished ? file_closed : finished;
}

Status ByteWriter::finish() {
  if (poisoned_ && cause_) return *cause_;
  if (!stable()) return flush();
  return flush_and_sync().map([](DurableId) {});
}

}  // namespace durability::recordlog
