#include "durability/storage/storage_errors.hpp"

#include <limits>

namespace durability::internal {

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
