#pragma once

// A directory in memory with stable storage, each of whose syncs, renames and removals is a step of a
// schedule: another thread may go first; and others may go on while a sync is under way.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "durability/storage/memory_directory.hpp"
#include "durability/testing/schedule.hpp"

namespace durability::schedules {

/// What the disk knows, shared with its files.
struct StepDisk {
  testing::Meeting meeting;
  std::vector<std::string> synced;  ///< what files held when a sync of them began that has succeeded
  std::string failing;              ///< a sync of a file that holds this fails; empty: none does
  std::uint64_t failed = 0;

  void reach(const char* what) {
    if (auto* const schedule = testing::Schedule::current()) {
      schedule->reach(what, meeting, testing::Access::kChange);
    }
  }
};

class StepDirectory final : public Directory {
 public:
  [[nodiscard]] static std::shared_ptr<StepDirectory> make() { return std::make_shared<StepDirectory>(); }

  /// True where a sync that began when the file held `text` has succeeded.
  [[nodiscard]] bool has_synced(std::string_view text) const;
  [[nodiscard]] std::uint64_t failed_syncs() const noexcept { return disk_->failed; }
  /// Every sync of a file that holds `text` fails.
  void fail_syncs_of(std::string text) { disk_->failing = std::move(text); }

  Result<std::unique_ptr<File>> do_open(std::string_view path, OpenMode mode) override;
  Result<EntryKind> do_kind(std::string_view path) override { return inner_->do_kind(path); }
  Result<bool> do_make_directory(std::string_view path) override { return inner_->do_make_directory(path); }
  Status do_remove_file(std::string_view path) override;
  Status do_remove_empty_directory(std::string_view path) override {
    return inner_->do_remove_empty_directory(path);
  }
  Status do_rename(std::string_view from, std::string_view to) override;
  Result<std::vector<std::string>> do_list(std::string_view path) override { return inner_->do_list(path); }
  Status do_sync_directory(std::string_view path) override;
  Result<std::unique_ptr<DirectoryLock>> do_lock(std::string_view path) override {
    return inner_->do_lock(path);
  }
  [[nodiscard]] std::uint64_t do_random() override { return ++random_; }
  [[nodiscard]] Capabilities capabilities() const noexcept override { return {.stable_storage = true}; }
  [[nodiscard]] std::uint64_t identity() const noexcept override { return 1; }
  [[nodiscard]] std::optional<std::filesystem::path> file_path(std::string_view) const override { return {}; }

 private:
  std::shared_ptr<MemoryDirectory> inner_ = MemoryDirectory::make();
  std::shared_ptr<StepDisk> disk_ = std::make_shared<StepDisk>();
  std::uint64_t random_ = 0;
};

}  // namespace durability::schedules
