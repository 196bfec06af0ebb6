#include "session.hpp"

#include <fmt/format.h>

#include <array>

#include "durability/testing/manual_clock.hpp"
#include "log_files.hpp"

namespace durability::interop {
namespace {

using testing::SeededRandom;

/// Entries that are bytes and stay what they are.
struct RawCodec {
  template <class T>
  static Status encode(const T& value, Bytes& out) {
    out.insert(out.end(), value.begin(), value.end());
    return {};
  }
  template <class T>
  static Result<T> decode(ByteView bytes) {
    return T(bytes.begin(), bytes.end());
  }
};

class Silent final : public WalObserver {};

constexpr std::chrono::minutes kMaxAge{30};

// Small ones mostly, so that a segment of a few hundred bytes holds some; now and then one that is larger
// than every buffer.
Bytes random_payload(SeededRandom& random) {
  if (random.one_in(200)) return random.bytes(60'000 + random.below(20'000));
  if (random.one_in(8)) return random.bytes(random.below(3000));
  return random.one_in(12) ? Bytes(random.below(20)) : random.bytes(random.below(80));
}

Step random_step(SeededRandom& random) {
  const auto chance = random.below(20);
  if (chance < 13) return {.kind = StepKind::kAppend, .payloads = {random_payload(random)}};
  if (chance < 15) {
    Step batch{.kind = StepKind::kBatch, .payloads = {}};
    for (auto left = 1 + random.below(5); left > 0; --left) batch.payloads.push_back(random_payload(random));
    return batch;
  }
  if (chance < 17) return {.kind = StepKind::kFlush, .payloads = {}};
  if (chance < 18) return {.kind = StepKind::kSync, .payloads = {}};
  return {.kind = chance < 19 ? StepKind::kOld : StepKind::kYoung, .payloads = {}};
}

std::string spelled_step(const Step& step) {
  static constexpr std::array<std::string_view, 6> kNames = {"a:", "b:", "f", "s", "o", "y"};
  std::string word(kNames.at(static_cast<std::size_t>(step.kind)));
  for (std::size_t i = 0; i < step.payloads.size(); ++i) {
    if (i > 0) word += '+';
    word += hex(step.payloads[i]);
  }
  return word;
}

SessionReport run_crate(const Session& session, CrateProgram& crate, const std::filesystem::path& directory,
                        const std::filesystem::path& killed, std::string& error) {
  std::string command = fmt::format("wal-write crate={} dir={} segment={} preallocate={} buffer={} flush={}",
                                    crate_version(session.writer), directory.string(), session.segment_bytes,
                                    session.preallocate_bytes, session.buffer_bytes, session.flush);
  if (session.killed) command += " killed=" + killed.string();
  command += " ops=" + spelled(session.steps);
  const json answer = crate.ask(command);
  if (!answer.at("ok")) {
    error = answer.at("message");
    return {};
  }
  return {.first = answer.at("first"),
          .next = answer.at("next"),
          .rotations = answer.at("rotations"),
          .by_age = answer.at("by_age")};
}

Status take(WalWriter<Bytes, RawCodec>& wal, const Step& step) {
  switch (step.kind) {
    case StepKind::kAppend: DURABILITY_TRY(wal.append_bytes(step.payloads.front())); break;
    case StepKind::kBatch: DURABILITY_TRY(wal.append_batch(step.payloads)); break;
    case StepKind::kFlush: return wal.flush();
    case StepKind::kSync: DURABILITY_TRY(wal.flush_and_sync()); break;
    case StepKind::kOld:
    case StepKind::kYoung: break;
  }
  return {};
}

Result<SessionReport> run_ours(const Session& session, const std::filesystem::path& path) {
  const auto clock = std::make_shared<testing::ManualClock>();
  WalOptions options;
  options.format = session.writer == Writer::kOursV2 ? WalFormat::kV2 : WalFormat::kV3;
  options.segment_bytes = std::max<std::uint64_t>(session.segment_bytes, 128);
  options.preallocate_bytes = std::min(session.preallocate_bytes, options.segment_bytes);
  options.buffer_bytes = std::max<std::size_t>(session.buffer_bytes, 1);
  options.flush = policy_of(session.flush);
  options.segment_max_age = kMaxAge;
  options.clock = clock;
  options.observer = std::make_shared<Silent>();
  DURABILITY_TRY_ASSIGN(const auto directory, FsDirectory::open(path));
  DURABILITY_TRY_ASSIGN(auto wal, (WalWriter<Bytes, RawCodec>::open(directory, options)));
  SessionReport report{.first = wal.next_entry_id().value()};
  bool old = false;
  for (const Step& step : session.steps) {
    const std::uint64_t before = wal.segment_id().value();
    if (step.kind == StepKind::kOld || step.kind == StepKind::kYoung) old = step.kind == StepKind::kOld;
    if (old) clock->advance(kMaxAge);
    DURABILITY_TRY(take(wal, step));
    report.rotations += wal.segment_id().value() - before;
    if (old) report.by_age += wal.segment_id().value() - before;
  }
  report.next = wal.next_entry_id().value();
  if (!session.killed) DURABILITY_TRY(wal.close());
  return report;
}

}  // namespace

std::string_view crate_version(Writer writer) {
  switch (writer) {
    case Writer::kCrate06: return "0.6.4";
    case Writer::kCrate07: return "0.7.2";
    default: return "0.10.0";
  }
}

std::string_view name_of(Writer writer) {
  if (is_crate(writer)) return crate_version(writer);
  return writer == Writer::kOursV2 ? "ours, version 2" : "ours, version 3";
}

std::string hex(ByteView bytes) {
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::byte byte : bytes) {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    text += kDigits[static_cast<unsigned>(byte) >> 4U];
    text += kDigits[static_cast<unsigned>(byte) & 15U];
  }
  return text;
}

FlushPolicy policy_of(std::string_view flush) {
  if (flush == "append" || flush == "always") return FlushPolicy::per_append();
  if (flush == "manual") return FlushPolicy::manual();
  if (flush == "never") return FlushPolicy::interval(std::chrono::hours(24 * 365 * 100));
  return FlushPolicy::every(std::stoul(std::string(flush)));
}

std::string spelled(const std::vector<Step>& steps) {
  std::string words;
  for (const Step& step : steps) {
    words += spelled_step(step);
    words += ',';
  }
  return words;
}

Session random_session(Writer writer, SeededRandom& random) {
  static constexpr std::array<std::uint64_t, 6> kSegments = {40, 128, 300, 700, 2'500, 20'000};
  static constexpr std::array<std::string_view, 8> kFlushes = {"append", "append", "append", "1",
                                                               "3",      "manual", "always", "never"};
  Session session{.writer = writer};
  session.segment_bytes = kSegments.at(random.below(kSegments.size()));
  if (random.one_in(2)) session.preallocate_bytes = 25 + random.below(2 * session.segment_bytes);
  if (random.one_in(3)) session.buffer_bytes = 1 + random.below(random.one_in(2) ? 300 : 70'000);
  session.flush = kFlushes.at(random.below(kFlushes.size()));
  session.killed = random.one_in(2);
  for (auto left = random.below(25); left > 0; --left) session.steps.push_back(random_step(random));
  if (!random.one_in(4)) session.steps.push_back({.kind = StepKind::kFlush, .payloads = {}});
  return session;
}

SessionReport run(const Session& session, CrateProgram& crate, const std::filesystem::path& directory,
                  const std::filesystem::path& killed, std::string& error) {
  if (is_crate(session.writer)) return run_crate(session, crate, directory, killed, error);
  auto report = run_ours(session, directory);
  if (!report) error = report.error().to_string();
  // Nothing of ours runs after a destroyed writer, so that it leaves what a dead process leaves.
  if (session.killed) copy_log(directory, killed);
  return report ? *report : SessionReport{};
}

}  // namespace durability::interop
