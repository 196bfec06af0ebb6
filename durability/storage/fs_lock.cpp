#include "durability/storage/fs_lock.hpp"

#include <sys/file.h>

#include <optional>

#include "durability/storage/storage_errors.hpp"

namespace durability::internal {

Result<std::unique_ptr<DirectoryLock>> FsLock::take(std::shared_ptr<const FsRoot> root,
                                                    std::string_view path) {
  constexpr int kAttempts = 16;
  Status checked;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    DURABILITY_TRY_ASSIGN(UniqueFd fd, root->open_file(path, OpenMode::kAppend));
    if (retry_interrupted([&] { return root->calls().flock(fd.get(), LOCK_EX | LOCK_NB); }) != 0) {
      return errno == EWOULDBLOCK ? lock_held_error(path) : system_error(errno, "lock", path);
    }
    std::unique_ptr<FsLock> lock(new FsLock(root, std::string(path), std::move(fd)));
    checked = lock->check();
    if (checked) return lock;
    if (checked.error().code() != ErrorCode::kLockFailed) break;
  }
  return std::move(checked).error();
}

Status FsLock::check() const {
  DURABILITY_TRY_ASSIGN(const std::optional<FileStatus> named, root_->status_of(path_));
  FileStatus held{};
  if (::fstat(fd_.get(), &held) != 0) return system_error(errno, "look at the lock", path_);
  if (named && named->st_dev == held.st_dev && named->st_ino == held.st_ino) return {};
  return lock_lost_error(path_);
}

}  // namespace durability::internal
