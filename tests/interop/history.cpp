#include "history.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace durability::interop {
namespace {

using testing::SeededRandom;

std::uint32_t digest_of(const std::vector<Bytes>& entries, std::uint64_t id) {
  std::uint32_t digest = 0;
  for (const Bytes& payload : entries) {
    std::array<std::byte, 16> head{};
    store_le(head, 0, id++);
    store_le(head, 8, std::uint64_t{payload.size()});
    digest = crc32(payload, crc32(head, digest));
  }
  return digest;
}

std::shared_ptr<Directory> open(const std::filesystem::path& path) { return FsDirectory::open(path).value(); }

}  // namespace

History::History(CrateProgram& crate, Scratch& scratch, std::uint64_t seed)
    : crate_(crate), scratch_(scratch), random_(seed), directory_(scratch.fresh()) {}

// What an older crate cannot do, or does wrong, is kept from it: 0.6.4 knows no version 3; 0.7.2 appends
// version 3 to a segment of version 2; both refuse padding before another segment, and begin at entry 1
// where truncation left nothing but a header.
std::vector<Writer> History::possible_writers() const {
  std::vector<Writer> writers = {Writer::kCrate010, Writer::kOursV2, Writer::kOursV3};
  const auto segments = segments_of(directory_);
  const bool padding_within = std::ranges::any_of(segments, [&](const SegmentFile& segment) {
    return segment.padded() && segment.id != segments.back().id;
  });
  const bool only_a_header =
      segments.size() == 1 && segments.back().entries == 0 && segments.back().start > 1;
  if (padding_within || only_a_header) return writers;
  const auto all_are = [&](std::uint32_t version) {
    return std::ranges::all_of(segments,
                               [&](const SegmentFile& segment) { return segment.version == version; });
  };
  if (all_are(2)) writers.push_back(Writer::kCrate06);
  if (segments.empty() || segments.back().version == 3) writers.push_back(Writer::kCrate07);
  return writers;
}

std::string History::write(FirstWriter first, Tally& tally) {
  for (auto sessions = 1 + random_.below(4); sessions > 0; --sessions) {
    auto writers = possible_writers();
    if (story_.empty()) {
      std::erase_if(writers,
                    [&](Writer writer) { return is_crate(writer) != (first == FirstWriter::kCrate); });
    }
    if (auto wrong = run_session(writers.at(random_.below(writers.size()))); !wrong.empty())
      return story_ + wrong;
    if (random_.one_in(5)) {
      if (auto wrong = truncate(); !wrong.empty()) return story_ + wrong;
    }
  }
  const auto segments = segments_of(directory_);
  tally.count("several segments", segments.size() > 1);
  tally.count("padding", std::ranges::any_of(segments, &SegmentFile::padded));
  tally.count("a rotation by age", by_age_);
  tally.count("a version change", std::ranges::any_of(segments, [&](const SegmentFile& segment) {
                return segment.version != segments.front().version;
              }));
  return {};
}

std::string History::run_session(Writer writer) {
  const Session session = random_session(writer, random_);
  story_ += fmt::format("{} (segment {}, preallocate {}, buffer {}, flush {}{}); ", name_of(writer),
                        session.segment_bytes, session.preallocate_bytes, session.buffer_bytes, session.flush,
                        session.killed ? ", killed" : "");
  const bool resumes = !segments_of(directory_).empty();
  const auto killed = scratch_.fresh();
  std::string error;
  const SessionReport report = run(session, crate_, directory_, killed, error);
  if (!error.empty()) return "refused: " + error;
  if (report.first != first_ + entries_.size()) {
    return fmt::format("went on at entry {}, not {}", report.first, first_ + entries_.size());
  }
  const bool closed = !session.killed && !is_crate(writer);
  const bool policy_counts = !is_crate(writer) || !resumes;  // a crate's writer that resumes flushes every 64
  const bool flushes_all = session.flush == "append" || session.flush == "always" || session.flush == "1";
  std::uint64_t least = entries_.size();
  for (const Step& step : session.steps) {
    entries_.insert(entries_.end(), step.payloads.begin(), step.payloads.end());
    const bool flushes = step.kind == StepKind::kFlush || step.kind == StepKind::kSync ||
                         (step.kind == StepKind::kBatch && is_crate(writer));  // with us the policy decides
    if (flushes) least = entries_.size();
  }
  if (closed || (policy_counts && flushes_all)) least = entries_.size();
  if (report.next != first_ + entries_.size()) return fmt::format("stopped at entry {}", report.next);
  by_age_ = by_age_ || report.by_age > 0;
  if (session.killed) {
    std::filesystem::remove_all(directory_);
    directory_ = killed;
  }
  return check_readers(least, entries_.size());
}

// A writer that was killed may leave 1 to 3 zeros after its last frame: a torn length field, for all they
// say.
bool History::ends_torn() const {
  const auto segments = segments_of(directory_);
  return !segments.empty() && segments.back().padded() &&
         segments.back().contents.size() - segments.back().used < sizeof(std::uint32_t);
}

std::string History::check_readers(std::uint64_t least, std::uint64_t most) {
  json crate = crate_.ask("wal-read crate=0.10.0 dir=" + directory_.string());
  crate["strict"].erase("message");
  const auto directory = open(directory_);
  const json strict = compat::reading(directory, ReadMode::kStrict);
  const json best_effort = compat::reading(directory, ReadMode::kBestEffort);
  const bool reads = ends_torn() ? strict.value("kind", "") == "truncated" : strict == best_effort;
  if (!best_effort.at("ok") || !reads || crate.at("strict") != strict ||
      crate.at("best_effort") != best_effort) {
    return fmt::format("crate {}, ours {} {}", crate.dump(), strict.dump(), best_effort.dump());
  }
  const std::uint64_t count = best_effort.at("entries");
  if (count < least || count > most) return fmt::format("{} entries, not {} to {}", count, least, most);
  entries_.resize(count);
  if (best_effort.at("digest") != fmt::format("{:08x}", digest_of(entries_, first_))) return "other entries";
  return check_old_crates(strict, best_effort);
}

// The older crates take padding for an end in the final segment only, and there in best effort only.
std::string History::check_old_crates(const json& strict, const json& best_effort) {
  const auto segments = segments_of(directory_);
  const bool version_2 = std::ranges::all_of(segments, [](const SegmentFile& s) { return s.version == 2; });
  const auto padded = std::ranges::find_if(segments, &SegmentFile::padded);
  for (const std::string_view version : {"0.6.4", "0.7.2"}) {
    if (version == "0.6.4" && !version_2) continue;
    if (padded != segments.end() && padded->id != segments.back().id) continue;
    const json crate = crate_.ask(fmt::format("wal-read crate={} dir={}", version, directory_.string()));
    const bool strict_agrees = padded != segments.end() || crate.at("strict") == strict;
    if (!strict_agrees || crate.at("best_effort") != best_effort) {
      return fmt::format("crate {} reads {}, not {}", version, crate.dump(), strict.dump());
    }
  }
  return {};
}

std::string History::truncate() {
  const std::uint64_t through = first_ + random_.below(entries_.size() + 1);
  if (random_.one_in(2) && !ends_torn()) {  // the crate truncates what it can read strictly
    story_ += fmt::format("0.10.0 truncates through {}; ", through);
    const json answer =
        crate_.ask(fmt::format("wal-truncate crate=0.10.0 dir={} through={}", directory_.string(), through));
    if (!answer.at("ok")) return "refused: " + answer.dump();
  } else {
    story_ += fmt::format("we truncate through {}; ", through);
    WalOptions options;
    options.format = segments_of(directory_).empty() ? std::optional(WalFormat::kV3) : std::nullopt;
    auto wal = WalWriter<int>::open(open(directory_), options);
    if (!wal) return "refused: " + wal.error().to_string();
    const EntryId upto(std::min(through, wal->last_entry_id().value()));
    if (upto.value() > 0) {
      const auto durable = wal->durable_up_to(upto);
      if (!durable) return "not durable: " + durable.error().to_string();
      if (auto done = wal->truncate_prefix(*durable); !done) return "refused: " + done.error().to_string();
    }
    if (auto done = wal->close(); !done) return "refused: " + done.error().to_string();
  }
  const auto segments = segments_of(directory_);
  if (segments.empty()) return {};
  const std::uint64_t gone = segments.front().start - first_;
  if (gone > entries_.size() || segments.front().start > through + 1) return "too much is gone";
  entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(gone));
  first_ += gone;
  return check_readers(entries_.size(), entries_.size());
}

}  // namespace durability::interop
