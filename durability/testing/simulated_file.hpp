#pragma once

// One file of a simulated disk: what the disk holds for certain, what programs see, and every state in
// between that a power cut could leave (crash_profile.hpp says which).

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "durability/base/bytes.hpp"
#include "durability/testing/chooser.hpp"
#include "durability/testing/crash_profile.hpp"

namespace durability::testing {

/// What becomes of the cached pages when a sync fails.
enum class SyncFailure : std::uint8_t {
  kKeep,    ///< they stay dirty: a later sync would write them
  kForget,  ///< they are marked clean, unwritten: still visible, and no later sync writes them (ext4, xfs)
  kRevert,  ///< bytes and size are again what the disk holds (btrfs)
};

/// A value: copying it copies the file. Not thread-safe.
class SimulatedFile {
 public:
  /// Empty, and durably so. `sector_bytes` is at least 1.
  explicit SimulatedFile(std::size_t sector_bytes) : sector_bytes_(sector_bytes) {}
  /// On the disk already, all of it.
  SimulatedFile(std::size_t sector_bytes, Bytes contents)
      : sector_bytes_(sector_bytes), durable_(contents), cached_(std::move(contents)) {}

  void write(std::uint64_t offset, ByteView bytes);
  void truncate(std::uint64_t size);
  void sync();
  void fail_sync(SyncFailure failure);
  /// Clean pages are read from the disk again: bytes that a failed sync forgot are gone.
  void drop_clean_pages();

  /// What programs read.
  [[nodiscard]] const Bytes& cached() const noexcept { return cached_; }
  /// What a power cut cannot take away.
  [[nodiscard]] const Bytes& durable() const noexcept { return durable_; }
  [[nodiscard]] bool all_synced() const noexcept { return unsynced_.empty() && sizes_.empty(); }

  /// The contents after a power cut. `earlier_lives` are what stood in the file's blocks before, as far
  /// as the profile lets it show.
  [[nodiscard]] Bytes after_power_cut(const CrashProfile& profile, Chooser& chooser,
                                      const std::vector<Bytes>& earlier_lives) const;

  /// For failure messages: sizes, and the sectors that are unsynced.
  [[nodiscard]] std::string describe() const;

 private:
  // A step is one sector of a write, or a truncation; they are numbered from 1 since the last sync.
  using Step = std::uint64_t;
  struct SectorState {
    Step step;
    Bytes bytes;                // the whole sector
    std::vector<bool> covered;  // the bytes that unsynced writes covered so far
  };
  using SectorStates = std::vector<SectorState>;
  struct SizeChange {
    Step step;
    std::uint64_t size;
    bool call_ended;  // false inside a write
    bool shrinks;
  };
  struct CutSize;

  [[nodiscard]] Bytes sector_of(const Bytes& contents, std::uint64_t sector) const;
  void record_sector(std::uint64_t sector, std::size_t covered_from, std::size_t covered_to);
  [[nodiscard]] CutSize choose_size(const CrashProfile& profile, Chooser& chooser) const;
  [[nodiscard]] std::vector<Bytes> sector_options(const CrashProfile& profile, std::uint64_t sector,
                                                  const SectorStates& states, const CutSize& size,
                                                  const std::vector<Bytes>& earlier_lives) const;

  std::size_t sector_bytes_;
  Bytes durable_;
  Bytes cached_;
  std::map<std::uint64_t, SectorStates> unsynced_;        // by sector
  std::map<std::uint64_t, std::vector<bool>> forgotten_;  // clean but never written, by sector
  std::vector<SizeChange> sizes_;
  Step step_ = 0;
};

}  // namespace durability::testing
