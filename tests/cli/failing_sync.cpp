// Preloaded into a program, a disk that fails: the sync number FAIL_SYNC, and every later one, is EIO.

#include <dlfcn.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

namespace {

bool fails() {
  static std::atomic<long> calls = 0;
  static const char* const setting = std::getenv("FAIL_SYNC");
  static const long first = setting == nullptr ? 0 : std::strtol(setting, nullptr, 10);
  return ++calls >= first;
}

int call(const char* name, int fd) {
  if (fails()) {
    errno = EIO;
    return -1;
  }
  using Sync = int (*)(int);
  const auto real = reinterpret_cast<Sync>(::dlsym(RTLD_NEXT, name));
  return real(fd);
}

}  // namespace

extern "C" int fdatasync(int fd) { return call("fdatasync", fd); }
extern "C" int fsync(int fd) { return call("fsync", fd); }
