#pragma once

// The machine of a CrashDirectory: its disk, and whether it is still alive. Directory, handles and
// locks share it.

#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "durability/storage/identity.hpp"
#include "durability/testing/crash_directory.hpp"
#include "durability/testing/simulated_disk.hpp"

namespace durability::testing {

struct CrashDirectory::World {
  World(const CrashOptions& chosen, SimulatedDisk left, std::uint64_t state)
      : options(chosen), disk(std::move(left)), random_state(state), identity(internal::new_identity()) {}
  /// What a crash of `before` leaves.
  World(const World& before, SimulatedDisk left)
      : options(before.options),
        disk(std::move(left)),
        random_state(before.random_state),
        identity(before.identity) {}

  /// Does `change` as the next operation, unless the machine is dead; where the cut falls on it, it is
  /// done and fails. The caller holds the mutex.
  template <class Change>
  Status perform(std::string_view path, Change change) {
    DURABILITY_TRY(check_alive(path));
    change();
    return count(path);
  }
  /// Likewise for a sync; where the cut falls on it, it is not done.
  template <class Sync>
  Status perform_sync(std::string_view path, std::optional<SyncFailure>& failure, Sync sync) {
    DURABILITY_TRY(check_alive(path));
    DURABILITY_TRY(count(path));
    const auto failed = std::exchange(failure, std::nullopt);
    sync(failed);
    return failed ? injected("sync", path) : Status();
  }
  [[nodiscard]] Status check_alive(std::string_view path) const;
  [[nodiscard]] static Error injected(std::string_view what, std::string_view path);

  const CrashOptions options;
  std::mutex mutex;
  SimulatedDisk disk;
  std::set<InodeId> locked;
  std::uint64_t random_state;
  const std::uint64_t identity;
  std::uint64_t operations = 0;
  std::uint64_t cut_after = std::numeric_limits<std::uint64_t>::max();
  std::optional<SyncFailure> file_sync_failure;
  std::optional<SyncFailure> directory_sync_failure;
  bool dead = false;

 private:
  [[nodiscard]] Status count(std::string_view path);
};

[[nodiscard]] std::unique_ptr<File> make_crash_file(std::shared_ptr<CrashDirectory::World> world,
                                                    InodeId inode, std::string_view path, OpenMode mode);

}  // namespace durability::testing
