#pragma once

// The crash explorer: runs a program, crashes it at every operation, in every way that crash_profile.hpp
// knows, lets it recover from each state, and crashes that recovery again.
//
//   class Store final : public CrashSubject { … };   // crash_subject.hpp: work, recover, clone, name
//
//   Explorer explorer({.depth = 2});
//   explorer.explore(Store());
//   EXPECT_EQ(explorer.failure(), "");
//   std::cout << explorer.report();
//
// A failure is one line, `<name> | <path>` (crash_path.hpp), and what was wrong; follow() runs exactly that
// state again. Before it is reported it is shrunk: a smaller subject first, then fewer losses. (The earliest
// cut comes first anyway.)
//
// What "every" means: all states of one cut and profile are visited where there are at most
// `exhaustive_states` of them; of more, the mildest so many, and `samples` drawn ones, the same every time.
// States with the same bytes are judged once, for subjects with the same knowledge.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "durability/testing/crash_path.hpp"
#include "durability/testing/crash_subject.hpp"

namespace durability::testing {

struct ExplorerOptions {
  CrashOptions disk = {};
  std::vector<CrashProfile> profiles = {std::begin(kAllCrashProfiles), std::end(kAllCrashProfiles)};
  bool kills = true;  ///< a killed process too, not only power cuts
  std::uint64_t exhaustive_states = 8;
  std::uint64_t samples = 3;
  int depth = 1;  ///< so many crashes inside recovery, one inside the other
  /// A recovery is cut at so many drawn operations, and crashed there in one drawn way; 0: at all of them,
  /// the first recovery in every way, one that follows a crash of recovery in one.
  std::uint64_t recovery_cuts = 1;
  std::uint64_t shrink_runs = 40;  ///< smaller subjects that are tried when something failed
};

/// The operations of work() at which it is cut, where not all of them; its end counts as one.
struct CutRange {
  std::uint64_t first = 0;
  std::uint64_t last = Machine::kNever;
};

/// Figures of one way to crash.
struct ExploredWay {
  std::string name;
  std::uint64_t states = 0;           ///< visited
  std::uint64_t unique = 0;           ///< and judged, because they were not seen before
  std::uint64_t exhaustive_cuts = 0;  ///< of which every state was visited
  std::uint64_t sampled_cuts = 0;
};

/// Not thread-safe; several explorers may run side by side.
class Explorer {
 public:
  explicit Explorer(ExplorerOptions options = {});

  /// Stops at the first failure, and does nothing once there is one. May be called for one subject after the
  /// other.
  void explore(const CrashSubject& subject, CutRange cuts = {});

  /// All words of one to `length` of `letters`, each as the subject that `make` makes of it. Of a word only
  /// the operations of its last letter are cut off: those before are the shorter word's.
  void explore_words(std::string_view letters, std::size_t length,
                     const std::function<std::unique_ptr<CrashSubject>(const std::string& word)>& make);

  /// Empty, or the line that repeats it and what was wrong.
  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }
  [[nodiscard]] std::uint64_t subjects() const noexcept { return subjects_; }
  /// How many operations of work() were cut off; its end is one.
  [[nodiscard]] std::uint64_t cuts() const noexcept { return cuts_; }
  [[nodiscard]] const std::vector<ExploredWay>& ways() const noexcept { return ways_; }
  /// Judged states of all ways.
  [[nodiscard]] std::uint64_t states() const noexcept;
  /// For people: subjects, operations, states, unique states, exhaustive or sampled, by way.
  [[nodiscard]] std::string report() const;

 private:
  struct Place;  // a subject, and the machine it ran on

  void crash(const Place& place, const CrashPath& before, std::uint64_t cut);
  void crash_in_profile(const Place& place, const CrashPath& before, CrashStep step, ExploredWay& way);
  /// `left` is what the last step of `path` leaves of the place's machine.
  void visit(const Place& place, const CrashPath& path, std::shared_ptr<CrashDirectory> left,
             ExploredWay& way);
  void crash_recovery(const Place& place, const CrashPath& path, const Place& recovered);
  void crash_recovery_at(const Place& place, const CrashPath& path, const Place& recovered,
                         std::uint64_t cut);
  [[nodiscard]] bool seen_before(const Place& place, const CrashPath& path, const CrashDirectory& left);
  void fail(const CrashSubject& subject, const CrashPath& path, std::string wrong);
  void shrink_subject(const CrashSubject& subject);
  void shrink_losses(const CrashSubject& subject);

  ExplorerOptions options_;
  std::vector<ExploredWay> ways_;  // the profiles; and after them, where processes are killed, that
  std::unordered_set<std::uint64_t> seen_;
  const CrashSubject* subject_ = nullptr;  // that is being explored
  CrashPath failed_path_;
  std::string failed_why_;
  std::string failure_;
  std::uint64_t subjects_ = 0;
  std::uint64_t cuts_ = 0;
};

}  // namespace durability::testing
