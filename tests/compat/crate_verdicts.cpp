#include "crate_verdicts.hpp"

#include <algorithm>
#include <array>

namespace durability::compat {
namespace {

json without_message(json verdict) {
  verdict.erase("message");
  if (verdict.contains("after")) verdict["after"].erase("message");
  return verdict;
}

// Ours: `wal_01.log` and `wal_+1.log` are no segments' names. The crate reads them as number 1, which then is
// there twice, or too many.
bool odd_names_are_noise(const Verdicts& crate, const Verdicts& ours, const Load& load) {
  if (crate.strict.at("ok") || crate.strict.at("kind") != "format") return false;
  int odd_names = 0;
  const Verdicts without_them = our_verdicts([&] {
    auto directory = load();
    const auto files = directory->list("wal").value();
    for (const auto& file : files) {
      if (file.find("wal_0") == 0 || file.find('+') != std::string::npos) {
        directory->remove("wal/" + file).value();
        ++odd_names;
      }
    }
    return directory;
  });
  return odd_names > 0 && ours == without_them;
}

Bytes newest_segment(Directory& directory) {
  const auto ids = walog::list_segments(directory).value();
  if (ids.empty()) return {};
  return directory.read_file(walog::segment_path(ids.back()), 1U << 30U).value();
}

// Ours: a final segment of nothing but zeros is what a crash leaves, whatever its length. The crate refuses
// it from 4 bytes on, and then the log cannot be opened.
bool zeros_are_a_torn_header(const Verdicts& crate, const Verdicts& ours, std::string_view message,
                             const Load& load) {
  if (message != "format error: invalid WAL magic") return false;
  const Bytes segment = newest_segment(*load());
  if (std::ranges::any_of(segment, [](std::byte byte) { return byte != std::byte{0}; })) return false;
  const bool reads = ours.strict.at("kind") == "truncated" &&
                     ours.strict.at("digest") == crate.strict.at("digest") && ours.best_effort.at("ok") &&
                     ours.best_effort.at("digest") == crate.strict.at("digest");
  if (!reads) return false;
  if (!ours.resume.at("ok")) return ours.resume.at("kind") == "invalid_state";  // a lone one
  return ours.resume.at("append_ok") && ours.resume.at("after").at("ok");
}

// Ours: where every segment is zeros nothing says that the log was of version 2 or 3, so that it is
// `corrupt`, as in version 4, unless it is segment 1 alone. The crate misses its magic.
bool a_log_of_zeros_is_version_4(const Verdicts& ours, const Load& load) {
  const auto directory = load();
  const auto ids = walog::list_segments(*directory).value();
  const bool only_zeros = std::ranges::all_of(ids, [&](SegmentId id) {
    const Bytes segment = directory->read_file(walog::segment_path(id), 1U << 30U).value();
    return std::ranges::all_of(segment, [](std::byte byte) { return byte == std::byte{0}; });
  });
  const auto refuses = [](const json& own) { return !own.at("ok") && own.at("kind") == "corrupt"; };
  return only_zeros && refuses(ours.strict) && refuses(ours.best_effort) && refuses(ours.resume);
}

bool some_start_id_is_wrong(Directory& directory) {
  const auto ids = walog::list_segments(directory).value();
  return std::ranges::any_of(ids, [&](SegmentId id) {
    constexpr std::size_t kStart = 8;
    constexpr std::size_t kFirstEntry = 24 + 4;
    const Bytes segment = directory.read_file(walog::segment_path(id), 1U << 30U).value();
    return segment.size() >= kFirstEntry + 8 &&
           load_le<std::uint64_t>(segment, kStart) != load_le<std::uint64_t>(segment, kFirstEntry);
  });
}

// Ours: a header whose start id is not its first entry's is `format` before that entry is delivered, and
// resuming refuses it too. The crate delivers the whole segment first, where nothing else is wrong in it, and
// resumes, where it is not the final one, a log that it then cannot read.
bool wrong_start_id_is_seen_first(const Verdicts& crate, const Verdicts& ours, const Load& load) {
  const auto agrees = [](const json& theirs, const json& own) {
    return theirs == own || (!theirs.at("ok") && !own.at("ok") && own.at("kind") == "format" &&
                             own.at("entries") <= theirs.at("entries"));
  };
  const bool crate_cannot_go_on = !crate.resume.at("ok") || !crate.resume.at("after").at("ok");
  return some_start_id_is_wrong(*load()) && agrees(crate.strict, ours.strict) &&
         agrees(crate.best_effort, ours.best_effort) && crate_cannot_go_on && !ours.resume.at("ok") &&
         ours.resume.at("kind") == "format";
}

// Ours: a log that begins later has lost its first segment, or never had one; so a segment number 1 that says
// another start is damaged. The crate takes whatever its first segment says.
bool first_segment_begins_at_1(const Verdicts& ours, const Load& load) {
  const auto directory = load();
  const auto ids = walog::list_segments(*directory).value();
  if (ids.empty() || ids.front().value() != 1) return false;
  const Bytes first = directory->read_file(walog::segment_path(ids.front()), 1U << 30U).value();
  const auto refuses = [](const json& own) { return !own.at("ok") && own.at("kind") == "format"; };
  return first.size() >= 24 && load_le<std::uint64_t>(first, 8) != 1 && refuses(ours.strict) &&
         ours.strict.at("entries") == 0 && refuses(ours.best_effort) && refuses(ours.resume);
}

// Ours: where the only segment is torn inside its header and is not number 1, entries were truncated away
// before it, and nobody knows how many. The crate begins again at entry 1.
bool lone_torn_segment_is_no_new_log(const Verdicts& crate, const Verdicts& ours) {
  return crate.strict == ours.strict && crate.best_effort == ours.best_effort && crate.resume.at("ok") &&
         crate.resume.at("next") == 1 && !ours.resume.at("ok") && ours.resume.at("kind") == "invalid_state" &&
         ours.best_effort.at("entries") == 0;
}

// Ours: what stands before a missing segment is delivered, then the error names the missing file, or the
// damage that was met before it. The crate looks at the names first, and reads nothing.
bool sound_front_of_a_gap(const Verdicts& crate, const Verdicts& ours, std::string_view message) {
  const auto refuses = [](const json& verdict) { return !verdict.at("ok").get<bool>(); };
  return message.starts_with("format error: WAL segment id gap") && crate.strict.at("entries") == 0 &&
         refuses(ours.strict) && refuses(ours.best_effort) && refuses(ours.resume);
}

}  // namespace

std::string_view kind_of(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kPoisoned:
    case ErrorCode::kClosed:
    case ErrorCode::kTruncatedAway: return code_name(ErrorCode::kInvalidState);
    default: return code_name(error.code());
  }
}

json reading(const std::shared_ptr<Directory>& directory, ReadMode mode) {
  std::uint64_t entries = 0;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint32_t digest = 0;
  const auto report = WalReader<int>(directory).for_each_bytes(mode, [&](const WalEntryView& view) {
    if (entries++ == 0) first = view.id.value();
    last = view.id.value();
    std::array<std::byte, 16> head{};
    store_le(head, 0, view.id.value());
    store_le(head, 8, std::uint64_t{view.payload.size()});
    digest = crc32(view.payload, crc32(head, digest));
  });
  json result{{"ok", report.has_value()}, {"entries", entries}, {"digest", fmt::format("{:08x}", digest)}};
  if (report) {
    result["first"] = entries > 0 ? json(first) : json(nullptr);
    result["last"] = entries > 0 ? json(last) : json(nullptr);
  } else {
    result["kind"] = kind_of(report.error());
  }
  return result;
}

json resuming(const std::shared_ptr<Directory>& directory, std::optional<WalFormat> format) {
  WalOptions options;
  options.format = format;
  options.preallocate_bytes = 0;
  auto wal = WalWriter<int>::open(directory, options);
  if (!wal) return {{"ok", false}, {"kind", kind_of(wal.error())}};
  const std::uint64_t next = wal->next_entry_id().value();
  const bool appended = wal->append_bytes(as_bytes("after-resume")) && wal->flush_and_sync();
  const bool closed = wal->close().has_value();
  return {{"ok", true},
          {"next", next},
          {"append_ok", appended && closed},
          {"after", reading(directory, ReadMode::kStrict)}};
}

Verdicts verdicts_of_crate(const json& strict, const json& best_effort, const json& resume) {
  return {without_message(strict), without_message(best_effort), without_message(resume)};
}

Verdicts our_verdicts(const Load& load) {
  return {reading(load(), ReadMode::kStrict), reading(load(), ReadMode::kBestEffort), resuming(load())};
}

// docs/formats.md gives the reasons.
std::string_view deliberate_difference(const Verdicts& crate, const Verdicts& ours, std::string_view message,
                                       const Load& load) {
  if (odd_names_are_noise(crate, ours, load)) return kOddNames;
  if (zeros_are_a_torn_header(crate, ours, message, load)) return kZeros;
  if (a_log_of_zeros_is_version_4(ours, load)) return kOnlyZeros;
  if (wrong_start_id_is_seen_first(crate, ours, load)) return kStartId;
  if (first_segment_begins_at_1(ours, load)) return kFirstSegment;
  if (lone_torn_segment_is_no_new_log(crate, ours)) return kLoneTornSegment;
  if (sound_front_of_a_gap(crate, ours, message)) return kMissingSegment;
  return {};
}

}  // namespace durability::compat
