#pragma once

// flock(2) on a file that stays.
//
// The lock belongs to the open file, not to the process: a second attempt in the same process fails
// too, and it ends with the last descriptor, so a process that dies leaves nothing to clean up. It is
// only ever released by closing: LOCK_UN in a forked child would release its parent's lock. exec closes
// the descriptor. Between open and flock somebody may unlink or replace the file, and a lock on a file
// that no name leads to excludes nobody; so the name is looked up again behind the lock.

#include <memory>
#include <string>
#include <utility>

#include "durability/storage/fs_root.hpp"

namespace durability::internal {

class FsLock final : public DirectoryLock {
 public:
  [[nodiscard]] static Result<std::unique_ptr<DirectoryLock>> take(std::shared_ptr<const FsRoot> root,
                                                                   std::string_view path);

  [[nodiscard]] Status check() const override;

 private:
  FsLock(std::shared_ptr<const FsRoot> root, std::string path, UniqueFd fd)
      : root_(std::move(root)), path_(std::move(path)), fd_(std::move(fd)) {}

  std::shared_ptr<const FsRoot> root_;
  std::string path_;
  UniqueFd fd_;
};

}  // namespace durability::internal
