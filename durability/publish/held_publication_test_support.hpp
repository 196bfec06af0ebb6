#pragma once

// For tests of publications side by side: the first one, held when it is about to rename its checkpoint.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "durability/base/threads_at_rest_test_support.hpp"
#include "durability/testing/faulty_directory.hpp"

namespace durability::test {

/// Holds the first renaming to a path until it is let go; others pass. What it watches may outlive it.
class FirstRename {
 public:
  explicit FirstRename(std::string path) : state_(std::make_shared<State>(std::move(path))) {}

  void watch(testing::FaultyDirectory& directory) {
    directory.set_hook(
        [state = state_](const testing::OperationRecord& record) { return state->on(record); });
  }
  /// Returns when it is held.
  void wait_for_it() {
    std::unique_lock lock(state_->mutex);
    state_->changed.wait(lock, [this] { return state_->begun > 0; });
  }
  void let_go() {
    const std::lock_guard lock(state_->mutex);
    state_->let_go = true;
    state_->changed.notify_all();
  }
  /// Lets go when all who could do anything meanwhile have done it, or wait for it.
  void let_go_last() {
    let_others_come_to_rest();
    let_go();
  }

 private:
  struct State {
    explicit State(std::string to) : path(std::move(to)) {}
    std::optional<testing::Injection> on(const testing::OperationRecord& record) {
      if (record.operation != testing::Operation::kRename || record.target != path) return std::nullopt;
      std::unique_lock lock(mutex);
      const bool first = ++begun == 1;
      changed.notify_all();
      if (first) changed.wait(lock, [this] { return let_go; });
      return std::nullopt;
    }

    const std::string path;
    std::mutex mutex;
    std::condition_variable changed;
    int begun = 0;
    bool let_go = false;
  };

  std::shared_ptr<State> state_;
};

}  // namespace durability::test
