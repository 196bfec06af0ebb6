// The library as a contender: default options but for what a variant names. Works that append without syncs
// have the manual flush policy, as the floor has.
//
//   one-segment   one fresh segment that nothing was written ahead into
//   prepared      one segment, zeros written ahead
//   recycled      one segment, the file of a deleted one
//   read-ahead    default segments; replay has a second thread read ahead
//   truncating    segments of 1 MiB, deleted or recycled by another thread as soon as they are full

#include <stop_token>
#include <thread>

#include "durability/durability.hpp"

#include "contender.hpp"

namespace {

namespace d = durability;

using OneWriter = d::WalWriter<std::string>;
using ManyWriters = d::SyncWalWriter<std::string>;

std::shared_ptr<d::Directory> directory_of(const bench::Job& job) {
  return d::FsDirectory::open(job.directory).value();
}

d::WalOptions options_of(const bench::Job& job) {
  d::WalOptions options;
  if (job.segment_bytes != 0) options.segment_bytes = job.segment_bytes;
  if (job.work == "append") options.flush = d::FlushPolicy::manual();
  if (job.work == "in-flight") options.max_in_flight = job.in_flight;
  const std::uint64_t all = (job.entries + 1) * (job.bytes + 64);
  if (job.variant == "one-segment") {
    options.segment_bytes = all;
    options.preallocate_bytes = 0;
  } else if (job.variant == "prepared" || job.variant == "recycled") {
    options.segment_bytes = all;
    options.recycle_segments = 1;
  } else if (job.variant == "truncating") {
    options.segment_bytes = std::uint64_t{1} << 20U;
    options.recycle_segments = 2;
  }
  return options;
}

void set_segment_bytes(OneWriter& wal, std::uint64_t bytes) {
  wal.configure([&](d::WalTuning& tuning) { tuning.segment_bytes = bytes; }).value();
}

/// Fills a segment, truncates it, and goes on to where its file is used again.
void go_on_in_recycled(OneWriter& wal, const bench::Job& job) {
  const std::string payload(job.bytes, 'y');
  const auto append = [&] { wal.append_bytes(d::as_bytes(payload)).value(); };
  const std::uint64_t segment_bytes = options_of(job).segment_bytes;
  for (std::uint64_t i = 0; i < job.entries; ++i) append();
  set_segment_bytes(wal, 128);  // an entry each
  append();
  wal.truncate_prefix(wal.flush_and_sync().value()).value();
  append();  // its spare was there before
  append();
  set_segment_bytes(wal, segment_bytes);
}

void truncate_until_stopped(ManyWriters& log, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    log.truncate_prefix(log.durable_id().value()).value();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

class Log {
 public:
  explicit Log(const bench::Job& job) {
    if (job.work == "append") {
      one_.emplace(OneWriter::open(directory_of(job), options_of(job)).value());
      if (job.variant == "recycled") go_on_in_recycled(*one_, job);
    } else {
      many_ = open(job);
      if (job.variant == "truncating") {
        truncating_ =
            std::jthread([this](const std::stop_token& stop) { truncate_until_stopped(*many_, stop); });
      }
    }
  }
  ~Log() {
    truncating_ = {};  // stopped and joined
    if (one_ && !one_->close()) std::abort();
    if (many_ && !many_->close()) std::abort();
  }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void append(std::string_view payload) { one_->append_bytes(d::as_bytes(payload)).value(); }
  void finish() { one_->flush().value(); }
  void append_durable(std::string_view payload) { many_->append_durable_bytes(d::as_bytes(payload)).value(); }
  template <class Done>
  void append_durable(std::string_view payload, Done done) {
    const auto completed = [done](const d::Result<d::DurableId>& durable) {
      durable.value();
      done();
    };
    many_->append_durable_bytes(d::as_bytes(payload), completed).value();
  }

  static std::uint64_t replay(const bench::Job& job) {
    const d::WalReader<std::string> reader(directory_of(job));
    return reader.reading_ahead(job.variant == "read-ahead").count(d::ReadMode::kStrict).value();
  }
  static std::unique_ptr<ManyWriters> open(const bench::Job& job) {
    return ManyWriters::open(directory_of(job), options_of(job)).value();
  }

 private:
  std::optional<OneWriter> one_;
  std::unique_ptr<ManyWriters> many_;
  std::jthread truncating_;
};

}  // namespace

int main(int argc, char** argv) { return bench::run<Log>(argc, argv); }
