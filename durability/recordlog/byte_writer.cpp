#include "durability/recordlog/byte_writer.hpp"

#include <array>
#include <cstdio>
#include <utility>

#include "durability/storage/log_names.hpp"
#include "durability/storage/need_directory.hpp"

namespace durability::recordlog {

Result<std::unique_ptr<ByteWriter>> ByteWriter::open(std::shared_ptr<Directory> directory, std::string path,
                                                     RecordLogOptions options, OpenIntent intent) {
  DURABILITY_TRY(internal::need_directory(directory));
  DURABILITY_TRY(options.validate());
  DURABILITY_TRY(internal::check_outside_the_log(path, "a record log"));
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
  if (closed_ || records_ == flushed_ || opener_.left()) return;
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
  return internal::identity_of_record_log(directory_->identity(), path_);
}

std::optional<DurableId> ByteWriter::durable_number() const noexcept {
  if (!stable()) return std::nullopt;
  return internal::DurableIdIssuer::issue(EntryId(durable_), identity());
}

std::chrono::steady_clock::time_point ByteWriter::now() const {
  return schedule_.needs_clock() ? options_.clock->steady_now() : std::chrono::steady_clock::time_point{};
}

Status ByteWriter::check_own_process() const {
  if (!opener_.left()) return {};
  return Error(ErrorCode::kInvalidState, "this process is a child of the one that opened the record log")
      .in_file(path_)
      .advise("nothing was done; let the parent write, or open it here when the parent has closed it");
}

Status ByteWriter::usable() const {
  DURABILITY_TRY(check_own_process());
  if (closed_) {
    return Error(ErrorCode::kClosed, "the record log is closed").in_file(path_).advise("open it again");
  }
  if (!failure_.failed()) return {};
  return failure_.poisoned(path_);
}

Status ByteWriter::check_still_there() {
  DURABILITY_TRY_ASSIGN(const std::uint64_t links, file_->links());
  if (links == 0) {
    const auto gone = [&]() -> Status {
      return Error(ErrorCode::kNotFound,
                   "the record log was deleted, replaced or moved away while it was written to")
          .in_file(path_)
          .advise("nothing of it stands under this name; stop, and find out who did it");
    };
    return failure_.watch(gone);
  }
  const Status locked = lock_->check();
  // Not for want of a descriptor: then nothing is known to be wrong, and nothing is acknowledged.
  if (!locked && locked.error().code() == ErrorCode::kLockFailed) failure_.fail(locked.error());
  return locked;
}

Result<EntryId> ByteWriter::append_batch(std::span<const ByteView> payloads) {
  DURABILITY_TRY(usable());
  if (payloads.empty()) {
    return Error(ErrorCode::kInvalidConfig, "an empty batch").in_file(path_).advise("nothing was written");
  }
  for (const ByteView payload : payloads) {
    if (auto fits = check_payload(payload); !fits) return std::move(fits).error().in_file(path_);
  }
  for (const ByteView payload : payloads) DURABILITY_TRY(add(payload));
  if (schedule_.due_after(payloads.size(), now())) DURABILITY_TRY(flush_buffer());
  return last_number();
}

// The buffer has its room from the start: memory can run out in a write only, which is watched.
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
  DURABILITY_TRY(failure_.watch([&] { return file_->write_at(written_, pieces); }));
  written_ += kRecordHeadBytes + payload.size();
  flushed_ = ++records_;
  return {};
}

Status ByteWriter::flush_buffer() {
  schedule_.flushed(now());
  if (buffer_.empty()) return {};
  DURABILITY_TRY(failure_.watch([&] { return file_->write_at(written_, buffer_); }));
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
  if (durable_ != records_) {
    DURABILITY_TRY(failure_.watch([&] { return file_->sync_data(); }));
    DURABILITY_TRY(check_still_there());
  }
  durable_ = records_;
  return internal::DurableIdIssuer::issue(EntryId(durable_), identity());
}

/// While it is destroyed the writer becomes a closed one.
class ByteWriter::Closing {
 public:
  explicit Closing(ByteWriter& writer) noexcept : writer_(writer) {}
  ~Closing() {
    writer_.closed_ = true;
    writer_.lock_.reset();
  }
  Closing(const Closing&) = delete;
  Closing& operator=(const Closing&) = delete;

 private:
  ByteWriter& writer_;
};

Status ByteWriter::close() {
  DURABILITY_TRY(check_own_process());
  if (closed_) return {};
  const Closing closing(*this);  // also where memory runs out on the way
  const Status finished = finish();
  const Status file_closed = file_->close();
  return finished ? file_closed : finished;
}

Status ByteWriter::finish() {
  if (failure_.failed()) return failure_.error();
  if (!stable()) return flush();
  return flush_and_sync().map([](DurableId) {});
}

}  // namespace durability::recordlog
