// Preloaded into a program: the k-th allocation, thread start or descriptor that it asks for between the
// begin and the end of main can't be had. SHORTAGE says which, as `allocation once 17`; with number 0 they
// are only counted. How many were asked for is written into the file SHORTAGE_COUNT when main returns.

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

enum class Resource { kNone, kAllocation, kThread, kDescriptor };

struct Shortage {
  Resource resource = Resource::kNone;
  bool lasts = false;
  unsigned long number = 0;
};

Shortage shortage;
std::atomic<bool> armed{false};
std::atomic<unsigned long> asked{0};

Shortage planned() {
  const char* const line = std::getenv("SHORTAGE");
  std::array<char, 20> resource{};
  std::array<char, 20> lasting{};
  Shortage plan;
  if (line == nullptr ||
      std::sscanf(line, "%19s %19s %lu", resource.data(), lasting.data(), &plan.number) != 3)
    return plan;
  plan.resource = std::strcmp(resource.data(), "thread") == 0       ? Resource::kThread
                  : std::strcmp(resource.data(), "descriptor") == 0 ? Resource::kDescriptor
                                                                    : Resource::kAllocation;
  plan.lasts = std::strcmp(lasting.data(), "once") != 0;
  return plan;
}

bool is_short_of(Resource resource) {
  if (!armed.load(std::memory_order_acquire) || resource != shortage.resource) return false;
  const unsigned long number = ++asked;
  return shortage.number != 0 && (shortage.lasts ? number >= shortage.number : number == shortage.number);
}

void write_count() {
  if (!armed.exchange(false)) return;
  const char* const path = std::getenv("SHORTAGE_COUNT");
  std::FILE* const file = path == nullptr ? nullptr : std::fopen(path, "we");
  if (file == nullptr) return;
  static_cast<void>(std::fprintf(file, "%lu\n", asked.load()));
  static_cast<void>(std::fclose(file));
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

void* allocate(std::size_t bytes) {
  return is_short_of(Resource::kAllocation) ? nullptr : std::malloc(bytes == 0 ? 1 : bytes);
}

// As the system's: the program may have a handler, which may end it.
void* allocate_or_throw(std::size_t bytes) {
  while (true) {
    if (void* const memory = allocate(bytes); memory != nullptr) return memory;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}

void* allocate_or_none(std::size_t bytes) noexcept {
  try {
    return allocate_or_throw(bytes);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

using Main = int(int, char**, char**);
Main* real_main = nullptr;

int main_in_shortage(int argc, char** argv, char** environment) {
  shortage = planned();
  armed.store(shortage.resource != Resource::kNone, std::memory_order_release);
  const int status = real_main(argc, argv, environment);
  write_count();
  return status;
}

}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier): their names
extern "C" int __libc_start_main(Main* main, int argc, char** argv, void (*init)(), void (*fini)(),
                                 void (*rtld_fini)(), void* stack_end) {
  real_main = main;
  using Start = int(Main*, int, char**, void (*)(), void (*)(), void (*)(), void*);
  return next<Start>("__libc_start_main")(main_in_shortage, argc, argv, init, fini, rtld_fini, stack_end);
}
// NOLINTEND(bugprone-reserved-identifier)

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*),
                              void* argument) {
  if (is_short_of(Resource::kThread)) return EAGAIN;
  static auto* const real = next<decltype(::pthread_create)>("pthread_create");
  return real(thread, attributes, run, argument);
}

// The tool opens files by these two.
extern "C" int openat(int directory, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  if (is_short_of(Resource::kDescriptor)) {
    errno = EMFILE;
    return -1;
  }
  static auto* const real = next<int(int, const char*, int, ...)>("openat");
  return real(directory, path, flags, mode);
}

extern "C" long syscall(long number, ...) noexcept {
  va_list arguments;
  va_start(arguments, number);
  std::array<long, 6> values{};
  for (long& value : values) value = va_arg(arguments, long);
  va_end(arguments);
  if (number == SYS_openat2 && is_short_of(Resource::kDescriptor)) {
    errno = EMFILE;
    return -1;
  }
  static auto* const real = next<long(long, ...)>("syscall");
  return real(number, values[0], values[1], values[2], values[3], values[4], values[5]);
}

// NOLINTBEGIN(misc-new-delete-overloads): what they allocate is freed by the library's
void* operator new(std::size_t bytes) { return allocate_or_throw(bytes); }
void* operator new[](std::size_t bytes) { return allocate_or_throw(bytes); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return allocate_or_none(bytes); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return allocate_or_none(bytes); }
// NOLINTEND(misc-new-delete-overloads)
