#pragma once

// flock(2) on a file that stays.
//
// The lock belongs to the open file, not to the process: a second attempt in the same process fails
// too, and it ends with the last descriptor, so a process that dies leaves nothing to clean up. It is
// only ever released by closing: LOCK_UN in a forked child would release its parent's lock. A child has no
// descriptor of it, or it would keep the lock of a parent that is dead; exec closes it too. Between open and
// flock somebody may unlink or replace the file, and a lock on a file that no name leads to excludes nobody;
// so the name is looked up again once the lock is there.
//
// The directory in which the file stands is held open for as long as the lock is: to look whether both are
// still what their names lead to needs no descriptor, and neither does a change of a name in there.

#include <memory>
#include <string>
#include <string_view>

#include "durability/storage/fs_descriptors.hpp"
#include "durability/storage/fs_root.hpp"

namespace durability::internal {

class FsLock final : public DirectoryLock {
 public:
  [[nodiscard]] static Result<std::unique_ptr<DirectoryLock>> take(std::shared_ptr<const FsRoot> root,
                                                                   std::string_view path);

  [[nodiscard]] Status check() const override;

 private:
  FsLock(std::shared_ptr<const FsRoot> root, std::string_view path);

  Status open_and_lock();

  const std::shared_ptr<const FsRoot> root_;
  const std::string path_;
  const std::size_t name_at_;  ///< where in path_ its last name begins
  std::shared_ptr<const HeldDirectory> directory_;
  ParentsFd fd_;
  FileStatus file_{};
};

}  // namespace durability::internal
