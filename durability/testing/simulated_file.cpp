#include "durability/testing/simulated_file.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "durability/testing/random.hpp"

namespace durability::testing {
namespace {

constexpr std::size_t kTornPlaces = 4;

void add_if_new(std::vector<Bytes>& options, Bytes option) {
  if (std::find(options.begin(), options.end(), option) == options.end())
    options.push_back(std::move(option));
}

// `base` with other bytes where unsynced writes covered it; `make` is asked for each of them.
template <class Make>
Bytes replace_covered(Bytes base, const std::vector<bool>& covered, Make make) {
  for (std::size_t index = 0; index < base.size(); ++index) {
    if (covered[index]) base[index] = make(index);
  }
  return base;
}

// New up to a byte, old from there on, at a few places of the range in which the two differ.
void add_torn(std::vector<Bytes>& options, const Bytes& newest, const Bytes& oldest) {
  const auto first = std::mismatch(newest.begin(), newest.end(), oldest.begin()).first - newest.begin();
  const auto last = newest.size() - static_cast<std::size_t>(
                                        std::mismatch(newest.rbegin(), newest.rend(), oldest.rbegin()).first -
                                        newest.rbegin());
  const auto begin = static_cast<std::size_t>(first);
  for (std::size_t place = 1; begin + place < last && place <= kTornPlaces; ++place) {
    const std::size_t span = last - begin;
    const std::size_t cut = span <= kTornPlaces + 1 ? place : place * span / (kTornPlaces + 1);
    Bytes torn = oldest;
    std::copy_n(newest.begin(), begin + cut, torn.begin());
    add_if_new(options, std::move(torn));
  }
}

}  // namespace

struct SimulatedFile::CutSize {
  std::uint64_t size;
  Step reached;                 // the step that left this size; 0: before the first
  Step undone_from;             // the truncation that is lost, and all after it
  std::uint64_t appended_from;  // all bytes below were on the disk before
};

Bytes SimulatedFile::sector_of(const Bytes& contents, std::uint64_t sector) const {
  Bytes bytes(sector_bytes_);
  const std::uint64_t begin = sector * sector_bytes_;
  if (begin < contents.size()) {
    const auto count = std::min<std::uint64_t>(sector_bytes_, contents.size() - begin);
    std::copy_n(contents.begin() + static_cast<std::ptrdiff_t>(begin), count, bytes.begin());
  }
  return bytes;
}

void SimulatedFile::record_sector(std::uint64_t sector, std::size_t covered_from, std::size_t covered_to) {
  auto& states = unsynced_[sector];
  std::vector<bool> covered(sector_bytes_);
  if (!states.empty()) {
    covered = states.back().covered;
  } else if (const auto forgotten = forgotten_.find(sector); forgotten != forgotten_.end()) {
    // The page is dirty again, with the bytes that the failed sync forgot.
    covered = std::move(forgotten->second);
    forgotten_.erase(forgotten);
  }
  std::fill(covered.begin() + static_cast<std::ptrdiff_t>(covered_from),
            covered.begin() + static_cast<std::ptrdiff_t>(covered_to), true);
  states.push_back({step_, sector_of(cached_, sector), std::move(covered)});
}

void SimulatedFile::write(std::uint64_t offset, ByteView bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    const std::uint64_t at = offset + done;
    const std::uint64_t sector = at / sector_bytes_;
    const auto in_sector = static_cast<std::size_t>(at % sector_bytes_);
    const std::size_t count = std::min(sector_bytes_ - in_sector, bytes.size() - done);
    ++step_;
    if (at + count > cached_.size()) {
      cached_.resize(at + count);
      sizes_.push_back({step_, at + count, done + count == bytes.size(), false});
    }
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(done), count,
                cached_.begin() + static_cast<std::ptrdiff_t>(at));
    record_sector(sector, in_sector, in_sector + count);
    done += count;
  }
}

void SimulatedFile::truncate(std::uint64_t size) {
  if (size == cached_.size()) return;
  ++step_;
  const Bytes before = cached_;
  cached_.resize(size);
  sizes_.push_back({step_, size, true, size < before.size()});
  // Where the file grows again it reads as zeros; where that write-back is lost, old bytes show.
  const std::uint64_t end = std::max(before.size(), durable_.size());
  for (std::uint64_t sector = size / sector_bytes_; size < before.size() && sector * sector_bytes_ < end;
       ++sector) {
    const Bytes now = sector_of(cached_, sector);
    if (now != sector_of(before, sector) || now != sector_of(durable_, sector)) record_sector(sector, 0, 0);
  }
}

void SimulatedFile::sync() {
  durable_.resize(cached_.size());
  for (const auto& [sector, states] : unsynced_) {
    const std::uint64_t begin = sector * sector_bytes_;
    if (begin >= durable_.size()) continue;
    std::copy_n(states.back().bytes.begin(), std::min<std::uint64_t>(sector_bytes_, durable_.size() - begin),
                durable_.begin() + static_cast<std::ptrdiff_t>(begin));
  }
  unsynced_.clear();
  sizes_.clear();
  step_ = 0;
}

void SimulatedFile::fail_sync(SyncFailure failure) {
  switch (failure) {
    case SyncFailure::kKeep: return;
    case SyncFailure::kForget:
      for (auto& [sector, states] : unsynced_) forgotten_[sector] = std::move(states.back().covered);
      unsynced_.clear();  // the size stays pending: it is metadata, and written with the next sync
      return;
    case SyncFailure::kRevert: *this = SimulatedFile(sector_bytes_, std::move(durable_)); return;
  }
}

void SimulatedFile::drop_clean_pages() {
  for (const auto& [sector, covered] : forgotten_) {
    const std::uint64_t begin = sector * sector_bytes_;
    if (begin >= cached_.size()) continue;
    const Bytes stored = sector_of(durable_, sector);
    std::copy_n(stored.begin(), std::min<std::uint64_t>(sector_bytes_, cached_.size() - begin),
                cached_.begin() + static_cast<std::ptrdiff_t>(begin));
  }
  forgotten_.clear();
}

SimulatedFile::CutSize SimulatedFile::choose_size(const CrashProfile& profile, Chooser& chooser) const {
  const bool inside_calls = profile.data == CrashProfile::Data::kBeforeSize;
  std::vector<std::size_t> candidates;  // how many of the size changes reached the disk, all of them first
  for (std::size_t count = sizes_.size(); count > 0; --count) {
    if (inside_calls || sizes_[count - 1].call_ended) candidates.push_back(count);
  }
  candidates.push_back(0);
  const std::size_t kept = candidates[chooser.choose(candidates.size())];

  CutSize cut{durable_.size(), 0, std::numeric_limits<Step>::max(), durable_.size()};
  for (std::size_t index = 0; index < kept; ++index) {
    cut.size = sizes_[index].size;
    cut.reached = sizes_[index].step;
    cut.appended_from = std::min(cut.appended_from, cut.size);
  }
  const auto undone = std::find_if(sizes_.begin() + static_cast<std::ptrdiff_t>(kept), sizes_.end(),
                                   [](const SizeChange& change) { return change.shrinks; });
  if (undone != sizes_.end()) cut.undone_from = undone->step;
  return cut;
}

std::vector<Bytes> SimulatedFile::sector_options(const CrashProfile& profile, std::uint64_t sector,
                                                 const SectorStates& states, const CutSize& size,
                                                 const std::vector<Bytes>& earlier_lives) const {
  std::vector<Bytes> options;
  const Bytes stored = sector_of(durable_, sector);
  const auto end = std::find_if(states.begin(), states.end(),
                                [&](const SectorState& state) { return state.step >= size.undone_from; });
  if (end == states.begin()) return {stored};
  // What was appended is there up to the size: no state from before the size was reached will do.
  const bool data_first =
      profile.data == CrashProfile::Data::kBeforeSize && (sector + 1) * sector_bytes_ > size.appended_from;
  for (auto state = end; state != states.begin();) {
    --state;
    add_if_new(options, state->bytes);
    if (data_first && state->step <= size.reached) return options;
  }
  add_if_new(options, stored);
  if (profile.data == CrashProfile::Data::kBeforeSize) return options;

  const SectorState& newest = *(end - 1);
  add_if_new(options,
             replace_covered(newest.bytes, newest.covered, [](std::size_t) { return std::byte{0}; }));
  if (profile.data == CrashProfile::Data::kAnySectors) return options;

  std::uint64_t noise = sector;
  add_if_new(options, replace_covered(newest.bytes, newest.covered, [&](std::size_t) {
               return static_cast<std::byte>(next_random(noise) & 0xffU);
             }));
  for (const Bytes& life : earlier_lives) {
    if (life.size() <= sector * sector_bytes_) continue;
    const Bytes stale = sector_of(life, sector);
    add_if_new(options,
               replace_covered(newest.bytes, newest.covered, [&](std::size_t at) { return stale[at]; }));
  }
  add_torn(options, newest.bytes, stored);
  return options;
}

Bytes SimulatedFile::after_power_cut(const CrashProfile& profile, Chooser& chooser,
                                     const std::vector<Bytes>& earlier_lives) const {
  const CutSize size = choose_size(profile, chooser);
  Bytes contents = durable_;
  contents.resize(size.size);
  for (const auto& [sector, states] : unsynced_) {
    const std::uint64_t begin = sector * sector_bytes_;
    if (begin >= contents.size()) break;
    std::vector<Bytes> options;  // those that differ below the size
    for (Bytes& option : sector_options(profile, sector, states, size, earlier_lives)) {
      option.resize(std::min<std::uint64_t>(sector_bytes_, contents.size() - begin));
      add_if_new(options, std::move(option));
    }
    std::ranges::copy(options[chooser.choose(options.size())],
                      contents.begin() + static_cast<std::ptrdiff_t>(begin));
  }
  return contents;
}

std::string SimulatedFile::describe() const {
  std::string text = fmt::format("{} bytes", cached_.size());
  if (durable_.size() != cached_.size()) text += fmt::format(", durably {}", durable_.size());
  for (const auto& [sector, states] : unsynced_) {
    text += fmt::format(", sector {} unsynced ({} writes)", sector, states.size());
  }
  for (const auto& [sector, covered] : forgotten_) text += fmt::format(", sector {} forgotten", sector);
  return text;
}

}  // namespace durability::testing
