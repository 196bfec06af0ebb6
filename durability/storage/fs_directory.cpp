#include "durability/storage/fs_directory.hpp"

#include <dirent.h>

#include <cerrno>
#include <string>
#include <utility>

#include "durability/base/random.hpp"
#include "durability/storage/fs_file.hpp"
#include "durability/storage/fs_lock.hpp"
#include "durability/storage/fs_root.hpp"
#include "durability/storage/identity.hpp"
#include "durability/storage/storage_errors.hpp"

namespace durability {

using internal::FileStatus;
using internal::Place;
using internal::system_error;
using internal::UniqueFd;

namespace {

EntryKind kind_of(const std::optional<FileStatus>& status) {
  if (!status) return EntryKind::kMissing;
  if (S_ISREG(status->st_mode)) return EntryKind::kFile;
  return S_ISDIR(status->st_mode) ? EntryKind::kDirectory : EntryKind::kOther;
}

}  // namespace

Result<std::shared_ptr<Directory>> FsDirectory::open(std::string path, const FsOptions& options) {
  const internal::SystemCalls& calls =
      options.system_calls != nullptr ? *options.system_calls : internal::real_system_calls();
  DURABILITY_TRY_ASSIGN(auto root, internal::FsRoot::open(std::move(path), options.create, calls));
  return std::shared_ptr<Directory>(new FsDirectory(std::move(root)));
}

FsDirectory::FsDirectory(std::shared_ptr<const internal::FsRoot> root) : root_(std::move(root)) {}

Result<std::unique_ptr<File>> FsDirectory::do_open(std::string_view path, OpenMode mode) {
  FileStatus status{};
  DURABILITY_TRY_ASSIGN(UniqueFd fd, root_->open_file(path, mode, &status));
  auto file = std::make_unique<internal::FsFile>(
      std::move(fd), internal::identity_of(status.st_dev, status.st_ino), std::string(path), root_);
  // Cut here and not by O_TRUNC: only what is known to be a file, and so that a sync knows of it.
  if (mode != OpenMode::kCreate) return file;
  if (status.st_size > 0) DURABILITY_TRY(file->truncate(0));
  return file;
}

Result<EntryKind> FsDirectory::do_kind(std::string_view path) {
  DURABILITY_TRY_ASSIGN(const std::optional<FileStatus> status, root_->status_of(path));
  return kind_of(status);
}

Result<bool> FsDirectory::do_make_directory(std::string_view path) {
  DURABILITY_TRY_ASSIGN(const Place place, root_->place_of(path));
  if (root_->calls().mkdirat(place.parent.get(), place.name.c_str(), 0700) == 0) return true;
  if (errno != EEXIST) return system_error(errno, "make the directory", path);
  DURABILITY_TRY_ASSIGN(const EntryKind kind, do_kind(path));
  if (kind == EntryKind::kDirectory) return false;
  return system_error(ENOTDIR, "make the directory", path);
}

Status FsDirectory::remove_name(std::string_view path, int flags, std::string_view what) {
  DURABILITY_TRY_ASSIGN(const Place place, root_->place_of(path));
  if (root_->calls().unlinkat(place.parent.get(), place.name.c_str(), flags) == 0) return {};
  return system_error(errno, what, path);
}

Status FsDirectory::do_remove_file(std::string_view path) { return remove_name(path, 0, "remove the file"); }

Status FsDirectory::do_remove_empty_directory(std::string_view path) {
  return remove_name(path, AT_REMOVEDIR, "remove the directory");
}

Status FsDirectory::do_rename(std::string_view from, std::string_view to) {
  DURABILITY_TRY_ASSIGN(const Place source, root_->place_of(from));
  DURABILITY_TRY_ASSIGN(const Place target, root_->place_of(to));
  const int renamed = root_->calls().renameat(source.parent.get(), source.name.c_str(), target.parent.get(),
                                              target.name.c_str());
  if (renamed == 0) return {};
  // Both parents are there, so what is missing is `from`.
  return system_error(errno, "rename", errno == ENOENT ? from : to);
}

Result<std::vector<std::string>> FsDirectory::do_list(std::string_view path) {
  DURABILITY_TRY_ASSIGN(UniqueFd fd, root_->open_directory(path));
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(fd.get()), ::closedir);
  if (stream == nullptr) return system_error(errno, "list the directory", path);
  static_cast<void>(fd.release());  // closed with the stream
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* const entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    const std::string_view name(entry->d_name);
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return system_error(errno, "list the directory", path);
  return names;
}

Status FsDirectory::do_sync_directory(std::string_view path) {
  DURABILITY_TRY_ASSIGN(const internal::OpenDirectory directory, root_->directory_at(path));
  if (root_->calls().sync_all(directory.get()) == 0) return {};
  return internal::directory_sync_error(errno, "sync the directory", path);
}

Result<std::unique_ptr<DirectoryLock>> FsDirectory::do_lock(std::string_view path) {
  return internal::FsLock::take(root_, path);
}

std::uint64_t FsDirectory::do_random() { return Random::system()->next_u64(); }

std::uint64_t FsDirectory::identity() const noexcept { return root_->identity(); }

std::optional<std::string> FsDirectory::file_path(std::string_view path) const {
  return (root_->path() / path).string();
}

}  // namespace durability
