#pragma once

// For tests: syncs, or other operations, that are held at their beginning until a test lets them go.

#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>

#include "durability/walog/sync_writer.hpp"
#include "durability/walog/test_support.hpp"

namespace durability::walog::test {

using durability::testing::Injection;

/// Holds syncs of segment files, or operations of another kind, at their beginning until they are let go.
class SyncGate {
 public:
  void hold(Operation operation = Operation::kSyncData) {
    const std::lock_guard lock(mutex_);
    operation_ = operation;
    held_ = true;
  }
  void release(std::optional<Injection> outcome = std::nullopt) {
    const std::lock_guard lock(mutex_);
    held_ = false;
    outcome_ = outcome;
    changed_.notify_all();
  }
  /// Returns when so many syncs have begun.
  void wait_for_syncs(std::uint64_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return begun_ >= count; });
  }
  [[nodiscard]] std::uint64_t begun() {
    const std::lock_guard lock(mutex_);
    return begun_;
  }
  std::optional<Injection> on(const OperationRecord& record) {
    std::unique_lock lock(mutex_);
    if (record.operation != operation_) return std::nullopt;
    ++begun_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !held_; });
    return outcome_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Operation operation_ = Operation::kSyncData;
  bool held_ = false;
  std::uint64_t begun_ = 0;
  std::optional<Injection> outcome_;
};

/// A writer whose syncs pass through a gate.
class GatedWriterTest : public ::testing::Test {
 protected:
  void SetUp() override { open({}); }
  void TearDown() override { gate_.release(); }

  void open(WalOptions options) {
    writer_.reset();
    faulty_->set_hook({});
    options.preallocate_bytes = 0;
    writer_ = SyncWalWriter<std::string>::open(faulty_, options).value();
    faulty_->set_hook([this](const OperationRecord& record) { return gate_.on(record); });
  }
  SyncGate gate_;
  std::shared_ptr<CrashDirectory> inner_ = CrashDirectory::make();
  std::shared_ptr<FaultyDirectory> faulty_ = FaultyDirectory::make(inner_);
  std::unique_ptr<SyncWalWriter<std::string>> writer_;
};

}  // namespace durability::walog::test
