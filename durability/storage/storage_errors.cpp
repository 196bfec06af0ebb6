#include "durability/storage/storage_errors.hpp"

#include <cerrno>
#include <limits>

namespace durability::internal {
namespace {

std::string_view advice_for(int os_error) {
  switch (os_error) {
    case ENOSPC:
    case EDQUOT: return "what was durable is still there; free some space and try again";
    case EACCES:
    case EPERM:
    case EROFS: return "nothing was changed; look at the permissions of the file and its directory";
    case ELOOP: return "nothing was touched; symbolic links are not followed, put the real thing there";
    case EMFILE:
    case ENFILE: return "nothing was changed; close some files or raise the limit on open ones";
    case EIO: return "the device failed; stop writing, keep a copy of what is there, and replace it";
    default: return "what was durable is still there";
  }
}

}  // namespace

Error system_error(int os_error, std::string_view what, std::string_view path) {
  if (os_error == ENOENT) return not_found_error(path);
  return Error::from_errno(os_error, what).in_file(path).advise(std::string(advice_for(os_error)));
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
      .advise("it was not touched; move it out of the way");
}

Error closed_error(std::string_view path) {
  return Error(ErrorCode::kInvalidState, "the file is closed").in_file(path).advise("open it again");
}

Error no_stable_storage_error(std::string_view path) {
  return Error(ErrorCode::kNotSupported, "this directory has no stable storage")
      .in_file(path)
      .advise("nothing was changed; use the plain operation, or a directory on a disk");
}

Error lock_held_error(std::string_view path) {
  return Error(ErrorCode::kLockFailed, "somebody else holds the lock")
      .in_file(path)
      .advise("nothing was changed; wait until the other holder has closed, the file itself may stay");
}

Error lock_lost_error(std::string_view path) {
  return Error(ErrorCode::kLockFailed, "the lock file was removed or replaced while it was held")
      .in_file(path)
      .advise("stop writing: another process may hold a lock of this name; close and open again");
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
