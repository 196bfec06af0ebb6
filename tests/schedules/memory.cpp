#include "memory.hpp"

#include <cstdlib>
#include <new>

#include "durability/base/sync.hpp"

namespace durability::schedules {
namespace {

durability::internal::SystemThread::id without = 0;

// What is larger still is a thread's stack.
bool may_have(std::size_t bytes) noexcept {
  const bool is_large = bytes >= kLarge && bytes < 2 * kLarge;
  if (!is_large || without == 0 || testing::Schedule::current() == nullptr) return true;
  return durability::internal::this_thread_id() != without;
}

}  // namespace

LargeMemory::LargeMemory() noexcept { without = 0; }
LargeMemory::~LargeMemory() { without = 0; }
void LargeMemory::end_for_this_thread() noexcept { without = durability::internal::this_thread_id(); }

}  // namespace durability::schedules

// The other forms call these.
void* operator new(std::size_t bytes) {
  void* const memory = durability::schedules::may_have(bytes) ? std::malloc(bytes == 0 ? 1 : bytes) : nullptr;
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
