#pragma once

// A directory in memory with stable storage, each of whose operations is a step of a schedule: another thread
// may go first; and others may go on while a sync is under way. Two threads meet there only at what they
// share: a file, or the names in one directory. What no file may have done to it ends the run: to be closed
// or cut while it is synced, to be written to under a name that is not durable.

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "durability/storage/memory_directory.hpp"
#include "durability/testing/schedule.hpp"

namespace durability::schedules {

/// Where threads meet on a disk; kept by the run.
class StepPlace {
 public:
  StepPlace() {
    if (auto* const schedule = testing::Schedule::current()) at_ = &schedule->keep_meeting();
  }
  void reach(const char* what, testing::Access access) const {
    if (at_ != nullptr) testing::Schedule::current()->reach(what, *at_, access);
  }

 private:
  testing::Meeting* at_ = nullptr;
};

/// A file, whatever it is called.
struct StepInode {
  StepPlace place;
  int syncing = 0;
  std::uint64_t renames = 0;
  std::uint64_t durable_renames = 0;
  std::vector<std::string> synced;  ///< what it held when a sync of it began that has succeeded
};

/// What the disk knows, shared with its files.
struct StepDisk {
  std::vector<std::shared_ptr<StepInode>> inodes;
  std::map<std::string, std::shared_ptr<StepInode>, std::less<>> files;  ///< by their names
  std::map<std::string, StepPlace, std::less<>> names;                   ///< by the directory they are in
  StepPlace reading;    ///< a buffer that is read into may be another's
  std::string failing;  ///< a sync of a file that holds this fails; empty: none does
  std::string failure = "sync the file";
  std::uint64_t failed = 0;
  bool at_rest = false;

  void about_to_change() const {
    testing::require(!at_rest, "something is done on a disk that was to be at rest");
  }
  /// Reaches the names that stand in the directory of `path`.
  void reach(const char* what, std::string_view path, testing::Access access);
  std::shared_ptr<StepInode> inode(std::string_view path);
  /// What is called for each write, with the name that the file has now.
  std::function<void(std::string_view name)> on_write;
  void about_to_write(const StepInode& inode) const;
  /// Has the test do what it does in the middle of an operation.
  std::function<void(std::string_view what)> on_step;
  void stepped(std::string_view what) const {
    if (on_step) on_step(what);
  }
};

class StepDirectory : public Directory {
 public:
  [[nodiscard]] static std::shared_ptr<StepDirectory> make() { return std::make_shared<StepDirectory>(); }

  /// True where a sync that began when the file held `text` has succeeded.
  [[nodiscard]] bool has_synced(std::string_view text) const;
  [[nodiscard]] std::uint64_t failed_syncs() const noexcept { return disk_->failed; }
  /// What is there, looked at without a step.
  [[nodiscard]] std::shared_ptr<MemoryDirectory> plain() const { return inner_; }
  /// True where a power loss could take the last rename to that name back.
  [[nodiscard]] bool has_new_name(std::string_view path) const;
  /// True where all that the file holds has been synced, but for zeros.
  [[nodiscard]] bool is_synced(std::string_view path) const;
  void on_write(std::function<void(std::string_view name)> call) { disk_->on_write = std::move(call); }
  /// From now on nobody may change or sync anything.
  void must_rest() noexcept { disk_->at_rest = true; }
  /// Every sync of a file that holds `text` fails; none does, if it is empty.
  void fail_syncs_of(std::string text) { disk_->failing = std::move(text); }
  /// What the error of such a sync says.
  void failed_syncs_say(std::string words) { disk_->failure = std::move(words); }
  /// Called in the middle of each "read", "sync_data", "open" and "remove"; may throw, as where there is no
  /// memory. What it counts must be an Atomic: others count too.
  void on_step(std::function<void(std::string_view what)> call) { disk_->on_step = std::move(call); }

  Result<std::unique_ptr<File>> do_open(std::string_view path, OpenMode mode) override;
  Result<EntryKind> do_kind(std::string_view path) override;
  Result<bool> do_make_directory(std::string_view path) override { return inner_->do_make_directory(path); }
  Status do_remove_file(std::string_view path) override;
  Status do_remove_empty_directory(std::string_view path) override {
    return inner_->do_remove_empty_directory(path);
  }
  Status do_rename(std::string_view from, std::string_view to) override;
  Result<std::vector<std::string>> do_list(std::string_view path) override;
  Status do_sync_directory(std::string_view path) override;
  Result<std::unique_ptr<DirectoryLock>> do_lock(std::string_view path) override {
    return inner_->do_lock(path);
  }
  [[nodiscard]] std::uint64_t do_random() override { return ++random_; }
  [[nodiscard]] Capabilities capabilities() const noexcept override { return {.stable_storage = true}; }
  [[nodiscard]] std::uint64_t identity() const noexcept override { return 1; }
  [[nodiscard]] std::optional<std::string> file_path(std::string_view) const override { return {}; }

 private:
  std::shared_ptr<MemoryDirectory> inner_ = MemoryDirectory::make();
  std::shared_ptr<StepDisk> disk_ = std::make_shared<StepDisk>();
  std::uint64_t random_ = 0;
};

}  // namespace durability::schedules
