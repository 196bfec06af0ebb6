#pragma once

#include <cstdint>
#include <memory>

#include "durability/testing/crash_directory.hpp"

namespace durability::testing {

/// The computer on which a program under test runs, with one disk, and one process at a time. Not
/// thread-safe.
class Machine {
 public:
  static constexpr std::uint64_t kNever = std::uint64_t{1} << 62U;

  /// The first `cut_after` operations succeed (CrashDirectory::cut_after), counted over kills.
  explicit Machine(std::shared_ptr<CrashDirectory> directory, std::uint64_t cut_after = kNever);

  [[nodiscard]] const std::shared_ptr<CrashDirectory>& directory() const noexcept { return directory_; }
  /// The process is killed and another one begins: directory() is a new one, with all that was visible.
  void kill();
  /// True once the machine has died at the cut.
  [[nodiscard]] bool dead() const;
  /// How many operations have begun, those of killed processes included.
  [[nodiscard]] std::uint64_t operations() const;

 private:
  std::shared_ptr<CrashDirectory> directory_;
  std::uint64_t cut_after_;
  std::uint64_t before_ = 0;
};

}  // namespace durability::testing
