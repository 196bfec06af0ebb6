// What the crate makes of a log beside what this library makes of it.

#include <fmt/format.h>

#include <algorithm>

#include "history.hpp"

namespace durability::interop {
namespace {

// For the crate's writer, unbuffered: these entries, a new segment before each one of `starts`.
std::vector<Step> steps_of(const std::vector<Bytes>& entries, std::uint64_t first,
                           const std::vector<SegmentFile>& segments) {
  std::vector<Step> steps;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const bool begins = i > 0 && std::ranges::any_of(segments, [&](const SegmentFile& segment) {
                          return segment.entries > 0 && segment.start == first + i;
                        });
    if (begins) steps.push_back({.kind = StepKind::kOld, .payloads = {}});
    steps.push_back({.kind = StepKind::kAppend, .payloads = {entries[i]}});
    if (begins) steps.push_back({.kind = StepKind::kYoung, .payloads = {}});
  }
  return steps;
}

}  // namespace

std::string History::compare_bytes() {
  const auto segments = segments_of(directory_);
  if (segments.empty() || first_ != 1 || entries_.empty()) return {};
  const std::uint32_t version = segments.front().version;
  if (std::ranges::any_of(segments, [&](const SegmentFile& segment) { return segment.version != version; }))
    return {};

  const auto writer = version == 2        ? Writer::kCrate06
                      : random_.one_in(2) ? Writer::kCrate07
                                          : Writer::kCrate010;
  const Session session{
      .writer = writer, .segment_bytes = 1U << 30U, .steps = steps_of(entries_, first_, segments)};
  const auto other = scratch_.fresh();
  std::string error;
  run(session, crate_, other, {}, error);
  if (!error.empty()) return story_ + "the crate's copy: " + error;
  const auto theirs = segments_of(other);
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const SegmentFile& segment = segments[i];
    if (segment.entries == 0 && i + 1 == segments.size() && i == theirs.size())
      continue;  // begun, and killed
    const ByteView used = ByteView(segment.contents).first(segment.used);
    if (i >= theirs.size() || !std::ranges::equal(used, theirs[i].contents)) {
      return fmt::format("{}segment {} is not what {} writes", story_, segment.id, name_of(writer));
    }
    const ByteView padding = ByteView(segment.contents).subspan(segment.used);
    if (std::ranges::any_of(padding, [](std::byte byte) { return byte != std::byte{0}; })) {
      return fmt::format("{}segment {} ends in something else than zeros", story_, segment.id);
    }
  }
  std::filesystem::remove_all(other);
  return {};
}

std::string History::compare_verdicts(int damaged_copies, Tally& tally) {
  if (auto wrong = compare_verdicts_of(directory_, "as it is", tally); !wrong.empty()) return wrong;
  for (; damaged_copies > 0; --damaged_copies) {
    const auto copy = scratch_.fresh();
    copy_log(directory_, copy);
    std::string what = damage(copy, random_);
    if (random_.one_in(6)) what += ", " + damage(copy, random_);
    tally.damaged();
    if (auto wrong = compare_verdicts_of(copy, what, tally); !wrong.empty()) return wrong;
    std::filesystem::remove_all(copy);
  }
  return {};
}

std::string History::compare_verdicts_of(const std::filesystem::path& log, std::string_view what,
                                         Tally& tally) {
  const auto theirs = scratch_.fresh();
  const auto own = scratch_.fresh();
  copy_log(log, theirs);
  copy_log(log, own);
  const auto ask = [&](std::string_view command, const std::filesystem::path& directory) {
    return crate_.ask(fmt::format("{} crate=0.10.0 flush=64 dir={}", command, directory.string()));
  };
  const json read = ask("wal-read", log);
  const auto crate =
      compat::verdicts_of_crate(read.at("strict"), read.at("best_effort"), ask("wal-resume", theirs));
  const auto directory = FsDirectory::open(log).value();
  // Where no segment says which version it is, we would begin anew in our own.
  const bool says_its_version = std::ranges::any_of(
      segments_of(log), [](const SegmentFile& s) { return s.version == 2 || s.version == 3; });
  const auto format = says_its_version ? std::nullopt : std::optional(WalFormat::kV3);
  const compat::Verdicts ours{compat::reading(directory, ReadMode::kStrict),
                              compat::reading(directory, ReadMode::kBestEffort),
                              compat::resuming(FsDirectory::open(own).value(), format)};
  const auto report = [&](std::string_view wrong) {
    return fmt::format("{}{}: {}\n  crate {}\n        {}\n        {}\n  ours  {}\n        {}\n        {}",
                       story_, what, wrong, read.at("strict").dump(), read.at("best_effort").dump(),
                       crate.resume.dump(), ours.strict.dump(), ours.best_effort.dump(), ours.resume.dump());
  };
  std::string_view name;
  if (crate != ours) {
    name = compat::deliberate_difference(crate, ours, read.at("strict").value("message", ""),
                                         [&] { return in_memory(log); });
    if (name.empty()) return report("another verdict");
    tally.difference(name);
  } else if (ours.best_effort.at("ok") && !ours.strict.at("ok")) {
    tally.count("a torn tail");
  }
  // What one made of it by resuming, the other reads.
  // Where one sees files that the other does not, or went on with what the other refuses, there is nothing
  // to compare.
  const bool comparable =
      name != compat::kOddNames && name != compat::kStartId && name != compat::kFirstSegment;
  if (comparable && ours.resume.at("ok") && ask("wal-read", own).at("strict") != ours.resume.at("after")) {
    return report("the crate reads something else where we have resumed");
  }
  if (comparable && crate.resume.at("ok") &&
      compat::reading(FsDirectory::open(theirs).value(), ReadMode::kStrict) != crate.resume.at("after")) {
    return report("we read something else where the crate has resumed");
  }
  std::filesystem::remove_all(theirs);
  std::filesystem::remove_all(own);
  return {};
}

}  // namespace durability::interop
