#include "durability/storage/system_calls.hpp"

#include <sys/file.h>
#include <unistd.h>

#include <cstdio>

#if defined(__linux__)
#include <linux/openat2.h>
#include <sys/syscall.h>
#endif

namespace durability::internal {
namespace {

static_assert(sizeof(off_t) == 8, "offsets of files take 64 bits: build with _FILE_OFFSET_BITS=64");

/// Where a program was started with one of its standard descriptors closed, the next file that is opened
/// takes its number, and what anybody prints goes into that file. Ours are never there.
int above_standard(int fd) {
  if (fd < 0 || fd > STDERR_FILENO) return fd;
  const int moved = ::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  const int reason = errno;
  ::close(fd);
  errno = reason;
  return moved;
}

int open_beneath(int directory, const char* path, int flags, mode_t mode) {
#if defined(SYS_openat2)
  open_how how{};
  how.flags = static_cast<decltype(how.flags)>(flags);
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;  // anything else is EINVAL without O_CREAT
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return above_standard(static_cast<int>(::syscall(SYS_openat2, directory, path, &how, sizeof how)));
#else
  static_cast<void>(directory), static_cast<void>(path), static_cast<void>(flags), static_cast<void>(mode);
  errno = ENOSYS;
  return -1;
#endif
}

int open_at(int directory, const char* path, int flags, mode_t mode) {
  return above_standard(::openat(directory, path, flags, mode));
}

#if defined(__APPLE__)
// fsync there reaches the drive's volatile cache only.
int sync_all(int fd) { return ::fcntl(fd, F_FULLFSYNC); }
int sync_data(int fd) { return sync_all(fd); }
#else
int sync_all(int fd) { return ::fsync(fd); }
int sync_data(int fd) { return ::fdatasync(fd); }
#endif

#if defined(__linux__)
int reserve(int fd, off_t offset, off_t length) {
  return ::fallocate(fd, FALLOC_FL_KEEP_SIZE, offset, length);
}
void start_write_back(int fd, off_t offset, off_t length) {
  static_cast<void>(::sync_file_range(fd, offset, length, SYNC_FILE_RANGE_WRITE));
}
#else
int reserve(int /*fd*/, off_t /*offset*/, off_t /*length*/) {
  errno = ENOSYS;
  return -1;
}
void start_write_back(int /*fd*/, off_t /*offset*/, off_t /*length*/) {}
#endif

constexpr SystemCalls kReal = {
    .open_beneath = open_beneath,
    .openat = open_at,
    .close = ::close,
    .pwritev = ::pwritev,
    .pread = ::pread,
    .sync_data = sync_data,
    .sync_all = sync_all,
    .ftruncate = ::ftruncate,
    .fallocate = reserve,
    .start_write_back = start_write_back,
    .flock = ::flock,
    .mkdirat = ::mkdirat,
    .unlinkat = ::unlinkat,
    .renameat = ::renameat,
};

}  // namespace

const SystemCalls& real_system_calls() noexcept { return kReal; }

}  // namespace durability::internal
