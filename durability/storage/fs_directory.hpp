#pragma once

// A directory on a disk.
//
// After a process crash everything that a call returned for is there. After a power loss: what
// sync_data, sync_directory and the durable operations returned for. Paths are looked up beneath the
// directory's descriptor, through no symbolic link, so that moving the directory while it is open does
// no harm and nothing outside it is reached. No descriptor of the library's is below 3: what somebody prints
// to a standard stream that was closed goes into no file of ours.
//
// Assumed of the system: fsync and fdatasync reach the device and its cache is flushed; rename is atomic;
// a written sector is not changed by writing another one.

#include <memory>

#include "durability/storage/directory.hpp"

namespace durability {

namespace internal {
class FsRoot;
struct SystemCalls;
}  // namespace internal

struct FsOptions {
  /// Make the directory, and what is missing above it, durably. Where false, a missing one is
  /// `not_found` and opening changes nothing.
  bool create = true;
  /// For tests: what to call in place of the system; must outlive everything opened through it.
  const internal::SystemCalls* system_calls = nullptr;
};

/// Thread-safe. Files and locks that it handed out may outlive it.
class FsDirectory final : public Directory {
 public:
  /// A Directory, because Directory::open of a file is hidden in this class.
  /// `path` may be relative to the working directory of now, and may lead through symbolic links; no
  /// path within it may. `io` where it is not a directory.
  [[nodiscard]] static Result<std::shared_ptr<Directory>> open(std::string path,
                                                               const FsOptions& options = {});

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
  [[nodiscard]] std::uint64_t identity() const noexcept override;
  [[nodiscard]] std::optional<std::string> file_path(std::string_view path) const override;

 private:
  explicit FsDirectory(std::shared_ptr<const internal::FsRoot> root);

  Status remove_name(std::string_view path, int flags, std::string_view what);

  std::shared_ptr<const internal::FsRoot> root_;
};

}  // namespace durability
