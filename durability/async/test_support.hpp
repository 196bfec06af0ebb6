#pragma once

// What the tests of this module share: an event loop that a test drives, and a disk that can be held.

#include <gtest/gtest.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "durability/async/async_wal.hpp"
#include "durability/async/blocking_bridge.hpp"
#include "durability/testing/crash_directory.hpp"
#include "durability/testing/faulty_directory.hpp"

namespace durability::async::test {

using boost::asio::awaitable;
using boost::asio::use_awaitable;
using testing::CrashDirectory;
using testing::FaultyDirectory;
using testing::Injection;
using testing::Operation;
using testing::OperationRecord;

template <class T>
[[nodiscard]] ::testing::AssertionResult fails_with(const Result<T>& result, ErrorCode code) {
  if (result) return ::testing::AssertionFailure() << "succeeded";
  if (result.error().code() == code) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << result.error();
}

struct Rethrow {
  void operator()(const std::exception_ptr& thrown) const {
    if (thrown) std::rethrow_exception(thrown);
  }
};

/// An event loop on the test's own thread.
class Loop {
 public:
  [[nodiscard]] boost::asio::any_io_executor executor() { return context_.get_executor(); }
  /// Begins a coroutine; it goes on when the loop runs.
  void start(awaitable<void> task) { boost::asio::co_spawn(context_, std::move(task), Rethrow()); }
  /// Begins one that `signal` cancels.
  void start(awaitable<void> task, boost::asio::cancellation_signal& signal) {
    boost::asio::co_spawn(context_, std::move(task),
                          boost::asio::bind_cancellation_slot(signal.slot(), Rethrow()));
  }
  /// Until nothing is left to do, operations under way included.
  void run() {
    context_.restart();
    context_.run();
  }
  void run(awaitable<void> task) {
    start(std::move(task));
    run();
  }
  template <class Condition>
  void run_until(Condition holds) {
    context_.restart();
    while (!holds()) context_.run_one();
  }
  /// What is ready, without waiting for anything. Yields how many handlers that were.
  std::size_t poll() {
    context_.restart();
    return context_.poll();
  }

 private:
  boost::asio::io_context context_;
};

/// Holds operations of one kind, or all, at their beginning until they are let go, and remembers which
/// threads any operation came from. For FaultyDirectory::set_hook.
class GateState {
 public:
  explicit GateState(std::optional<Operation> held) : held_operation_(held) {}

  void hold() {
    const std::lock_guard lock(mutex_);
    held_ = true;
  }
  /// From here on they go through, or fail.
  void release(std::optional<Injection> outcome = std::nullopt) {
    const std::lock_guard lock(mutex_);
    held_ = false;
    outcome_ = outcome;
    changed_.notify_all();
  }
  /// Returns when so many have begun.
  void wait_for(std::uint64_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return begun_ >= count; });
  }
  [[nodiscard]] std::uint64_t begun() {
    const std::lock_guard lock(mutex_);
    return begun_;
  }
  [[nodiscard]] std::set<std::thread::id> threads() {
    const std::lock_guard lock(mutex_);
    return threads_;
  }
  std::optional<Injection> on(const OperationRecord& record) {
    std::unique_lock lock(mutex_);
    threads_.insert(std::this_thread::get_id());
    if (held_operation_ && record.operation != *held_operation_) return std::nullopt;
    ++begun_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !held_; });
    return outcome_;
  }

 private:
  const std::optional<Operation> held_operation_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false;
  std::uint64_t begun_ = 0;
  std::optional<Injection> outcome_;
  std::set<std::thread::id> threads_;
};

/// What it watches may outlive it: a thread that was given up may come to it late.
class Gate {
 public:
  explicit Gate(std::optional<Operation> held) : state_(std::make_shared<GateState>(held)) {}

  void hold() { state_->hold(); }
  void release(std::optional<Injection> outcome = std::nullopt) { state_->release(outcome); }
  void wait_for(std::uint64_t count) { state_->wait_for(count); }
  [[nodiscard]] std::uint64_t begun() { return state_->begun(); }
  [[nodiscard]] std::set<std::thread::id> threads() { return state_->threads(); }
  std::optional<Injection> on(const OperationRecord& record) { return state_->on(record); }
  void watch(FaultyDirectory& directory) {
    directory.set_hook([state = state_](const OperationRecord& record) { return state->on(record); });
  }

 private:
  std::shared_ptr<GateState> state_;
};

}  // namespace durability::async::test
