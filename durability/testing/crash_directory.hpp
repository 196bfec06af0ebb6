#pragma once

// A complete Directory in memory that knows of every byte, size and name whether it would survive a
// power cut, and builds what a crash leaves. crash_profile.hpp states the fault model. A test of one's
// own storage code is three loops:
//
//   for (std::uint64_t n = 0; n <= operations_of_the_whole_workload; ++n) {
//     auto directory = CrashDirectory::make();
//     directory->cut_after(n);
//     const auto acknowledged = run_workload(directory);       // stops at the first error
//     for (const CrashProfile& profile : kAllCrashProfiles) {
//       ExhaustiveChooser chooser;
//       while (chooser.next()) check(directory->after_power_cut(profile, chooser), acknowledged);
//     }
//     check(directory->after_kill(), acknowledged);
//   }
//
// What a crash leaves is a directory of its own, so that a test can crash again inside recovery.

#include <cstdint>
#include <memory>
#include <string>

#include "durability/storage/directory.hpp"
#include "durability/testing/chooser.hpp"
#include "durability/testing/crash_profile.hpp"
#include "durability/testing/simulated_file.hpp"

namespace durability::testing {

struct CrashOptions {
  /// The unit in which bytes are lost. At least 1; small in tests, so that few bytes make many sectors.
  std::size_t sector_bytes = 512;
  /// A file does not grow beyond this: EFBIG.
  std::uint64_t max_file_bytes = std::uint64_t{1} << 30U;
  /// Whether blocks still hold, after a power cut, what they held before it (the hostile profile shows
  /// that).
  bool blocks_remember = true;
  /// Whether a file's clean pages can be dropped. A file server may have a cache of its own, which no client
  /// can reach: what a failed sync kept from the disk is then read back, and no later sync writes it.
  bool drops_cached_pages = true;
  /// Of the names of temporaries.
  std::uint64_t seed = 1;
};

/// Thread-safe: every call is one step under one mutex. Reading, listing and closing work as on any
/// directory; `capabilities().stable_storage` is true. An unlinked file lives on while a handle holds it.
class CrashDirectory final : public Directory {
 public:
  /// An empty directory.
  [[nodiscard]] static std::shared_ptr<CrashDirectory> make();
  /// `invalid_config` where sector_bytes is 0.
  [[nodiscard]] static Result<std::shared_ptr<CrashDirectory>> make(const CrashOptions& options);

  // Where it stops.

  /// The first `count` operations succeed; the next one, and everything later (reading too, on every
  /// handle), fails with an `io` error whose message begins with "injected:". An operation is what
  /// changes or syncs: a write, append, truncation, preallocation, a new or removed or renamed name, a
  /// sync. What is refused (a missing file, a closed handle) or changes nothing (no bytes to write, a
  /// directory that is there) does not count. The operation that is cut off was under way: a write or
  /// a change of a name is applied, as unsynced as any; a sync did not return.
  void cut_after(std::uint64_t count);
  /// How many operations have begun, the one that was cut off included.
  [[nodiscard]] std::uint64_t operations() const;

  /// The next sync of a file (of a directory) fails with EIO, and this becomes of what it covers. For a
  /// directory kRevert is kForget: no file system takes a visible name back.
  void fail_next_sync(SyncFailure failure);
  void fail_next_directory_sync(SyncFailure failure);

  // What is left. Each may be called as often as one likes, and ends this directory: every later call
  // on it, and on its handles, fails as after a cut. Locks are free in the new directory. Its count of
  // operations begins at 0.

  /// The process was killed: everything is visible, and as unsynced as it was.
  [[nodiscard]] std::shared_ptr<CrashDirectory> after_kill();
  /// The power was cut: what the disk holds, all of it durable.
  [[nodiscard]] std::shared_ptr<CrashDirectory> after_power_cut(const CrashProfile& profile,
                                                                Chooser& chooser);

  // What it knows.

  /// True where a power cut could take nothing away.
  [[nodiscard]] bool all_synced() const;
  /// A hash of the visible names and bytes, the same on every machine; for counting distinct states.
  [[nodiscard]] std::uint64_t fingerprint() const;
  /// For failure messages: every name, and what of it is unsynced.
  [[nodiscard]] std::string describe() const;

  Result<std::unique_ptr<File>> do_open(std::string_view path, OpenMode mode) override;
  Result<EntryKind> do_kind(std::string_view path) override;
  Result<bool> do_make_directory(std::string_view path) override;
  Status do_remove_file(std::string_view path) override;
  Status do_remove_empty_directory(std::string_view path) override;
  Status do_rename(std::string_view from, std::string_view to) override;
  Result<std::vector<std::string>> do_list(std::string_view path) override;
  Status do_sync_directory(std::string_view path) override;
  Result<std::unique_ptr<DirectoryLock>> do_lock(std::string_view path) override;
  [[nodiscard]] std::uint64_t do_random() override;
  [[nodiscard]] Capabilities capabilities() const noexcept override { return {.stable_storage = true}; }
  /// What a crash leaves is the same place.
  [[nodiscard]] std::uint64_t identity() const noexcept override;
  [[nodiscard]] std::optional<std::string> file_path(std::string_view) const override { return {}; }

  struct World;  // the machine that handles and locks share with their directory
  /// For make() and the crashes.
  explicit CrashDirectory(std::shared_ptr<World> world) : world_(std::move(world)) {}

 private:
  std::shared_ptr<World> world_;
};

}  // namespace durability::testing
