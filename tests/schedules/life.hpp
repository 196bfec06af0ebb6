#pragma once

// What the lives of this folder share: a log on a disk whose every step may be interrupted, threads, and what
// must hold of what they were told.

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "durability/base/sync.hpp"
#include "durability/testing/manual_clock.hpp"
#include "durability/testing/random.hpp"
#include "durability/testing/schedule_explorer.hpp"
#include "durability/walog/commit/group_commit.hpp"
#include "step_directory.hpp"

namespace durability::schedules {

using testing::require;

/// Visits all schedules of a life with up to so many preemptions, and some of those with up to 3, and fails
/// the test where one goes wrong. In the environment:
///   DURABILITY_SCHEDULE_PREEMPTIONS      how many preemptions there may be, in place of `preemptions`
///   DURABILITY_SCHEDULE_MOST             gives up "all" after so many schedules
///   DURABILITY_SCHEDULE_SAMPLES, _SEED   how many of those with up to 3, and which
///   DURABILITY_SCHEDULE=<name | schedule>   repeats one schedule, and prints its steps
void explore(std::string_view name, unsigned preemptions, const std::function<void()>& life);

/// Runs `body` on a thread of its own.
[[nodiscard]] Thread run(std::function<void()> body);

/// What a life does not ask about is done in one way only: how it begins, and how it ends.
class OneWay {
 public:
  OneWay() { testing::Schedule::current()->go_one_way(); }
  ~OneWay() { testing::Schedule::current()->decide_again(); }
  OneWay(const OneWay&) = delete;
  OneWay& operator=(const OneWay&) = delete;
};

/// `options` with segments of 256 bytes, which is an entry of 100 bytes or so each, and nothing that does not
/// repeat.
[[nodiscard]] WalOptions small(WalOptions options = {});

enum class Opened : std::uint8_t { kOneWay, kAnyWay };

/// A log that small() describes. It is opened in one way, if no other is asked
/// for, and ends in one way where destroy() is not called.
class Log {
 public:
  explicit Log(WalOptions options = {}, Opened opened = Opened::kOneWay);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  [[nodiscard]] walog::GroupCommit& commit() noexcept { return *commit_; }
  [[nodiscard]] StepDirectory& disk() noexcept { return *disk_; }
  [[nodiscard]] const std::shared_ptr<StepDirectory>& directory() noexcept { return disk_; }

  /// append_durable; what it acknowledges must have been synced.
  Result<DurableId> append_durable(const std::string& text);
  /// Fails the run where `text` is acknowledged and was not synced.
  void judge(const std::string& text, const Result<DurableId>& durable);
  void destroy() { commit_.reset(); }

 private:
  std::shared_ptr<StepDirectory> disk_ = StepDirectory::make();
  std::unique_ptr<walog::GroupCommit> commit_;
};

/// Bytes of a payload that begins with `text`, as long as any.
[[nodiscard]] std::string entry(std::string_view text, std::size_t length = 60);

template <class T>
void require_ok(const Result<T>& result, std::string_view what) {
  if (!result) require(false, fmt::format("{}: {}", what, result.error().to_string()));
}

}  // namespace durability::schedules
