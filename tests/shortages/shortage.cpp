#include "shortage.hpp"

#include <dlfcn.h>
#include <execinfo.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <new>

// A sanitizer's own pthread_create, where there is one: threads that it does not know of are beyond it.
// NOLINTNEXTLINE(bugprone-reserved-identifier): its name
extern "C" [[gnu::weak]] int __interceptor_pthread_create(pthread_t*, const pthread_attr_t*, void* (*)(void*),
                                                          void*);

namespace durability::shortages {
namespace {

std::atomic<bool> armed{false};
std::atomic<std::uint64_t> asked{0};
std::atomic<std::uint64_t> refused{0};
Shortage planned;
Tally* counted = nullptr;
thread_local int exempt = 0;

Site site_of_caller() noexcept {
  constexpr std::size_t kOwnFrames = 3;
  std::array<void*, kOwnFrames + Site::kDepth> frames{};
  ::backtrace(frames.data(), static_cast<int>(frames.size()));
  Site site;
  std::copy(frames.begin() + kOwnFrames, frames.end(), site.callers.begin());
  return site;
}

/// Is one of these refused now?
[[gnu::noinline]] bool is_short_of(Resource resource) noexcept {
  if (!armed.load(std::memory_order_acquire) || exempt > 0 || resource != planned.resource) return false;
  ++exempt;
  const std::uint64_t number = ++asked;
  if (planned.number == 0 && number <= Tally::kMostSites) {
    counted->sites.at(number - 1) = site_of_caller().hash();
  }
  const bool refuses = planned.number != 0 && (planned.lasting == Lasting::kOnce ? number == planned.number
                                                                                 : number >= planned.number);
  if (refuses && refused++ == 0) counted->first_refused = site_of_caller();
  --exempt;
  return refuses;
}

int open_beneath(int directory, const char* path, int flags, mode_t mode) {
  if (!is_short_of(Resource::kDescriptor)) {
    return internal::real_system_calls().open_beneath(directory, path, flags, mode);
  }
  errno = EMFILE;
  return -1;
}

int openat(int directory, const char* path, int flags, mode_t mode) {
  if (!is_short_of(Resource::kDescriptor)) {
    return internal::real_system_calls().openat(directory, path, flags, mode);
  }
  errno = EMFILE;
  return -1;
}

void* allocate(std::size_t bytes, std::size_t alignment) noexcept {
  if (is_short_of(Resource::kAllocation)) return nullptr;
  if (alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__) return std::malloc(bytes == 0 ? 1 : bytes);
  return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

void* allocate_or_throw(std::size_t bytes, std::size_t alignment) {
  void* const memory = allocate(bytes, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

std::uint64_t Site::hash() const noexcept {
  std::uint64_t hash = 14695981039346656037U;
  for (const void* caller : callers)
    hash = (hash ^ reinterpret_cast<std::uintptr_t>(caller)) * 1099511628211U;
  return hash;
}

void arm(const Shortage& shortage, Tally& tally) noexcept {
  planned = shortage;
  counted = &tally;
  tally.asked = 0;
  tally.refused = 0;
  asked = 0;
  refused = 0;
  armed.store(true, std::memory_order_release);
}

void disarm() noexcept {
  if (!armed.exchange(false, std::memory_order_acq_rel)) return;
  counted->asked = asked;
  counted->refused = refused;
}

Exempt::Exempt() noexcept { ++exempt; }
Exempt::~Exempt() { --exempt; }

const internal::SystemCalls& system_calls() noexcept {
  static const internal::SystemCalls calls = [] {
    internal::SystemCalls table = internal::real_system_calls();
    table.open_beneath = open_beneath;
    table.openat = openat;
    return table;
  }();
  return calls;
}

int create_thread(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*), void* argument) {
  if (is_short_of(Resource::kThread)) return EAGAIN;
  using Create = decltype(&::pthread_create);
  static const auto real = &__interceptor_pthread_create != nullptr
                               ? &__interceptor_pthread_create
                               : reinterpret_cast<Create>(::dlsym(RTLD_NEXT, "pthread_create"));
  return real(thread, attributes, run, argument);
}

}  // namespace durability::shortages

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*),
                              void* argument) {
  return durability::shortages::create_thread(thread, attributes, run, argument);
}

// NOLINTBEGIN(misc-new-delete-overloads): all of them are here
using durability::shortages::allocate;
using durability::shortages::allocate_or_throw;

void* operator new(std::size_t bytes) { return allocate_or_throw(bytes, 1); }
void* operator new[](std::size_t bytes) { return allocate_or_throw(bytes, 1); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return allocate(bytes, 1); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return allocate(bytes, 1); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate_or_throw(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return allocate_or_throw(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
// NOLINTEND(misc-new-delete-overloads)
