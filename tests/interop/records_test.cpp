// Record logs that the Rust crate and this library write in turn: each reads what the other left, cuts off
// its torn tail and goes on; the same records are the same bytes; damaged copies get the same verdict, but
// for the differences that tests/compat/file_verdicts.hpp names.

#include <algorithm>

#include "../compat/file_verdicts.hpp"
#include "durability/testing/manual_clock.hpp"
#include "history.hpp"

namespace durability::interop {
namespace {

namespace fs = std::filesystem;
using testing::SeededRandom;

constexpr const char* kFile = "r.log";
constexpr int kDamagedCopies = 3;
constexpr std::string_view kTorn = "a torn tail";
constexpr std::string_view kTornHeader = "a torn header";
constexpr std::string_view kResumedByCrate = "resumed by the crate";
constexpr std::string_view kResumedByUs = "resumed by us";
constexpr std::string_view kCutByCrate = "a tail cut by the crate";
constexpr std::string_view kCutByUs = "a tail cut by us";
constexpr std::string_view kKilled = "a killed writer";
constexpr std::string_view kDamaged = "a verdict that is not ok";

std::uint32_t digest_of(const std::vector<Bytes>& records) {
  std::uint32_t digest = 0;
  for (const Bytes& record : records) {
    std::array<std::byte, 8> length{};
    store_le(length, 0, std::uint64_t{record.size()});
    digest = crc32(record, crc32(length, digest));
  }
  return digest;
}

std::uint64_t size_of(const std::vector<Bytes>& records, std::uint64_t count) {
  std::uint64_t size = recordlog::kHeaderBytes;
  for (std::uint64_t i = 0; i < count; ++i) size += recordlog::kRecordHeadBytes + records[i].size();
  return size;
}

Status write_ours(const Session& session, RecordLogFormat format, const fs::path& directory) {
  RecordLogOptions options;
  options.format = format;
  options.flush = policy_of(session.flush);
  options.buffer_bytes = std::max<std::size_t>(session.buffer_bytes, 1);
  options.clock = std::make_shared<testing::ManualClock>();
  options.on_dropped = [](std::uint64_t) {};
  DURABILITY_TRY_ASSIGN(auto log,
                        RecordLogWriter<Bytes>::open(FsDirectory::open(directory).value(), kFile, options));
  for (const Step& step : session.steps) {
    if (step.kind == StepKind::kAppend) DURABILITY_TRY(log.append_bytes(step.payloads.front()));
    if (step.kind == StepKind::kFlush) DURABILITY_TRY(log.flush());
    if (step.kind == StepKind::kSync) DURABILITY_TRY(log.flush_and_sync());
  }
  return session.killed ? Status{} : log.close();
}

class RecordHistory {
 public:
  RecordHistory(CrateProgram& crate, Scratch& scratch, std::uint64_t seed, Tally& tally)
      : crate_(crate), scratch_(scratch), random_(seed), tally_(tally), directory_(scratch.fresh()) {}

  /// One to four writers one after the other; after each, all readers.
  std::string write(FirstWriter first);
  std::string compare_bytes();
  std::string compare_verdicts();

 private:
  [[nodiscard]] fs::path file() const { return directory_ / kFile; }
  [[nodiscard]] std::uint64_t file_bytes() const { return fs::exists(file()) ? fs::file_size(file()) : 0; }
  [[nodiscard]] bool torn() const {
    return fs::exists(file()) && file_bytes() != size_of(records_, records_.size());
  }
  Writer random_writer(FirstWriter first);
  Session record_session(Writer writer);
  std::string run_session(Writer writer);
  std::string run(const Session& session, const fs::path& directory, const fs::path& killed);
  std::string check_readers(std::uint64_t least);
  std::string compare_verdicts_of(const fs::path& log, std::string_view what);
  json ask(std::string_view command, std::string_view version, const fs::path& directory) {
    return crate_.ask(fmt::format("{} crate={} dir={} file={}", command, version, directory.string(), kFile));
  }

  CrateProgram& crate_;
  Scratch& scratch_;
  SeededRandom random_;
  Tally& tally_;
  fs::path directory_;
  RecordLogFormat format_ = RecordLogFormat::kV1;
  std::vector<Bytes> records_;
  std::string story_;
};

// The crates before 0.10 append after a torn tail without looking, so they are not given one.
Writer RecordHistory::random_writer(FirstWriter first) {
  if (format_ == RecordLogFormat::kV2) return Writer::kOursV2;
  std::vector<Writer> writers;
  const bool is_first = story_.empty();
  if (!is_first || first == FirstWriter::kOurs) writers.push_back(Writer::kOursV3);
  if (!is_first || first == FirstWriter::kCrate) writers.push_back(Writer::kCrate010);
  if (is_crate(writers.back()) && !torn()) {
    writers.push_back(Writer::kCrate06);
    writers.push_back(Writer::kCrate07);
  }
  return writers.at(random_.below(writers.size()));
}

std::string RecordHistory::write(FirstWriter first) {
  if (first == FirstWriter::kOurs && random_.one_in(8)) format_ = RecordLogFormat::kV2;
  for (auto sessions = 1 + random_.below(4); sessions > 0; --sessions) {
    if (auto wrong = run_session(random_writer(first)); !wrong.empty()) return story_ + wrong;
  }
  return {};
}

std::string RecordHistory::run(const Session& session, const fs::path& directory, const fs::path& killed) {
  if (!is_crate(session.writer)) {
    const auto done = write_ours(session, format_, directory);
    if (session.killed) fs::copy_file(directory / kFile, killed / kFile);
    return done ? std::string() : done.error().to_string();
  }
  const json answer = crate_.ask(
      fmt::format("records-write crate={} dir={} file={} buffer={} flush={}{} ops={}",
                  crate_version(session.writer), directory.string(), kFile, session.buffer_bytes,
                  session.flush, session.killed ? " killed=" + killed.string() : "", spelled(session.steps)));
  return answer.at("ok").get<bool>() ? std::string() : answer.dump();
}

// A session of a log of segments, less what a record log does not do. The crate cannot sync a log that it
// has not begun, with its first append. Every other one that is killed had more to write.
Session RecordHistory::record_session(Writer writer) {
  Session session = random_session(writer, random_);
  bool begun = fs::exists(file()) || !is_crate(writer);
  std::erase_if(session.steps, [&](const Step& step) {
    begun = begun || step.kind == StepKind::kAppend;
    return step.kind == StepKind::kBatch || step.kind == StepKind::kOld || step.kind == StepKind::kYoung ||
           (step.kind == StepKind::kSync && !begun);
  });
  if (session.killed && random_.one_in(2)) {
    session.flush = "never";
    while (!session.steps.empty() && session.steps.back().kind != StepKind::kAppend) session.steps.pop_back();
  }
  return session;
}

std::string RecordHistory::run_session(Writer writer) {
  const Session session = record_session(writer);
  story_ += fmt::format("{} (buffer {}, flush {}{}); ", is_crate(writer) ? crate_version(writer) : "ours",
                        session.buffer_bytes, session.flush, session.killed ? ", killed" : "");
  const bool existed = fs::exists(file());
  const bool was_torn = torn();
  const auto killed = scratch_.fresh();
  if (auto wrong = run(session, directory_, killed); !wrong.empty()) return "refused: " + wrong;
  const bool flushes_all = session.flush == "append" || session.flush == "always" || session.flush == "1";
  bool touched = !is_crate(writer);
  std::uint64_t least = records_.size();
  std::uint64_t floor = existed ? size_of(records_, least) : 0;
  for (const Step& step : session.steps) {
    records_.insert(records_.end(), step.payloads.begin(), step.payloads.end());
    touched = touched || step.kind == StepKind::kAppend;
    if (step.kind != StepKind::kAppend || flushes_all) least = records_.size();
  }
  if (!session.killed && !is_crate(writer)) least = records_.size();
  tally_.count(is_crate(writer) ? kResumedByCrate : kResumedByUs, existed && touched);
  tally_.count(is_crate(writer) ? kCutByCrate : kCutByUs, was_torn && touched);
  tally_.count(kKilled, session.killed);
  if (session.killed) directory_ = killed;
  // A kill, or a full disk, in the middle of the last write.
  if (least > 0 || format_ == RecordLogFormat::kV2) floor = std::max(floor, size_of(records_, least));
  const std::uint64_t size = file_bytes();
  if (session.killed && touched && size > floor && random_.one_in(2)) {
    const bool in_the_header = floor == 0 && random_.one_in(4);
    const std::uint64_t end = in_the_header
                                  ? random_.below(recordlog::kHeaderBytes)
                                  : size - 1 - random_.below(std::min<std::uint64_t>(size - floor, 200));
    story_ += fmt::format("cut at {}; ", end);
    fs::resize_file(file(), end);
    tally_.count(kTornHeader, end < recordlog::kHeaderBytes);
  }
  return check_readers(least);
}

std::string RecordHistory::check_readers(std::uint64_t least) {
  const auto directory = FsDirectory::open(directory_).value();
  const json strict = compat::reading_records(directory, kFile, ReadMode::kStrict);
  const json best_effort = compat::reading_records(directory, kFile, ReadMode::kBestEffort);
  if (!best_effort.at("ok").get<bool>()) return "best effort: " + best_effort.dump();
  const std::uint64_t count = best_effort.at("records");
  if (count < least || count > records_.size()) {
    return fmt::format("{} records, not {} to {}", count, least, records_.size());
  }
  records_.resize(count);
  if (best_effort.at("digest") != fmt::format("{:08x}", digest_of(records_))) return "other records";
  if (torn() ? strict.value("kind", "") != "truncated" : strict != best_effort)
    return "strict: " + strict.dump();
  tally_.count(kTorn, torn());
  for (const std::string_view version : {"0.6.4", "0.7.2", "0.10.0"}) {
    const json crate = ask("records-read", version, directory_);
    const auto verdicts =
        compat::verdicts_of_crate(crate.at("strict"), crate.at("best_effort"), json::object());
    const json refused{{"ok", false}, {"kind", "format"}};
    const bool same = format_ == RecordLogFormat::kV1
                          ? verdicts.strict == strict && verdicts.best_effort == best_effort
                          : verdicts.strict == refused && verdicts.best_effort == refused;
    if (!same) {
      return fmt::format("crate {} reads {}, ours {} {}", version, crate.dump(), strict.dump(),
                         best_effort.dump());
    }
  }
  return {};
}

// The records once more, by the crate and by us in one session each: what all those writers made in turn.
std::string RecordHistory::compare_bytes() {
  if (records_.empty()) return {};
  Session session{.writer = static_cast<Writer>(random_.below(3)), .flush = "manual"};
  if (random_.one_in(2)) session.buffer_bytes = 1 + random_.below(5000);
  for (const Bytes& record : records_)
    session.steps.push_back({.kind = StepKind::kAppend, .payloads = {record}});
  session.steps.push_back({.kind = StepKind::kFlush, .payloads = {}});
  Bytes whole = contents_of(file());
  whole.resize(size_of(records_, records_.size()));
  for (const Writer writer : {session.writer, Writer::kOursV3}) {
    if (is_crate(writer) && format_ == RecordLogFormat::kV2) continue;
    session.writer = writer;
    const auto other = scratch_.fresh();
    if (auto wrong = run(session, other, {}); !wrong.empty()) return story_ + "a copy: " + wrong;
    if (contents_of(other / kFile) != whole) {
      return fmt::format("{}not what {} writes", story_, is_crate(writer) ? crate_version(writer) : "we");
    }
  }
  return {};
}

std::string RecordHistory::compare_verdicts() {
  if (auto wrong = compare_verdicts_of(directory_, "as it is"); !wrong.empty()) return wrong;
  for (int copies = fs::exists(file()) ? kDamagedCopies : 0; copies > 0; --copies) {
    const auto copy = scratch_.fresh();
    fs::copy_file(file(), copy / kFile);
    const std::string how = damage_file(copy / kFile, recordlog::kHeaderBytes, random_);
    tally_.damaged();
    if (auto wrong = compare_verdicts_of(copy, how); !wrong.empty()) return wrong;
    fs::remove_all(copy);
  }
  return {};
}

std::string RecordHistory::compare_verdicts_of(const fs::path& log, std::string_view what) {
  const auto copy = [&] {
    auto path = scratch_.fresh();
    if (fs::exists(log / kFile)) fs::copy_file(log / kFile, path / kFile);
    return path;
  };
  const auto theirs = copy();
  const auto own = copy();
  const json read = ask("records-read", "0.10.0", log);
  const auto crate = compat::verdicts_of_crate(read.at("strict"), read.at("best_effort"),
                                               ask("records-resume", "0.10.0", theirs));
  const auto directory = FsDirectory::open(log).value();
  const compat::Verdicts ours{compat::reading_records(directory, kFile, ReadMode::kStrict),
                              compat::reading_records(directory, kFile, ReadMode::kBestEffort),
                              compat::resuming_records(FsDirectory::open(own).value(), kFile)};
  tally_.count(kDamaged, !ours.strict.at("ok").get<bool>());
  const auto report = [&](std::string_view wrong) {
    return fmt::format("{}{}: {}\n  crate {}\n        {}\n  ours  {}\n        {}\n        {}", story_, what,
                       wrong, read.dump(), crate.resume.dump(), ours.strict.dump(), ours.best_effort.dump(),
                       ours.resume.dump());
  };
  if (crate != ours) {
    const auto name = compat::deliberate_record_difference(
        crate, ours, [&] { return FsDirectory::open(log).value(); }, kFile);
    if (name.empty()) return report("another verdict");
    tally_.difference(name);
    return {};
  }
  const bool resumed = ours.resume.at("ok").get<bool>();
  const bool same = !resumed || contents_of(own / kFile) == contents_of(theirs / kFile);
  return same ? std::string() : report("resumed to other bytes");
}

std::string one_history(CrateProgram& crate, FirstWriter first, std::uint64_t seed, Tally& tally) {
  Scratch scratch;
  RecordHistory history(crate, scratch, seed, tally);
  if (auto wrong = history.write(first); !wrong.empty()) return wrong;
  if (auto wrong = history.compare_bytes(); !wrong.empty()) return wrong;
  return history.compare_verdicts();
}

void run(CrateProgram& crate, FirstWriter first) {
  Tally tally{kTorn, kTornHeader, kResumedByCrate, kResumedByUs, kCutByCrate, kCutByUs, kKilled, kDamaged};
  run_histories(first, tally, [&](std::uint64_t seed) { return one_history(crate, first, seed, tally); });
}

class RecordInterop : public InteropTest {};
TEST_F(RecordInterop, WhatTheCrateBeganWeReadAndGoOnWithAndTheCrateAgain) {
  run(*crate_, FirstWriter::kCrate);
}

TEST_F(RecordInterop, WhatWeBeganTheCrateReadsAndGoesOnWithAndWeAgain) { run(*crate_, FirstWriter::kOurs); }

}  // namespace
}  // namespace durability::interop
