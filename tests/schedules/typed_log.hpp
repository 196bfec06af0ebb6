#pragma once

// A log of strings for many threads, as programs use it.

#include <memory>
#include <string>
#include <vector>

#include "durability/walog/sync_writer.hpp"
#include "life.hpp"

namespace durability::schedules {

/// A log that small() describes. It is opened in one way, and ends in one way where destroy() is not called.
class TypedLog {
 public:
  using Wal = SyncWalWriter<std::string>;

  explicit TypedLog(std::shared_ptr<StepDirectory> disk = StepDirectory::make(), WalOptions options = {});
  ~TypedLog();
  TypedLog(const TypedLog&) = delete;
  TypedLog& operator=(const TypedLog&) = delete;

  [[nodiscard]] Wal& wal() noexcept { return *wal_; }
  [[nodiscard]] StepDirectory& disk() noexcept { return *disk_; }

  /// append_durable; what it acknowledges must have been synced.
  Result<DurableId> append_durable(const std::string& text);
  void destroy() { wal_.reset(); }
  /// All entries; looked at without a step. For the end of a life.
  [[nodiscard]] std::vector<std::string> entries() const;

 private:
  std::shared_ptr<StepDirectory> disk_;
  std::unique_ptr<Wal> wal_;
};

}  // namespace durability::schedules
