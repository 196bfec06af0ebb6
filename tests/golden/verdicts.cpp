#include "verdicts.hpp"

#include <fmt/format.h>

#include "durability/durability.hpp"
#include "durability/testing/manual_clock.hpp"
#include "durability/testing/manual_worker.hpp"
#include "durability/testing/random.hpp"
#include "page.hpp"

namespace durability::golden {
namespace {

/// Without the values that were expected and found: with checksums no two damages would be alike.
std::string in_words(const Error& error, Advice& advice) {
  const std::string& message = error.message();
  advice[message.substr(0, message.find(" (entry "))] = error.advice();
  const std::string place = error.offset() ? fmt::format(":{}", *error.offset()) : "";
  return fmt::format("{} at {}{}: {}", code_name(error.code()), error.path(), place, message);
}

/// What was delivered, and the error that ended it.
struct Reading {
  std::string delivered{};
  std::string error{};

  void add(ByteView payload) {
    if (!delivered.empty()) delivered += ' ';
    delivered += payload.empty() ? "(empty)" : escape_for_display(as_text(payload));
  }
  template <class Report>
  Reading& end(const Result<Report>& report, Advice& advice) {
    if (delivered.empty()) delivered = "nothing";
    if (!report) error = in_words(report.error(), advice);
    if (report && report->torn_tail) delivered += "; a torn tail is left out";
    return *this;
  }
  [[nodiscard]] std::string text() const { return error.empty() ? delivered : delivered + "; " + error; }
};

Reading read_wal(const std::shared_ptr<Directory>& directory, ReadMode mode, Advice& advice) {
  Reading reading;
  return reading.end(WalReader<Bytes>(directory).for_each_bytes(
                         mode, [&](const WalEntryView& entry) { reading.add(entry.payload); }),
                     advice);
}

Reading read_records(const std::shared_ptr<Directory>& directory, const std::string& path, ReadMode mode,
                     Advice& advice) {
  Reading reading;
  return reading.end(
      RecordLogReader<Bytes>(directory, path)
          .for_each_bytes(mode, [&](const RecordLogView& record) { reading.add(record.payload); }),
      advice);
}

/// What opening left, where that is not what it found.
std::string files_left(const Files& found, Directory& directory) {
  const Files left = files_in(directory);
  std::string words;
  if (left == found) return words;
  for (const auto& [path, bytes] : left) {
    words += fmt::format("{} {} {}", words.empty() ? "; leaves" : ",", path, bytes.size());
  }
  return words;
}

std::string open_wal(const Files& files, const Reading& strict, Advice& advice) {
  const auto directory = directory_of(files);
  const auto writer = WalWriter<Bytes>::open(directory, wal_options());
  if (!writer) return in_words(writer.error(), advice);
  const WalRecoveryReport& report = writer->recovery_report();
  std::string opened = fmt::format("goes on with entry {}", report.next);
  if (report.created) opened += ", as a new log";
  if (report.repaired) {
    opened += fmt::format("; mended at {}:{} (bytes cut: {})", walog::segment_path(report.segment),
                          report.offset, report.bytes_cut);
  }
  opened += files_left(files, *directory);
  // Opening looks into no sealed segment whose seal fits.
  const std::string read = read_wal(directory, ReadMode::kStrict, advice).text();
  return read == strict.text() && !strict.error.empty() ? opened + "; the error stays" : opened;
}

std::string open_records(const Files& files, const std::string& path, Advice& advice) {
  const auto directory = directory_of(files);
  const auto writer = RecordLogWriter<Bytes>::open(directory, path);
  if (!writer) return in_words(writer.error(), advice);
  const RecordLogRecoveryReport& report = writer->recovery_report();
  std::string opened = fmt::format("goes on with record {}", report.records + 1);
  if (report.created) opened += ", as a new log";
  if (report.repaired)
    opened += fmt::format("; mended at {} (bytes cut: {})", report.offset, report.bytes_cut);
  return opened + files_left(files, *directory);
}

std::string all_said(const Reading& strict, const Reading& best_effort, const std::string& opening) {
  const bool alike = strict.text() == best_effort.text();
  if (alike && opening == strict.error) return wrapped("  refused      ", strict.text());
  const std::string reading =
      alike ? wrapped("  reading      ", strict.text())
            : wrapped("  strict       ", strict.text()) + wrapped("  best effort  ", best_effort.text());
  return reading + wrapped("  opening      ", opening);
}

}  // namespace

WalOptions wal_options() {
  WalOptions options;
  options.segment_bytes = 200;
  options.preallocate_bytes = options.segment_bytes;
  options.flush = FlushPolicy::manual();
  options.clock = std::make_shared<testing::ManualClock>();
  options.worker = std::make_shared<testing::ManualWorker>();
  options.random = std::make_shared<testing::SeededRandom>(1);
  return options;
}

std::string wal_verdict(const Files& files, Advice& advice) {
  const auto directory = directory_of(files);
  const Reading strict = read_wal(directory, ReadMode::kStrict, advice);
  const Reading best_effort = read_wal(directory, ReadMode::kBestEffort, advice);
  return all_said(strict, best_effort, open_wal(files, strict, advice));
}

std::string record_log_verdict(const Files& files, const std::string& path, Advice& advice) {
  const auto directory = directory_of(files);
  return all_said(read_records(directory, path, ReadMode::kStrict, advice),
                  read_records(directory, path, ReadMode::kBestEffort, advice),
                  open_records(files, path, advice));
}

std::string checkpoint_verdict(const Files& files, const std::string& path, Advice& advice) {
  const auto read = CheckpointFile(directory_of(files)).read_bytes(path);
  if (!read) return wrapped("  reading      ", in_words(read.error(), advice));
  return wrapped("  reading      ", fmt::format("version {}, up to entry {}: {}", read->version,
                                                read->last_applied, as_text(read->payload)));
}

}  // namespace durability::golden
