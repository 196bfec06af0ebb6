#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "durability/testing/crash_profile.hpp"
#include "durability/testing/machine.hpp"

namespace durability::testing {

/// What a subject recovers from.
struct Crash {
  std::optional<CrashProfile> profile;  ///< none: the process was killed, the machine lives
  std::uint64_t seed = 0;  ///< for what a recovery does at random; the same whenever the state is repeated
  int number = 1;          ///< 1: of work(); 2: of the recovery from that; and so on

  [[nodiscard]] bool killed() const noexcept { return !profile; }
};

/// A program under test, together with what it knows: what it wrote, and what it was promised. A value: every
/// crash state is judged by a copy of the subject as it was when the machine died, so nothing that it holds
/// may keep a handle into the directory from one call to the next. It must be deterministic: no clock, no
/// threads, no randomness but from Crash::seed.
class CrashSubject {
 public:
  virtual ~CrashSubject() = default;

  /// Works on an empty directory, to its end or to the first call that fails. Returns what is wrong even
  /// without a crash; nothing where all is well, and nothing for an error that the cut made (its message
  /// contains "injected:").
  virtual std::string work(Machine& machine) = 0;
  /// Looks at what a crash left, recovers, and may go on. Returns what is wrong, as work() does.
  virtual std::string recover(Machine& machine, const Crash& crash) = 0;
  [[nodiscard]] virtual std::unique_ptr<CrashSubject> clone() const = 0;

  /// One line without `|`, from which the same subject can be made again.
  [[nodiscard]] virtual std::string name() const = 0;
  /// A hash of what it knows, where subjects with the same one judge alike: then a state is judged once, by
  /// whichever subject comes first. None: only copies of one moment judge alike.
  [[nodiscard]] virtual std::optional<std::uint64_t> knowledge() const { return std::nullopt; }
  /// Subjects that do a little less, for shrinking a failure.
  [[nodiscard]] virtual std::vector<std::unique_ptr<CrashSubject>> smaller() const { return {}; }

 protected:
  CrashSubject() = default;
  CrashSubject(const CrashSubject&) = default;
  CrashSubject& operator=(const CrashSubject&) = default;
};

}  // namespace durability::testing
