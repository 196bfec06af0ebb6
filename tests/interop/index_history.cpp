#include "index_history.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "../compat/file_verdicts.hpp"

namespace durability::interop {
namespace {

namespace fs = std::filesystem;
using Marker = segment_index::Checkpoint;
using compat::json;

json as_json(const Result<RecoveredState>& recovered) {
  if (!recovered) return {{"ok", false}, {"kind", compat::kind_of(recovered.error())}};
  json segments = json::array();
  for (const auto& [id, segment] : recovered->segments) {
    segments.push_back({id, segment.doc_count, segment.deleted_docs});
  }
  return {{"ok", true}, {"last", recovered->last_entry_id.value()}, {"segments", segments}};
}

json our_recovery(const fs::path& directory, const std::vector<std::string>& published) {
  const RecoveryManager manager(FsDirectory::open(directory).value());
  std::optional<std::string_view> path;
  if (!published.empty()) path = published.back();
  return {{"recover", as_json(manager.recover(path))},
          {"best_effort", as_json(manager.recover_best_effort(path))},
          {"latest", as_json(manager.recover_latest())},
          {"latest_best_effort", as_json(manager.recover_latest_best_effort())}};
}

json recovery_of_crate(CrateProgram& crate, const fs::path& directory,
                       const std::vector<std::string>& published) {
  json all = crate.ask(fmt::format("index-recover crate=0.10.0 dir={}{}", directory.string(),
                                   published.empty() ? "" : " checkpoint=" + published.back()));
  for (auto& one : all) one.erase("message");
  return all;
}

}  // namespace

IndexSegments IndexHistory::segments_at(std::uint64_t id) const {
  IndexSegments segments;
  for (std::uint64_t i = 0; i < id; ++i) segment_index::apply(segments, entries_[i]);
  return segments;
}

std::vector<IndexHistory::Step> IndexHistory::random_steps() {
  std::vector<Step> steps;
  for (auto left = 1 + random_.below(20); left > 0; --left) {
    if (!entries_.empty() && random_.one_in(8)) {
      published_.push_back(fmt::format("checkpoints/{}.ckpt", published_.size() + 1));
      steps.push_back(
          {.entry = Marker{.checkpoint_path = published_.back(), .last_entry_id = entries_.size()},
           .publish = true});
    } else {
      steps.push_back({.entry = random_entry(random_)});
    }
    entries_.push_back(steps.back().entry);
  }
  return steps;
}

std::string IndexHistory::run_crate(const std::vector<Step>& steps, std::uint64_t segment_bytes) {
  std::string words;
  for (const Step& step : steps) {
    words += step.publish ? "publish." + std::get<Marker>(step.entry).checkpoint_path : spelled(step.entry);
    words += ',';
  }
  const json answer = crate_.ask(fmt::format("index-write crate=0.10.0 dir={} segment={} ops={}",
                                             directory_.string(), segment_bytes, words));
  return answer.at("ok").get<bool>() ? std::string() : answer.dump();
}

Status IndexHistory::run_ours(const std::vector<Step>& steps, std::uint64_t segment_bytes) {
  const auto directory = FsDirectory::open(directory_).value();
  WalOptions options;
  options.format = WalFormat::kV3;
  options.segment_bytes = std::max<std::uint64_t>(segment_bytes, 128);
  options.preallocate_bytes = 0;
  DURABILITY_TRY_ASSIGN(auto wal, WalWriter<WalEntry>::open(directory, options));
  for (const Step& step : steps) {
    if (!step.publish) {
      DURABILITY_TRY(wal.append(step.entry));
      continue;
    }
    DURABILITY_TRY_ASSIGN(const DurableId upto, wal.flush_and_sync());
    DURABILITY_TRY_ASSIGN(auto state, RecoveryManager(directory).recover_latest());
    DURABILITY_TRY(publish_checkpoint(directory, wal, RecoveryManager::to_checkpoint_state(std::move(state)),
                                      upto, std::get<Marker>(step.entry).checkpoint_path));
  }
  return wal.close();
}

std::string IndexHistory::write(FirstWriter first) {
  bool by_crate = first == FirstWriter::kCrate;
  for (auto sessions = 1 + random_.below(4); sessions > 0; --sessions) {
    const bool resumed = !entries_.empty();
    const auto before = published_.size();
    const auto steps = random_steps();
    const std::uint64_t segment_bytes = 60 + random_.below(random_.one_in(2) ? 100 : 2000);
    story_ +=
        fmt::format("{} (segment {}, {} steps); ", by_crate ? "0.10.0" : "ours", segment_bytes, steps.size());
    if (by_crate) {
      if (auto wrong = run_crate(steps, segment_bytes); !wrong.empty()) return story_ + "refused: " + wrong;
    } else if (auto done = run_ours(steps, segment_bytes); !done) {
      return story_ + "refused: " + done.error().to_string();
    }
    tally_.count(by_crate ? "resumed by the crate" : "resumed by us", resumed);
    tally_.count(by_crate ? "a checkpoint by the crate" : "a checkpoint by us", published_.size() > before);
    for (const auto check :
         {&IndexHistory::check_entries, &IndexHistory::check_checkpoints, &IndexHistory::check_recovery}) {
      if (auto wrong = (this->*check)(); !wrong.empty()) return story_ + wrong;
    }
    by_crate = random_.one_in(2);
  }
  const auto segments = segments_of(directory_);
  tally_.count("several segments", segments.size() > 1);
  tally_.count("a truncated log", segments.front().start > 1);
  return {};
}

// The crate says of each entry what it is; of its bytes, we know which they must be.
std::string IndexHistory::check_entries() {
  json expected = json::array();
  std::string wrong;
  const auto read = WalReader<WalEntry>(FsDirectory::open(directory_).value())
                        .for_each_bytes(ReadMode::kStrict, [&](const WalEntryView& view) {
                          const WalEntry& entry = entries_.at(view.id.value() - 1);
                          Bytes bytes;
                          if (!Postcard::encode(entry, bytes) || !std::ranges::equal(bytes, view.payload)) {
                            wrong = fmt::format("entry {} is not {}", view.id, spelled(entry));
                          }
                          expected.push_back({view.id.value(), spelled(entry)});
                        });
  if (!read) return read.error().to_string();
  if (!wrong.empty()) return wrong;
  if (read->next.value() != entries_.size() + 1) return fmt::format("goes on at entry {}", read->next);
  const json crate = crate_.ask("index-read crate=0.10.0 dir=" + directory_.string());
  return crate.value("entries", json()) == expected ? std::string() : "the crate reads " + crate.dump();
}

// What was published is, byte for byte, what we write for what the entries up to there make.
std::string IndexHistory::check_checkpoints() {
  for (const WalEntry& entry : entries_) {
    const auto* const marker = std::get_if<Marker>(&entry);
    if (marker == nullptr) continue;
    const auto other = scratch_.fresh();
    const CheckpointFile files(FsDirectory::open(other).value());
    const CheckpointState state{.segments = segments_at(marker->last_entry_id)};
    if (auto done = files.write("c", EntryId(marker->last_entry_id), state); !done)
      return done.error().to_string();
    if (contents_of(other / "c") != contents_of(directory_ / marker->checkpoint_path)) {
      return marker->checkpoint_path + " is not what we write";
    }
    fs::remove_all(other);
  }
  return {};
}

std::string IndexHistory::check_recovery() {
  const json ours = our_recovery(directory_, published_);
  const json crate = recovery_of_crate(crate_, directory_, published_);
  RecoveredState expected;
  expected.segments = segments_at(entries_.size());
  expected.last_entry_id = EntryId(entries_.size());
  const json all = as_json(expected);
  tally_.count("deleted documents", std::ranges::any_of(expected.segments, [](const auto& segment) {
                 return !segment.second.deleted_docs.empty();
               }));
  for (const auto& [way, state] : ours.items()) {
    if (state != all || crate.at(way) != all) {
      return fmt::format("{}: crate {}, ours {}, not {}", way, crate.at(way).dump(), state.dump(),
                         all.dump());
    }
  }
  return {};
}

std::string IndexHistory::damage_copy(const fs::path& copy) {
  const auto segments = segments_of(copy);
  const fs::path log =
      segments.at(random_.one_in(2) ? segments.size() - 1 : random_.below(segments.size())).path;
  const auto name = [](const fs::path& path) { return path.filename().string(); };
  if (published_.empty() || random_.one_in(2)) {
    if (random_.one_in(6)) {
      fs::remove(log);
      return name(log) + " gone";
    }
    Bytes contents = contents_of(log);
    contents.resize(1 + random_.below(contents.size() - 1));  // an empty log: wal_test.cpp
    replace(log, contents);
    return fmt::format("{} cut to {}", name(log), contents.size());
  }
  const fs::path checkpoint =
      copy / published_.at(random_.one_in(2) ? published_.size() - 1 : random_.below(published_.size()));
  if (random_.one_in(2)) {
    fs::remove(checkpoint);
    return name(checkpoint) + " gone";
  }
  Bytes contents = contents_of(checkpoint);
  std::size_t at = random_.below(contents.size());
  // Not in the payload's length: what that looks like, checkpoint_test.cpp compares.
  if (at >= checkpoint::kPayloadBytesOffset && at < checkpoint::kCrcOffset) at = checkpoint::kCrcOffset;
  contents.at(at) ^= static_cast<std::byte>(1U << random_.below(8));
  replace(checkpoint, contents);
  return name(checkpoint) + " with a bit flipped";
}

std::string IndexHistory::compare_verdicts() {
  constexpr int kDamagedCopies = 3;
  for (int copies = 0; copies < kDamagedCopies; ++copies) {
    const auto copy = scratch_.fresh();
    fs::copy(directory_, copy, fs::copy_options::recursive);
    const std::string how = damage_copy(copy);
    tally_.damaged();
    const json ours = our_recovery(copy, published_);
    const json crate = recovery_of_crate(crate_, copy, published_);
    for (const auto& [way, state] : ours.items()) {
      tally_.count(state.at("ok").get<bool>() ? "recovered though damaged" : "refused");
      if (state == crate.at(way)) continue;
      const auto name = compat::deliberate_recovery_difference(
          crate, ours, way, [&] { return FsDirectory::open(copy).value(); });
      if (name.empty()) {
        return fmt::format("{}{}, {}: crate {}, ours {}", story_, how, way, crate.at(way).dump(),
                           state.dump());
      }
      tally_.difference(name);
    }
    fs::remove_all(copy);
  }
  return {};
}

}  // namespace durability::interop
