#include "memory_watch.hpp"

#include <algorithm>

#if __has_feature(address_sanitizer)
#include <sanitizer/allocator_interface.h>
#endif

namespace durability::fuzz {
namespace {

bool watching = false;
std::int64_t held = 0;
std::int64_t peak = 0;

#if __has_feature(address_sanitizer)
void on_malloc(const volatile void* /*block*/, std::size_t size) {
  if (!watching) return;
  held += static_cast<std::int64_t>(size);
  peak = std::max(peak, held);
}

void on_free(const volatile void* block) {
  if (watching && block != nullptr) {
    held -= static_cast<std::int64_t>(__sanitizer_get_allocated_size(const_cast<const void*>(block)));
  }
}

[[maybe_unused]] const int installed = __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
#endif

}  // namespace

MemoryWatch::MemoryWatch() noexcept {
  held = 0;
  peak = 0;
  watching = true;
}
MemoryWatch::~MemoryWatch() { watching = false; }
std::uint64_t MemoryWatch::peak_bytes() noexcept { return static_cast<std::uint64_t>(peak); }

}  // namespace durability::fuzz
