#pragma once

// A simulated disk: names and files together, plus the old bytes that its blocks may still hold.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "durability/testing/simulated_file.hpp"
#include "durability/testing/simulated_names.hpp"

namespace durability::testing {

/// A value: copying it copies the disk. Not thread-safe.
class SimulatedDisk {
 public:
  explicit SimulatedDisk(std::size_t sector_bytes) : sector_bytes_(sector_bytes) {}

  [[nodiscard]] const SimulatedNames& names() const noexcept { return names_; }
  [[nodiscard]] const SimulatedFile& file(InodeId id) const { return files_.at(id); }

  Inode create(const SimulatedNames::Place& place, bool is_directory);
  void unlink(const SimulatedNames::Place& place);
  void rename(const SimulatedNames::Place& from, const SimulatedNames::Place& to);
  void sync_directory(InodeId directory) { names_.sync(directory); }
  void fail_sync_directory(InodeId directory, SyncFailure failure);

  void write(InodeId file, std::uint64_t offset, ByteView bytes) { files_.at(file).write(offset, bytes); }
  void truncate(InodeId file, std::uint64_t size);
  void sync(InodeId file);
  void fail_sync(InodeId file, SyncFailure failure) { files_.at(file).fail_sync(failure); }
  void drop_clean_pages(InodeId file) { files_.at(file).drop_clean_pages(); }

  /// True where a power cut could take nothing away.
  [[nodiscard]] bool all_synced() const;
  void forget_earlier_lives() noexcept { earlier_lives_.clear(); }
  /// What the disk holds after a power cut, all of it durable.
  [[nodiscard]] SimulatedDisk after_power_cut(const CrashProfile& profile, Chooser& chooser) const;

  /// The same number for the same visible names and bytes (and, but for a collision of 64 bits, only
  /// for these).
  [[nodiscard]] std::uint64_t fingerprint() const;
  /// A line for each name and each unsynced operation.
  [[nodiscard]] std::string describe() const;

 private:
  void remember(const Bytes& contents);

  std::size_t sector_bytes_;
  SimulatedNames names_;
  std::map<InodeId, SimulatedFile> files_;  // unlinked ones too: a handle may hold them
  std::vector<Bytes> earlier_lives_;        // newest first
};

}  // namespace durability::testing
