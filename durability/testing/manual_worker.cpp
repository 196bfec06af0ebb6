#include "durability/testing/manual_worker.hpp"

#include <utility>

namespace durability::testing {

Worker::Ticket ManualWorker::submit(std::function<void()> task) {
  tasks_.push_back(std::move(task));
  return ++submitted_;
}

void ManualWorker::wait_for(Ticket ticket) {
  while (completed_ < ticket && run_one()) {
  }
}

bool ManualWorker::run_one() {
  if (tasks_.empty()) return false;
  auto task = std::move(tasks_.front());
  tasks_.pop_front();
  task();
  ++completed_;
  return true;
}

void ManualWorker::run_all() {
  while (run_one()) {
  }
}

}  // namespace durability::testing
