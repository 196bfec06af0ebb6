#pragma once

// Lookups that cannot leave a directory.
//
// A path from a checkpoint, a log or a hostile neighbour must never reach a file outside the root:
// openat2(2) looks it up beneath the root's descriptor and follows no symbolic link on the way, in one
// step that nobody can race. A kernel older than 5.6 says ENOSYS, a seccomp filter that does not know
// the call EPERM: then each name is opened in turn, with O_NOFOLLOW, which promises the same. An EPERM
// that the file itself earned (it is immutable, say) comes back from there too.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "durability/base/result.hpp"
#include "durability/storage/directory.hpp"
#include "durability/storage/fs_descriptors.hpp"
#include "durability/storage/system_calls.hpp"

namespace durability::internal {

/// A directory that is kept open, so that its names can be changed, synced and looked at when the process has
/// no descriptor left.
struct HeldDirectory {
  std::string path;  ///< where it stood when it was opened
  UniqueFd fd;
  FileStatus status;
};

/// An open directory: one that was opened for this, or one that is held.
class OpenDirectory {
 public:
  explicit OpenDirectory(UniqueFd opened) noexcept : opened_(std::move(opened)), fd_(opened_.get()) {}
  explicit OpenDirectory(std::shared_ptr<const HeldDirectory> held, const SystemCalls& calls) noexcept
      : opened_(-1, calls), held_(std::move(held)), fd_(held_->fd.get()) {}

  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  UniqueFd opened_;
  std::shared_ptr<const HeldDirectory> held_;
  int fd_;
};

/// The directory that holds a name, open, and the name.
struct Place {
  OpenDirectory parent;
  std::string name;
};

/// The root of an FsDirectory. Thread-safe.
class FsRoot {
 public:
  /// Opens the directory at `path`; makes it and its parents first where `create` says so.
  [[nodiscard]] static Result<std::shared_ptr<const FsRoot>> open(std::filesystem::path path, bool create,
                                                                  const SystemCalls& calls);

  /// Opens a regular file for `mode`; anything else is refused without waiting for it. The file is not
  /// cut, whatever the mode. `found`, where given, gets its status.
  [[nodiscard]] Result<UniqueFd> open_file(std::string_view path, OpenMode mode,
                                           FileStatus* found = nullptr) const;
  /// With a position of its own, for listing. `""` is the root.
  [[nodiscard]] Result<UniqueFd> open_directory(std::string_view path) const;
  /// For syncing. Opens nothing where the directory is held, or the root.
  [[nodiscard]] Result<OpenDirectory> directory_at(std::string_view path) const;
  /// Opens nothing where the name stands in a directory that is held, or in the root.
  [[nodiscard]] Result<Place> place_of(std::string_view path) const;
  /// Keeps the directory open for as long as what is returned lives, unless it is open already.
  [[nodiscard]] Result<std::shared_ptr<const HeldDirectory>> hold(std::string_view path) const;
  /// False where the path no longer leads to the directory that is held: it was removed, moved or replaced.
  /// Needs no descriptor.
  [[nodiscard]] Result<bool> leads_to(const HeldDirectory& held) const;
  /// What stands there, a symbolic link as itself; nothing where there is nothing.
  [[nodiscard]] Result<std::optional<FileStatus>> status_of(std::string_view path) const;

  /// The same in one call that needs no descriptor, for a name that was looked up before: a directory on the
  /// way may be a symbolic link by now.
  [[nodiscard]] Result<std::optional<FileStatus>> named(const std::string& path) const;

  [[nodiscard]] const SystemCalls& calls() const noexcept { return *calls_; }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// Of the device and the inode.
  [[nodiscard]] std::uint64_t identity() const noexcept;

 private:
  FsRoot(std::shared_ptr<const HeldDirectory> root, std::filesystem::path path, const SystemCalls& calls)
      : root_(std::move(root)), path_(std::move(path)), calls_(&calls) {}

  [[nodiscard]] static Result<std::shared_ptr<const HeldDirectory>> held_at(std::string_view path,
                                                                            UniqueFd fd);
  /// The directory where it is held and the path still leads to it, or nothing.
  [[nodiscard]] std::shared_ptr<const HeldDirectory> find_held(std::string_view path) const;
  [[nodiscard]] std::shared_ptr<const HeldDirectory> newest_held(std::string_view path) const;

  // Both return a descriptor, or an errno value as a negative number.
  [[nodiscard]] int lookup(std::string_view path, int flags) const;
  [[nodiscard]] int lookup_name_by_name(std::string_view path, int flags) const;

  const std::shared_ptr<const HeldDirectory> root_;
  const std::filesystem::path path_;
  const SystemCalls* const calls_;
  mutable std::vector<std::weak_ptr<const HeldDirectory>> held_;  // but for the root; guarded by ForksWait
};

}  // namespace durability::internal
