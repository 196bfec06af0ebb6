#pragma once

// A process is one; what fork() makes of it is another, with copies of all objects. A copy of a writer does
// not own the log: its buffers, its positions and its lock are the parent's.

#include <cstdint>

namespace durability::internal {

/// How many forks lie between the first process and this one. Costs one load: a handler of pthread_atfork
/// counts, not getpid(). A child made past the C library (vfork, clone, _Fork) is not counted.
[[nodiscard]] std::uint64_t process_generation() noexcept;

/// Remembers in which process it was made. A copy of it remembers the same.
class OpeningProcess {
 public:
  /// True in a child that fork() made since.
  [[nodiscard]] bool left() const noexcept { return process_generation() != generation_; }

 private:
  std::uint64_t generation_ = process_generation();
};

}  // namespace durability::internal
