#pragma once

// Randomness, passed in: log ids and the names of temporary files. Not for cryptography; what is
// needed is that two logs, or two temporaries, never get the same number.

#include <cstdint>
#include <memory>

namespace durability {

class Random {
 public:
  virtual ~Random() = default;
  Random() = default;
  Random(const Random&) = delete;
  Random& operator=(const Random&) = delete;

  /// Uniform over all values. Called from several threads.
  [[nodiscard]] virtual std::uint64_t next_u64() = 0;

  /// The operating system's.
  [[nodiscard]] static std::shared_ptr<Random> system();
};

}  // namespace durability
