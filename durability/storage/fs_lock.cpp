#include "durability/storage/fs_lock.hpp"

#include <sys/file.h>

#include <cerrno>
#include <utility>

#include "durability/storage/fs_lock_holder.hpp"
#include "durability/storage/storage_errors.hpp"

namespace durability::internal {

FsLock::FsLock(std::shared_ptr<const FsRoot> root, std::string_view path)
    : root_(std::move(root)), path_(path), name_at_(path.rfind('/') + 1) {}

Result<std::unique_ptr<DirectoryLock>> FsLock::take(std::shared_ptr<const FsRoot> root,
                                                    std::string_view path) {
  constexpr int kAttempts = 16;
  std::unique_ptr<FsLock> lock(new FsLock(std::move(root), path));
  Status checked;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    DURABILITY_TRY(lock->open_and_lock());
    checked = lock->check();
    if (checked) return lock;
    if (checked.error().code() != ErrorCode::kLockFailed) break;
  }
  return std::move(checked).error();
}

Status FsLock::open_and_lock() {
  const std::string_view directory = std::string_view(path_).substr(0, name_at_ == 0 ? 0 : name_at_ - 1);
  DURABILITY_TRY_ASSIGN(directory_, root_->hold(directory));
  DURABILITY_TRY(fd_.open([&] { return root_->open_file(path_, OpenMode::kAppend, &file_); }));
  if (retry_interrupted([&] { return root_->calls().flock(fd_.get(), LOCK_EX | LOCK_NB); }) == 0) return {};
  const int refused = errno;
  const std::string& where = root_->path().native();
  if (refused != EWOULDBLOCK) return flock_error(refused, path_, where);
  return lock_held_error(path_, where, holder_of_lock(file_, root_->calls()));
}

Status FsLock::check() const {
  const std::string& where = root_->path().native();
  if (fd_.get() < 0) return lock_of_parent_error(path_, where);
  DURABILITY_TRY_ASSIGN(const bool there, root_->leads_to(*directory_));
  if (!there) return lock_lost_error(path_, where);
  FileStatus named{};
  const char* const name = path_.c_str() + name_at_;
  if (::fstatat(directory_->fd.get(), name, &named, AT_SYMLINK_NOFOLLOW) == 0) {
    return same_inode(named, file_) ? Status() : lock_lost_error(path_, where);
  }
  return errno == ENOENT ? lock_lost_error(path_, where) : system_error(errno, "look at the lock", path_);
}

}  // namespace durability::internal
