#include "durability/storage/fs_root.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <system_error>
#include <utility>

#include "durability/storage/identity.hpp"
#include "durability/storage/storage_errors.hpp"

namespace durability::internal {
namespace {

constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirectoryMode = 0700;
constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
#if defined(O_PATH)
constexpr int kPassThroughFlags = O_PATH | O_DIRECTORY | O_CLOEXEC;  // needs no permission to list
#else
constexpr int kPassThroughFlags = kDirectoryFlags;
#endif

int flags_of(OpenMode mode) {
  // O_NONBLOCK: the open of a FIFO returns, so that it can be refused.
  constexpr int kAlways = O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW;
  switch (mode) {
    case OpenMode::kRead: return kAlways | O_RDONLY;
    case OpenMode::kReadWrite: return kAlways | O_RDWR;
    case OpenMode::kCreate:
    case OpenMode::kAppend: return kAlways | O_RDWR | O_CREAT;
    case OpenMode::kCreateNew: return kAlways | O_RDWR | O_CREAT | O_EXCL;
  }
  return kAlways | O_RDONLY;
}

std::pair<std::string_view, std::string_view> split_last(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

int open_at(const SystemCalls& calls, int directory, const std::string& path, int flags) {
  const int fd = retry_interrupted([&] { return calls.openat(directory, path.c_str(), flags, kFileMode); });
  return fd >= 0 ? fd : -errno;
}

/// Opens one name, and no symbolic link.
int open_name(const SystemCalls& calls, int directory, const std::string& name, int flags) {
  const int fd = open_at(calls, directory, name, flags | O_NOFOLLOW);
  if (fd != -ENOTDIR) return fd;
  // With O_DIRECTORY a link is only "not a directory"; openat2 is clearer, and so is this.
  struct stat status{};
  const bool is_link =
      ::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode);
  return is_link ? -ELOOP : fd;
}

/// Makes the name of an open directory durable in its parent.
Status sync_into_parent(const UniqueFd& directory, const std::string& path, bool made,
                        const SystemCalls& calls) {
  const UniqueFd parent(open_at(calls, directory.get(), "..", kDirectoryFlags), calls);
  // Not ours: nothing was made there, and nothing could have been.
  const auto forgiven = [&](int reason, std::initializer_list<int> reasons) {
    return !made && std::ranges::find(reasons, reason) != reasons.end();
  };
  if (forgiven(-parent.get(), {EACCES})) return {};
  if (parent.get() < 0) return system_error(-parent.get(), "open the directory above", path);
  // Above a mount point may lie what cannot be written, or not synced: a read-only root, another's file
  // system.
  if (calls.sync_all(parent.get()) == 0 || forgiven(errno, {EROFS, EINVAL})) return {};
  return directory_sync_error(errno, "sync the directory above", path);
}

Result<UniqueFd> open_root(const std::filesystem::path& path, const SystemCalls& calls) {
  UniqueFd root(open_at(calls, AT_FDCWD, path.string(), kDirectoryFlags), calls);
  if (root.get() < 0) return system_error(-root.get(), "open the directory", path.string());
  return root;
}

// Also for a directory that is there already: who made it may have been killed before its sync. The
// ones above it are durable then, because each is synced before the next is made.
Result<UniqueFd> make_root(const std::filesystem::path& path, const SystemCalls& calls) {
  const auto make = [&] { return calls.mkdirat(AT_FDCWD, path.c_str(), kDirectoryMode) == 0; };
  bool made = make();
  if (!made && errno == ENOENT && path.has_relative_path()) {
    DURABILITY_TRY(make_root(path.parent_path(), calls));
    made = make();
  }
  if (!made && errno != EEXIST) return system_error(errno, "make the directory", path.string());
  DURABILITY_TRY_ASSIGN(UniqueFd root, open_root(path, calls));
  DURABILITY_TRY(sync_into_parent(root, path.string(), made, calls));
  return root;
}

}  // namespace

Result<std::shared_ptr<const FsRoot>> FsRoot::open(std::filesystem::path path, bool create,
                                                   const SystemCalls& calls) {
  if (path.empty() || path.native().find('\0') != std::string::npos) {
    return Error(ErrorCode::kInvalidConfig, "the directory's path is empty or holds a NUL")
        .in_file(path.string())
        .advise("nothing was touched; give the path of a directory");
  }
  std::error_code failed;
  path = std::filesystem::absolute(path, failed);  // the working directory may change
  if (failed) return system_error(failed.value(), "find the working directory", path.string());
  if (!path.has_filename()) path = path.parent_path();
  DURABILITY_TRY_ASSIGN(UniqueFd fd, create ? make_root(path, calls) : open_root(path, calls));
  DURABILITY_TRY_ASSIGN(auto root, held_at("", std::move(fd)));
  return std::shared_ptr<const FsRoot>(new FsRoot(std::move(root), std::move(path), calls));
}

std::uint64_t FsRoot::identity() const noexcept {
  return identity_of(root_->status.st_dev, root_->status.st_ino);
}

Result<UniqueFd> FsRoot::open_file(std::string_view path, OpenMode mode, FileStatus* found) const {
  UniqueFd fd(lookup(path, flags_of(mode)), *calls_);
  switch (-fd.get()) {
    case EISDIR:
    case ENXIO:
    case ENODEV: return not_a_file_error(path);
    case EEXIST: return already_exists_error(path);
    default: break;
  }
  if (fd.get() < 0) return system_error(-fd.get(), "open the file", path);
  FileStatus status{};
  if (::fstat(fd.get(), &status) != 0) return system_error(errno, "look at the file", path);
  if (!S_ISREG(status.st_mode)) return not_a_file_error(path);
  if (found != nullptr) *found = status;
  return fd;
}

Result<UniqueFd> FsRoot::open_directory(std::string_view path) const {
  UniqueFd fd(lookup(path, kDirectoryFlags), *calls_);
  if (fd.get() < 0) return system_error(-fd.get(), "open the directory", path);
  return fd;
}

Result<OpenDirectory> FsRoot::directory_at(std::string_view path) const {
  if (auto held = find_held(path)) return OpenDirectory(std::move(held), *calls_);
  DURABILITY_TRY_ASSIGN(UniqueFd fd, open_directory(path));
  return OpenDirectory(std::move(fd));
}

Result<Place> FsRoot::place_of(std::string_view path) const {
  const auto [parent, name] = split_last(path);
  if (auto held = find_held(parent)) return Place{OpenDirectory(std::move(held), *calls_), std::string(name)};
  UniqueFd fd(lookup(parent, kPassThroughFlags), *calls_);
  if (fd.get() < 0) return system_error(-fd.get(), "look up", path);
  return Place{OpenDirectory(std::move(fd)), std::string(name)};
}

Result<std::shared_ptr<const HeldDirectory>> FsRoot::held_at(std::string_view path, UniqueFd fd) {
  FileStatus status{};
  if (::fstat(fd.get(), &status) != 0) return system_error(errno, "look at the directory", path);
  return std::make_shared<const HeldDirectory>(std::string(path), std::move(fd), status);
}

Result<std::shared_ptr<const HeldDirectory>> FsRoot::hold(std::string_view path) const {
  if (auto held = find_held(path)) return held;
  DURABILITY_TRY_ASSIGN(UniqueFd fd, open_directory(path));
  DURABILITY_TRY_ASSIGN(auto held, held_at(path, std::move(fd)));
  const ForksWait no_fork;
  std::erase_if(held_, [](const auto& each) { return each.expired(); });
  held_.push_back(held);
  return held;
}

std::shared_ptr<const HeldDirectory> FsRoot::find_held(std::string_view path) const {
  if (path.empty()) return root_;
  auto held = newest_held(path);
  if (held == nullptr || !leads_to(*held).value_or(false)) return nullptr;
  return held;
}

std::shared_ptr<const HeldDirectory> FsRoot::newest_held(std::string_view path) const {
  const ForksWait no_fork;
  for (auto each = held_.rbegin(); each != held_.rend(); ++each) {
    auto held = each->lock();
    if (held != nullptr && held->path == path) return held;
  }
  return nullptr;
}

Result<bool> FsRoot::leads_to(const HeldDirectory& held) const {
  if (held.path.empty()) return true;
  FileStatus named{};
  if (::fstatat(root_->fd.get(), held.path.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0)
    return same_inode(named, held.status);
  if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) return false;
  return system_error(errno, "look at the directory", held.path);
}

Result<std::optional<FileStatus>> FsRoot::status_of(std::string_view path) const {
  auto place = place_of(path);
  if (!place && place.error().code() == ErrorCode::kNotFound) return std::nullopt;
  if (!place) return place.error();
  FileStatus status{};
  if (::fstatat(place->parent.get(), place->name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return status;
  if (errno == ENOENT) return std::nullopt;
  return system_error(errno, "look up", path);
}

Result<std::optional<FileStatus>> FsRoot::named(const std::string& path) const {
  FileStatus status{};
  if (::fstatat(root_->fd.get(), path.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return status;
  if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) return std::nullopt;
  return system_error(errno, "look up", path);
}

int FsRoot::lookup(std::string_view path, int flags) const {
  const std::string name(path.empty() ? "." : path);
  const int fd = retry_interrupted(
      [&] { return calls_->open_beneath(root_->fd.get(), name.c_str(), flags, kFileMode); });
  if (fd >= 0) return fd;
  return errno == ENOSYS || errno == EPERM ? lookup_name_by_name(name, flags) : -errno;
}

int FsRoot::lookup_name_by_name(std::string_view path, int flags) const {
  UniqueFd reached(-1, *calls_);
  int directory = root_->fd.get();
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string name(path.substr(0, slash));
    if (slash == std::string_view::npos) return open_name(*calls_, directory, name, flags);
    reached = UniqueFd(open_name(*calls_, directory, name, kPassThroughFlags), *calls_);
    directory = reached.get();
    if (directory < 0) return directory;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace durability::internal
