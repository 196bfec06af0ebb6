#include "durability/storage/fs_root.hpp"

#include <sys/stat.h>
#include <unistd.h>

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
  if (parent.get() == -EACCES && !made) return {};  // not ours: we could not have made anything there
  if (parent.get() < 0) return system_error(-parent.get(), "open the directory above", path);
  if (retry_interrupted([&] { return calls.sync_all(parent.get()); }) == 0) return {};
  return system_error(errno, "sync the directory above", path);
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

Result<FsRoot> FsRoot::open(std::filesystem::path path, bool create, const SystemCalls& calls) {
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
  FileStatus status{};
  if (::fstat(fd.get(), &status) != 0) return system_error(errno, "look at the directory", path.string());
  return FsRoot(std::move(fd), identity_of(status.st_dev, status.st_ino), std::move(path), calls);
}

Result<UniqueFd> FsRoot::open_file(std::string_view path, OpenMode mode) const {
  UniqueFd fd(lookup(path, flags_of(mode)), *calls_);
  switch (-fd.get()) {
    case EISDIR:
    case ENXIO:
    case ENODEV: return not_a_file_error(path);
    case EEXIST: return already_exists_error(path);
    default: break;
  }
  if (fd.get() < 0) return system_error(-fd.get(), "open the file", path);
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return system_error(errno, "look at the file", path);
  if (!S_ISREG(status.st_mode)) return not_a_file_error(path);
  return fd;
}

Result<UniqueFd> FsRoot::open_directory(std::string_view path) const {
  UniqueFd fd(lookup(path, kDirectoryFlags), *calls_);
  if (fd.get() < 0) return system_error(-fd.get(), "open the directory", path);
  return fd;
}

Result<Place> FsRoot::place_of(std::string_view path) const {
  const auto [parent, name] = split_last(path);
  UniqueFd fd(lookup(parent, kPassThroughFlags), *calls_);
  if (fd.get() < 0) return system_error(-fd.get(), "look up", path);
  return Place{std::move(fd), std::string(name)};
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

int FsRoot::lookup(std::string_view path, int flags) const {
  const std::string name(path.empty() ? "." : path);
  const int fd =
      retry_interrupted([&] { return calls_->open_beneath(fd_.get(), name.c_str(), flags, kFileMode); });
  if (fd >= 0) return fd;
  return errno == ENOSYS || errno == EPERM ? lookup_name_by_name(name, flags) : -errno;
}

int FsRoot::lookup_name_by_name(std::string_view path, int flags) const {
  UniqueFd reached(-1, *calls_);
  int directory = fd_.get();
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
