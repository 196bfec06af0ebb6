#pragma once

// How a crash state was reached, crash by crash, as one line that a test prints and that leads there again:
//
//   14:hostile:0.2 3:kill:-      work() cut at operation 14, the power cut with those choices; the recovery
//                                from that cut at operation 3, and the process killed
//   14:-:-                       work() cut at operation 14; what is wrong shows without looking at the disk

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "durability/testing/crash_subject.hpp"

namespace durability::testing {

struct CrashStep {
  static constexpr std::string_view kKill = "kill";
  static constexpr std::string_view kNone = "-";

  std::uint64_t cut = 0;
  std::string way;      ///< kKill, a profile's name, or kNone
  std::string choices;  ///< as Chooser::choices() prints them

  bool operator==(const CrashStep&) const = default;
};

using CrashPath = std::vector<CrashStep>;

[[nodiscard]] std::string to_string(const CrashPath& path);
/// `invalid_config` where the line is none.
[[nodiscard]] Result<CrashPath> parse_crash_path(std::string_view line);

/// The crash at the end of `path`, as the subject gets it. Profiles are looked up by name.
[[nodiscard]] Crash crash_of(const CrashPath& path, const std::vector<CrashProfile>& profiles);

/// What a dead or finished machine leaves, in the way that `step` says. May be asked again and again.
[[nodiscard]] std::shared_ptr<CrashDirectory> leave(const Machine& machine, const CrashStep& step,
                                                    const std::vector<CrashProfile>& profiles);

/// Goes that way with a copy of `subject`. Returns what is wrong. `story`, where given, gets the disk before
/// and after each crash.
[[nodiscard]] std::string follow(const CrashSubject& subject, const CrashOptions& disk,
                                 const std::vector<CrashProfile>& profiles, const CrashPath& path,
                                 std::string* story = nullptr);

}  // namespace durability::testing
