#include "durability/storage/storage_errors.hpp"

#include <cerrno>
#include <limits>
#include <string>

namespace durability::internal {
namespace {

std::string advice_for(int os_error) {
  switch (os_error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return fmt::format("what was durable is still there; {} and try again", remedy_for(os_error));
    case EMFILE:
    case ENFILE: return fmt::format("nothing was changed; {}", remedy_for(os_error));
    case ENOTDIR: return "nothing was changed; check the path, a part of it is no directory";
    case EACCES:
    case EPERM:
    case EROFS: return "nothing was changed; look at the permissions of the file and its directory";
    case ELOOP: return "nothing was touched; symbolic links are not followed, put the real thing there";
    case EIO: return "the device failed; stop writing, keep a copy of what is there, and replace it";
    default: return "what was durable is still there";
  }
}

std::string of_place(std::string_view where) {
  return where.empty() ? std::string() : fmt::format(" of {}", escape_for_display(where));
}

}  // namespace

Error system_error(int os_error, std::string_view what, std::string_view path) {
  if (os_error == ENOENT) return not_found_error(path);
  return Error::from_errno(os_error, what).in_file(path).advise(advice_for(os_error));
}

Error directory_sync_error(int os_error, std::string_view what, std::string_view path) {
  Error error = system_error(os_error, what, path);
  if (os_error == EINVAL || os_error == EOPNOTSUPP || os_error == ENOSYS) {
    return error.advise(
        "this file system cannot sync directories, so that nothing on it is durable; use another");
  }
  return error.advise(
      "names changed since its last sync may be lost; stop, and mount the file system again before anything "
      "is opened");
}

Error not_found_error(std::string_view path) {
  return Error(ErrorCode::kNotFound, "no such file or directory").in_file(path);
}

Error already_exists_error(std::string_view path) {
  return Error(ErrorCode::kInvalidState, "exists already")
      .in_file(path)
      .advise("it was left as it is; choose another name or remove it first");
}

Error not_a_file_error(std::string_view path) {
  return Error(ErrorCode::kInvalidState, "is not a regular file")
      .in_file(path)
      .advise("it was not touched; check the path");
}

Error closed_error(std::string_view path) {
  return Error(ErrorCode::kClosed, "the file is closed").in_file(path).advise("open it again");
}

Error no_stable_storage_error(std::string_view path) {
  return Error(ErrorCode::kNotSupported, "this directory has no stable storage")
      .in_file(path)
      .advise("nothing was changed; use the plain operation, or a directory on a disk");
}

Error lock_held_error(std::string_view path, std::string_view where, std::optional<long> holder) {
  const std::string who = holder ? fmt::format("process {}", *holder) : "somebody else";
  return Error(ErrorCode::kLockFailed, fmt::format("{} holds the lock{}", who, of_place(where)))
      .in_file(path)
      .advise("nothing was changed; wait until the other holder has closed, the file itself may stay");
}

Error lock_lost_error(std::string_view path, std::string_view where) {
  return Error(ErrorCode::kLockFailed,
               fmt::format("the lock file{}, or its directory, was removed or replaced while it was held",
                           of_place(where)))
      .in_file(path)
      .advise("stop writing: another process may hold a lock of this name; close and open again");
}

Error lock_of_parent_error(std::string_view path, std::string_view where) {
  return Error(
             ErrorCode::kLockFailed,
             fmt::format("the lock{} is held by the process that this one was forked from", of_place(where)))
      .in_file(path)
      .advise("nothing was changed; a child opens what it wants to write to itself");
}

Error flock_error(int os_error, std::string_view path, std::string_view where) {
  Error error = system_error(os_error, fmt::format("lock{}", of_place(where)), path);
  if (os_error != ENOLCK && os_error != EOPNOTSUPP && os_error != ENOSYS) return error;
  return error.advise(
      "this file system has no flock, so that two writers could not be kept apart; nothing was changed; put "
      "the directory on a local file system, or start the lock service of the network's");
}

Status check_range(std::string_view path, std::uint64_t offset, std::uint64_t length) {
  constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();
  if (offset <= kLargest && length <= kLargest - offset) return {};
  return Error(ErrorCode::kInvalidConfig, fmt::format("{} bytes reach beyond the largest file", length))
      .in_file(path)
      .at_offset(offset)
      .advise("nothing was changed");
}

}  // namespace durability::internal
