#pragma once

// A process of its own that lives a life again and again, watched: it may hang or die.

#include <sys/types.h>

#include <span>
#include <string>

#include "census.hpp"

namespace durability::shortages {

struct Outcome {
  std::string wrong;  ///< empty where all is well
  std::uint64_t asked = 0;
  std::uint64_t refused = 0;
  Site first_refused;
};

/// Lives once for each number, and ends where one went wrong.
class Watched {
 public:
  Watched(const Life& life, Shortage shortage, std::span<const std::uint64_t> numbers);
  /// Kills it, if it still lives.
  ~Watched();
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

  /// Of the next number; waits for it.
  Outcome next();
  /// Of each time that anything was asked for, in the last run that only counted.
  [[nodiscard]] static std::span<const std::uint64_t> sites();

 private:
  pid_t process_ = 0;
  int pipe_ = -1;
};

/// On standard error.
void print(const Site& site);

}  // namespace durability::shortages
