#pragma once

// A thread, passed in: what a writer does in the background (syncing a seal, preparing the next
// segment) runs on a Worker, so that a test decides when it happens.

#include <cstdint>
#include <functional>
#include <memory>

#include "durability/base/result.hpp"

namespace durability {

/// Runs tasks one after the other, in the order in which they were submitted. Thread-safe. A task must
/// not throw, and must not wait for another one.
class Worker {
 public:
  using Ticket = std::uint64_t;

  virtual ~Worker() = default;
  Worker() = default;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Queues a task, or throws bad_alloc and queues nothing. The ticket is for wait_for().
  virtual Ticket submit(std::function<void()> task) = 0;
  /// Returns when the task of that ticket, and so every one before it, has run.
  virtual void wait_for(Ticket ticket) = 0;

  /// One thread, started here: `io` where the system has none to give. Its destructor runs what is queued,
  /// then joins; in a child of fork it does neither.
  [[nodiscard]] static Result<std::shared_ptr<Worker>> thread();
};

}  // namespace durability
