#include "durability/base/process.hpp"

#include <pthread.h>

#include <atomic>

namespace durability::internal {
namespace {

constinit std::atomic<std::uint64_t> generation = 0;
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);  // the handler runs in a child of fork()

extern "C" void count_fork() { generation.fetch_add(1, std::memory_order_relaxed); }

// Before main(), when the system has memory for it if it ever does.
[[maybe_unused]] const int registered = ::pthread_atfork(nullptr, nullptr, count_fork);

}  // namespace

std::uint64_t process_generation() noexcept { return generation.load(std::memory_order_relaxed); }

}  // namespace durability::internal
