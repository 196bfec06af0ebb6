#pragma once

// Lookups that cannot leave a directory.
//
// A path from a checkpoint, a log or a hostile neighbour must never reach a file outside the root:
// openat2(2) looks it up beneath the root's descriptor and follows no symbolic link on the way, in one
// step that nobody can race. A kernel older than 5.6 says ENOSYS, a seccomp filter that does not know
// the call EPERM: then each name is opened in turn, with O_NOFOLLOW, which promises the same. An EPERM
// that the file itself earned (it is immutable, say) comes back from there too.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "durability/base/result.hpp"
#include "durability/storage/directory.hpp"
#include "durability/storage/system_calls.hpp"

namespace durability::internal {

/// Owns a descriptor, or none (a negative number).
class UniqueFd {
 public:
  UniqueFd(int fd, const SystemCalls& calls) noexcept : calls_(&calls), fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : calls_(other.calls_), fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(calls_, other.calls_);
    std::swap(fd_, other.fd_);
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  /// Closes without a word: right only where nothing was written.
  ~UniqueFd() {
    if (fd_ >= 0) calls_->close(fd_);
  }

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

 private:
  const SystemCalls* calls_;
  int fd_;
};

using FileStatus = struct stat;

/// The directory that holds a name, open, and the name.
struct Place {
  UniqueFd parent;
  std::string name;
};

/// The root of an FsDirectory. Thread-safe: it does not change.
class FsRoot {
 public:
  /// Opens the directory at `path`; makes it and its parents first where `create` says so.
  [[nodiscard]] static Result<FsRoot> open(std::filesystem::path path, bool create, const SystemCalls& calls);

  /// Opens a regular file for `mode`; anything else is refused without waiting for it. The file is not
  /// cut, whatever the mode.
  [[nodiscard]] Result<UniqueFd> open_file(std::string_view path, OpenMode mode) const;
  /// `""` is the root.
  [[nodiscard]] Result<UniqueFd> open_directory(std::string_view path) const;
  [[nodiscard]] Result<Place> place_of(std::string_view path) const;
  /// What stands there, a symbolic link as itself; nothing where there is nothing.
  [[nodiscard]] Result<std::optional<FileStatus>> status_of(std::string_view path) const;

  [[nodiscard]] const SystemCalls& calls() const noexcept { return *calls_; }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// Of the device and the inode.
  [[nodiscard]] std::uint64_t identity() const noexcept { return identity_; }

 private:
  FsRoot(UniqueFd fd, std::uint64_t identity, std::filesystem::path path, const SystemCalls& calls)
      : fd_(std::move(fd)), identity_(identity), path_(std::move(path)), calls_(&calls) {}

  // Both return a descriptor, or an errno value as a negative number.
  [[nodiscard]] int lookup(std::string_view path, int flags) const;
  [[nodiscard]] int lookup_name_by_name(std::string_view path, int flags) const;

  UniqueFd fd_;
  std::uint64_t identity_;
  std::filesystem::path path_;
  const SystemCalls* calls_;
};

}  // namespace durability::internal
