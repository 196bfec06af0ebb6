#pragma once

// A Worker whose tasks run when a test says so, on the test's own thread.

#include <deque>
#include <functional>

#include "durability/base/worker.hpp"

namespace durability::testing {

/// Not thread-safe: everything happens on the thread that calls. A task that was never run when the
/// worker is destroyed is dropped, as a killed process drops it.
class ManualWorker final : public Worker {
 public:
  Ticket submit(std::function<void()> task) override;
  /// Runs queued tasks up to that ticket's: whoever must wait makes the work happen.
  void wait_for(Ticket ticket) override;

  /// Runs the oldest queued task; false where there is none.
  bool run_one();
  void run_all();
  [[nodiscard]] std::size_t pending() const noexcept { return tasks_.size(); }

 private:
  std::deque<std::function<void()>> tasks_;
  Ticket submitted_ = 0;
  Ticket completed_ = 0;
};

}  // namespace durability::testing
