#pragma once

// The system calls of FsDirectory, as a table, so that a test can put a short write, an interruption
// or an error in place of each. A call through it costs an indirection, nothing beside the call itself.

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstdint>

namespace durability::internal {

/// Each does what the call of its name does: -1 and errno on failure. What opens never returns a descriptor
/// below 3.
struct SystemCalls {
  /// openat2 with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS; ENOSYS where the
  /// system does not have it.
  int (*open_beneath)(int directory, const char* path, int flags, mode_t mode);
  int (*openat)(int directory, const char* path, int flags, mode_t mode);
  int (*close)(int fd);
  ssize_t (*pwritev)(int fd, const iovec* pieces, int count, off_t offset);
  ssize_t (*pread)(int fd, void* into, std::size_t length, off_t offset);
  /// Contents, and what of the metadata is needed to read them, on stable storage.
  int (*sync_data)(int fd);
  /// That and all metadata; for directories too.
  int (*sync_all)(int fd);
  int (*ftruncate)(int fd, off_t size);
  /// Sets space aside, the size stays; many an errno where there is no such thing.
  int (*fallocate)(int fd, off_t offset, off_t length);
  /// sync_file_range, without waiting; nothing where there is no such thing.
  void (*start_write_back)(int fd, off_t offset, off_t length);
  int (*flock)(int fd, int operation);
  int (*mkdirat)(int directory, const char* name, mode_t mode);
  int (*unlinkat)(int directory, const char* name, int flags);
  int (*renameat)(int from_directory, const char* from, int to_directory, const char* to);
};

[[nodiscard]] const SystemCalls& real_system_calls() noexcept;

/// Calls until no signal interrupts. Not for close: there the descriptor is gone either way. Not for a sync:
/// one that was interrupted has failed, and a failed one is not made again.
template <class Call>
auto retry_interrupted(Call call) -> decltype(call()) {
  while (true) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

}  // namespace durability::internal
