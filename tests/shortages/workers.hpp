#pragma once

#include "durability/testing/manual_worker.hpp"

namespace durability::shortages {

/// Work by hand, as on a thread of the library: nothing that it throws has anywhere to go.
class HandWorker final : public Worker {
 public:
  Ticket submit(std::function<void()> task) override { return tasks_.submit(std::move(task)); }
  void wait_for(Ticket ticket) noexcept override { tasks_.wait_for(ticket); }
  void run_all() noexcept { tasks_.run_all(); }

 private:
  testing::ManualWorker tasks_;
};

}  // namespace durability::shortages
