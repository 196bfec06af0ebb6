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
#include "durability/walog/group_commit.hpp"
#include "step_directory.hpp"

namespace durability::schedules {

using testing::require;

/// Visits the schedules of a life, and fails the test where one goes wrong. DURABILITY_SCHEDULE_PREEMPTIONS
/// says how many preemptions there may be, in place of `preemptions`; DURABILITY_SCHEDULE=<name | schedule>
/// repeats one schedule, and prints its steps.
void explore(std::string_view name, unsigned preemptions, const std::function<void()>& life);

/// Runs `body` on a thread of its own.
[[nodiscard]] Thread run(std::function<void()> body);

/// A log with segments of 256 bytes, an entry of 100 bytes or so each.
class Log {
 public:
  explicit Log(WalOptions options = {});

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
