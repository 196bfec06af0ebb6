#include "life.hpp"

#include <algorithm>

#include "durability/testing/manual_clock.hpp"
#include "durability/testing/manual_worker.hpp"
#include "durability/testing/random.hpp"
#include "durability/walog/format/segment_name.hpp"
#include "durability/walog/read/segment_listing.hpp"

namespace durability::faults {
namespace {

using testing::Operation;
using testing::OperationRecord;

constexpr std::string_view kCheckpoint = "d/words.ckpt";
constexpr std::size_t kBufferBytes = 200;

template <class T>
std::optional<Error> error_of(const Result<T>& result) {
  return result ? std::nullopt : std::optional(result.error());
}

bool in_log(const OperationRecord& record) { return record.path.starts_with("wal"); }
bool of_temporary(const OperationRecord& record) { return Directory::is_temporary_name(record.path); }

bool builds_a_segment(const OperationRecord& record) {
  const auto operation = record.operation;
  return of_temporary(record) && (operation == Operation::kCreate || operation == Operation::kPreallocate ||
                                  operation == Operation::kWrite);
}

// A failed write, rotation or sync ends a writer, but for a lack of space for the next segment.
bool must_poison(const OperationRecord& record, int os_error) {
  if (!in_log(record)) return false;
  if (builds_a_segment(record)) return !is_shortage(os_error);
  switch (record.operation) {
    case Operation::kSyncData:
    case Operation::kSyncDirectory:
    case Operation::kWrite: return true;
    case Operation::kSize: return !of_temporary(record);  // of the segment that versions 2 and 3 leave
    case Operation::kRename: return of_temporary(record) && !is_shortage(os_error);
    default: return false;
  }
}

}  // namespace

Life::Life(std::shared_ptr<Directory> directory, const LifeOptions& options)
    : directory_(std::move(directory)), options_(options) {}

void Life::move_to(std::shared_ptr<Directory> directory, const Trap* trap) {
  writer_.reset();
  directory_ = std::move(directory);
  trap_ = trap;
  judged_ = failed();
}

void Life::play(std::string_view letters) {
  for (const char letter : letters) {
    if (!violation_.empty()) return;
    letter_ = letter;
    step(letter);
  }
}

void Life::step(char letter) {
  switch (letter) {
    case 'o': return open();
    case 'c': return close();
    case 'k': return writer_.reset();
    case 'r': return recover();
    case 'i': return look();
    case 'm': return truncate_offline();
    case 'C': return write_checkpoints();
    case '3': options_.format = WalFormat::kV3; return;
    case '4': options_.format = WalFormat::kV4; return;
    case 'x': return tear_tail();
    case 'h': return put_segment(10, walog::list_segments(*directory_).value().back().value() + 1);
    case 'z': return put_segment(options_.segment_bytes, 1);
    default: break;
  }
  if (!writer_) open();
  if (writer_ && violation_.empty()) with_writer(letter);
}

void Life::with_writer(char letter) {
  switch (letter) {
    case 'a': return append({word()}, false, false);
    case 'A': return append({word() + std::string(kBufferBytes, '.')}, false, false);
    case 'b': return append({word(), word(), word()}, true, false);
    case 't': return append({word(), word(), word()}, true, options_.format == WalFormat::kV4);
    case 'f': return judge_writer(error_of(writer_->flush()));
    case 's': return judge_writer(error_of(writer_->flush_and_sync()));
    case 'p': return publish();
    case 'P': return write_state();
    case 'w': static_cast<testing::ManualWorker&>(*worker_).run_all(); return judge_writer({});
    default: blame("no such letter");
  }
}

WalOptions Life::wal_options() const {
  WalOptions options;
  options.format = options_.format;
  options.segment_bytes = options_.segment_bytes;
  options.recycle_segments = options_.recycle_segments;
  options.buffer_bytes = kBufferBytes;
  options.flush = FlushPolicy::every(3);
  options.worker = worker_;
  options.clock = std::make_shared<testing::ManualClock>();
  options.random = std::make_shared<testing::SeededRandom>(7);
  options.observer = std::make_shared<WalObserver>();
  return options;
}

std::string Life::word() { return fmt::format("the word that has number {}", ++spoken_); }

void Life::blame(std::string_view what) {
  if (violation_.empty()) violation_ = fmt::format("at '{}': {}", letter_, what);
}

// What fails fails for the reason that was planted, and says so.
void Life::judge(std::string_view call, const std::optional<Error>& error) {
  const bool planted = failed() > judged_;
  judged_ = failed();
  if (!error) return;
  if (!planted) return blame(fmt::format("{} failed on a sound disk: {}", call, error->to_string()));
  const bool told = error->code() == ErrorCode::kIo && error->os_error() == trap_->fault()->os_error;
  if (!told) blame(fmt::format("{} hides what failed: {}", call, error->to_string()));
}

void Life::open() {
  if (writer_) return;
  worker_ = std::make_shared<testing::ManualWorker>();
  auto opened = WalWriter<std::string>::open(directory_, wal_options());
  judge("open", error_of(opened));
  if (!opened) return;
  writer_ = *std::move(opened);
  const std::uint64_t found = writer_->last_entry_id().value();
  if (found < acked_) blame(fmt::format("opened with {} entries of {} acknowledged", found, acked_));
  if (found > words_.size()) blame(fmt::format("opened with {} entries of {}", found, words_.size()));
  words_.resize(found);
  acked_ = std::max(acked_, writer_->durable_id()->value());
}

void Life::judge_writer(const std::optional<Error>& error) {
  acked_ = std::max(acked_, writer_->durable_id()->value());
  const std::size_t before = judged_;
  judge("a call of the writer", error);
  if (failed() == before) {
    if (!error && writer_->last_entry_id().value() != words_.size()) blame("entries and ids differ");
    return;
  }
  // What failed in the background is reported by the first call that comes, and ends the writer for the next.
  const int os_error = trap_->fault()->os_error;
  const auto fresh = std::span(trap_->failed()).subspan(before);
  const bool told =
      error && std::ranges::all_of(fresh, [&](const auto& r) { return must_poison(r, os_error); });
  Status probe = writer_->flush();
  if (!probe && !told) probe = writer_->flush();
  judge_end(before, !probe && probe.error().code() == ErrorCode::kPoisoned);
  judged_ = failed();
  if (writer_) words_.resize(std::min<std::size_t>(words_.size(), writer_->last_entry_id().value()));
}

// The writer ends where it must, and only there; and then it does nothing any more.
void Life::judge_end(std::size_t before, bool poisoned) {
  const int os_error = trap_->fault()->os_error;
  const auto fresh = std::span(trap_->failed()).subspan(before);
  const bool only_space = is_shortage(os_error) && std::ranges::all_of(fresh, builds_a_segment);
  const bool ends = std::ranges::any_of(fresh, [&](const auto& r) { return must_poison(r, os_error); });
  if (ends && !poisoned) blame("goes on after " + fresh.front().to_string());
  if (only_space && poisoned) blame("ended by a lack of space for a segment");
  if (!poisoned) return;
  const auto refuses = [](const auto& result) {
    return !result && result.error().code() == ErrorCode::kPoisoned;
  };
  if (!refuses(writer_->append("more"))) blame("a poisoned writer appends");
  if (!refuses(writer_->flush_and_sync())) blame("a poisoned writer syncs");
  if (!refuses(writer_->truncate_prefix(*writer_->durable_id()))) blame("a poisoned writer truncates");
  if (writer_->close()) blame("a poisoned writer closes as if nothing had been");
  writer_.reset();
}

void Life::append(const Words& words, bool batch, bool atomic) {
  words_.insert(words_.end(), words.begin(), words.end());
  if (!batch) return judge_writer(error_of(writer_->append(words.front())));
  judge_writer(error_of(atomic ? writer_->append_batch_atomic(words) : writer_->append_batch(words)));
}

void Life::publish() {
  const auto upto = writer_->flush_and_sync();
  judge_writer(error_of(upto));
  if (!upto || !writer_) return;
  const Words state = words_;
  const auto make_marker = [&](std::string_view, DurableId id) {
    words_.push_back(fmt::format("published up to {}", id));
    return words_.back();
  };
  judge_writer(
      error_of(CheckpointPublisher(directory_).publish(*writer_, state, *upto, kCheckpoint, make_marker)));
}

void Life::write_state() {
  const auto upto = writer_->flush_and_sync();
  judge_writer(error_of(upto));
  if (upto)
    judge("write_durable", error_of(CheckpointFile(directory_).write_durable(kCheckpoint, *upto, words_)));
}

void Life::close() {
  if (!writer_) return;
  const std::size_t before = failed();
  const Status closed = writer_->close();
  acked_ = std::max(acked_, writer_->durable_id()->value());
  if (closed) acked_ = words_.size();
  const bool sync_failed =
      trap_ != nullptr && std::any_of(trap_->failed().begin() + static_cast<std::ptrdiff_t>(before),
                                      trap_->failed().end(), [&](const OperationRecord& record) {
                                        return record.operation == Operation::kSyncData &&
                                               !of_temporary(record);
                                      });
  if (closed && sync_failed) blame("close says ok after a failed sync");
  judge("close", error_of(closed));
  writer_.reset();
}

void Life::recover() {
  const auto recovered = recover_with_wal<Words, std::string>(
      directory_, kCheckpoint, RecoveryOptions::best_effort(),
      [](const std::optional<Words>& checkpoint) { return checkpoint.value_or(Words{}); },
      [](Words& words, EntryId, const std::string& word) { words.push_back(word); });
  judge("recovery", error_of(recovered));
  if (!recovered) return;
  const Words& state = recovered->state;
  if (recovered->ignored_checkpoint)
    blame("a checkpoint was ignored: " + recovered->ignored_checkpoint->to_string());
  if (state.size() < acked_)
    blame(fmt::format("{} entries recovered of {} acknowledged", state.size(), acked_));
  if (state.size() > words_.size()) return blame("more was recovered than appended");
  if (!std::equal(state.begin(), state.end(), words_.begin())) blame("other entries were recovered");
  if (recovered->last_applied.value() != state.size()) blame("ids and entries differ");
}

void Life::look() {
  const WalMaintenance maintenance(directory_, wal_options());
  judge("inspect", error_of(maintenance.inspect()));
  const auto ranges = maintenance.segment_ranges();
  judge("segment_ranges", error_of(ranges));
  if (!ranges || ranges->empty()) return;
  const SegmentRange& last = ranges->back();
  if (last.first.value() + last.entries <= acked_) blame("the ranges end before what is acknowledged");
}

// Through the checkpoint, so that no entry is dropped that nothing covers.
void Life::truncate_offline() {
  close();
  const auto upto = CheckpointFile(directory_).make_durable(kCheckpoint);
  judge("make_durable", error_of(upto));
  if (!upto) return;
  worker_ = std::make_shared<testing::ManualWorker>();
  judge("truncate_prefix", error_of(WalMaintenance(directory_, wal_options()).truncate_prefix(*upto)));
}

void Life::write_checkpoints() {
  const CheckpointFile checkpoints(directory_);
  for (const std::string_view text : {"old", "new"}) {
    const std::string path = "plain/state.ckpt";
    const auto written = checkpoints.write<std::string>(path, EntryId(1), std::string(text));
    judge("write", error_of(written));
    const auto read = checkpoints.read<std::string>(path);
    if (!read && read.error().code() == ErrorCode::kNotFound) return;
    judge("read", error_of(read));
    if (!read) continue;
    if (written && read->state != text) blame("another checkpoint than the one that was written");
    judge("make_durable", error_of(checkpoints.make_durable(path)));
  }
}

void Life::tear_tail() {
  const std::string path = walog::segment_path(walog::list_segments(*directory_).value().back());
  const auto file = directory_->open(path, OpenMode::kReadWrite).value();
  if (!file->truncate(file->size().value() - 3)) blame("no tail to tear");
}

void Life::put_segment(std::size_t bytes, std::uint64_t number) {
  const auto file = directory_->create(walog::segment_path(SegmentId(number))).value();
  if (!file->write_at(0, Bytes(bytes))) blame("no room");
}

}  // namespace durability::faults
