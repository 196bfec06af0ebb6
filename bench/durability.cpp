// The library as a contender: default options but for what a variant names. Works that append without syncs
// have the manual flush policy, as the floor has.
//
//   one-segment   one fresh segment that nothing was written ahead into
//   prepared      one segment, zeros written ahead
//   recycled      default segments, each the file of a deleted one
//   read-ahead    default segments; replay has a second thread read ahead

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
  } else if (job.variant == "prepared") {
    options.segment_bytes = all;
  } else if (job.variant == "recycled") {
    options.recycle_segments = all / options.segment_bytes + 1;
  }
  return options;
}

/// Fills the log and truncates it, so that there are files to recycle.
void leave_files_to_recycle(const bench::Job& job) {
  auto wal = OneWriter::open(directory_of(job), options_of(job)).value();
  const std::string payload(job.bytes, 'y');
  for (std::uint64_t i = 0; i < job.entries; ++i) wal.append_bytes(d::as_bytes(payload)).value();
  wal.truncate_prefix(wal.flush_and_sync().value()).value();
  wal.close().value();
}

class Log {
 public:
  explicit Log(const bench::Job& job) {
    if (job.variant == "recycled") leave_files_to_recycle(job);
    if (job.work == "append") {
      one_.emplace(OneWriter::open(directory_of(job), options_of(job)).value());
    } else {
      many_ = open(job);
    }
  }
  ~Log() {
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
    many_->append_durable_bytes(d::as_bytes(payload), [done](const d::Result<d::DurableId>& durable) {
      durable.value();
      done();
    });
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
};

}  // namespace

int main(int argc, char** argv) { return bench::run<Log>(argc, argv); }
