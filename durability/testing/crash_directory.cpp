#include "durability/testing/crash_directory.hpp"

#include <cerrno>
#include <utility>

#include "durability/storage/storage_errors.hpp"
#include "durability/testing/crash_world.hpp"
#include "durability/testing/random.hpp"

namespace durability::testing {
namespace {

class CrashLock final : public DirectoryLock {
 public:
  CrashLock(std::shared_ptr<CrashDirectory::World> world, InodeId inode, std::string_view path)
      : world_(std::move(world)), inode_(inode), path_(path) {}
  ~CrashLock() override {
    const std::scoped_lock guard(world_->mutex);
    world_->locked.erase(inode_);
  }

  Status check() const override {
    const std::scoped_lock guard(world_->mutex);
    DURABILITY_TRY(world_->check_alive(path_));
    if (world_->disk.names().find(path_) == Inode{inode_, false}) return {};
    return internal::lock_lost_error(path_);
  }

 private:
  const std::shared_ptr<CrashDirectory::World> world_;
  const InodeId inode_;
  const std::string path_;
};

Error refused(int os_error, std::string_view what, std::string_view path) {
  return Error::from_errno(os_error, what).in_file(path).advise("nothing was changed");
}

}  // namespace

Error CrashDirectory::World::injected(std::string_view what, std::string_view path) {
  return Error::from_errno(EIO, fmt::format("injected: {}", what)).in_file(path);
}

Status CrashDirectory::World::check_alive(std::string_view path) const {
  return dead ? injected("the machine is dead", path) : Status();
}

Status CrashDirectory::World::count(std::string_view path) {
  dead = operations++ >= cut_after;
  return dead ? injected("cut off", path) : Status();
}

std::shared_ptr<CrashDirectory> CrashDirectory::make() { return make(CrashOptions()).value(); }

Result<std::shared_ptr<CrashDirectory>> CrashDirectory::make(const CrashOptions& options) {
  if (options.sector_bytes == 0) {
    return Error(ErrorCode::kInvalidConfig, "CrashOptions::sector_bytes is 0").advise("a sector has bytes");
  }
  return std::make_shared<CrashDirectory>(
      std::make_shared<World>(options, SimulatedDisk(options.sector_bytes), options.seed));
}

void CrashDirectory::cut_after(std::uint64_t count) {
  const std::scoped_lock guard(world_->mutex);
  world_->cut_after = count;
}

std::uint64_t CrashDirectory::operations() const {
  const std::scoped_lock guard(world_->mutex);
  return world_->operations;
}

void CrashDirectory::fail_next_sync(SyncFailure failure) {
  const std::scoped_lock guard(world_->mutex);
  world_->file_sync_failure = failure;
}

void CrashDirectory::fail_next_directory_sync(SyncFailure failure) {
  const std::scoped_lock guard(world_->mutex);
  world_->directory_sync_failure = failure;
}

std::shared_ptr<CrashDirectory> CrashDirectory::after_kill() {
  const std::scoped_lock guard(world_->mutex);
  world_->dead = true;
  return std::make_shared<CrashDirectory>(std::make_shared<World>(*world_, world_->disk));
}

std::shared_ptr<CrashDirectory> CrashDirectory::after_power_cut(const CrashProfile& profile,
                                                                Chooser& chooser) {
  const std::scoped_lock guard(world_->mutex);
  world_->dead = true;
  SimulatedDisk left = world_->disk.after_power_cut(profile, chooser);
  if (!world_->options.blocks_remember) left.forget_earlier_lives();
  return std::make_shared<CrashDirectory>(std::make_shared<World>(*world_, std::move(left)));
}

bool CrashDirectory::all_synced() const {
  const std::scoped_lock guard(world_->mutex);
  return world_->disk.all_synced();
}

std::uint64_t CrashDirectory::fingerprint() const {
  const std::scoped_lock guard(world_->mutex);
  return world_->disk.fingerprint();
}

std::string CrashDirectory::describe() const {
  const std::scoped_lock guard(world_->mutex);
  return world_->disk.describe();
}

Result<std::unique_ptr<File>> CrashDirectory::do_open(std::string_view path, OpenMode mode) {
  const std::scoped_lock guard(world_->mutex);
  DURABILITY_TRY(world_->check_alive(path));
  const auto place = world_->disk.names().place_of(path);
  if (!place) return internal::not_found_error(path);
  auto inode = world_->disk.names().at(*place);
  if (inode && inode->is_directory) return internal::not_a_file_error(path);
  if (inode && mode == OpenMode::kCreateNew) return internal::already_exists_error(path);
  if (!inode) {
    if (mode == OpenMode::kRead || mode == OpenMode::kReadWrite) return internal::not_found_error(path);
    DURABILITY_TRY(world_->perform(path, [&] { inode = world_->disk.create(*place, false); }));
  } else if (mode == OpenMode::kCreate && !world_->disk.file(inode->id).cached().empty()) {
    DURABILITY_TRY(world_->perform(path, [&] { world_->disk.truncate(inode->id, 0); }));
  }
  return make_crash_file(world_, inode->id, path, mode);
}

Result<EntryKind> CrashDirectory::do_kind(std::string_view path) {
  const std::scoped_lock guard(world_->mutex);
  DURABILITY_TRY(world_->check_alive(path));
  const auto inode = world_->disk.names().find(path);
  if (!inode) return EntryKind::kMissing;
  return inode->is_directory ? EntryKind::kDirectory : EntryKind::kFile;
}

Result<bool> CrashDirectory::do_make_directory(std::string_view path) {
  const std::scoped_lock guard(world_->mutex);
  DURABILITY_TRY(world_->check_alive(path));
  const auto place = world_->disk.names().place_of(path);
  if (!place) return internal::not_found_error(path);
  if (const auto inode = world_->disk.names().at(*place)) {
    if (!inode->is_directory) return refused(ENOTDIR, "make directory", path);
    return false;
  }
  DURABILITY_TRY(world_->perform(path, [&] { world_->disk.create(*place, true); }));
  return true;
}

Status CrashDirectory::do_remove_file(std::string_view path) {
  const std::scoped_lock guard(world_->mutex);
  DURABILITY_TRY(world_->check_alive(path));
  const auto place = world_->disk.names().place_of(path);
  const auto inode = place ? world_->disk.names().at(*place) : std::nullopt;
  if (!inode) return internal::not_found_error(path);
  if (inode->is_directory) return refused(EISDIR, "remove file", path);
  return world_->perform(path, [&] { world_->disk.unlink(*place); });
}

Status CrashDirectory::do_remove_empty_directory(std::string_view path) {
  const std::scoped_lock guard(world_->mutex);
  DURABILITY_TRY(world_->check_alive(path));
  const auto place = world_->disk.names().place_of(path);
  const auto inode = place ? world_->disk.names().at(*place) : std::nullopt;
  if (!inode) return internal::not_found_error(path);
  if (!inode->is_directory) return refused(ENOTDIR, "remove directory", path);
  if (!world_->disk.names().entries(inode->id).empty()) return refused(ENOTEMPTY, "remove directory", path);
  return world_->perform(path, [&] { world_->disk.unlink(*place); });
}

Status CrashDirectory::do_rename(std::string_view from, std::string_view to) {
  const std::scoped_lock guard(world_->mutex);
  DURABILITY_TRY(world_->check_alive(from));
  const SimulatedNames& names = world_->disk.names();
  const auto source = names.place_of(from);
  const auto target = names.place_of(to);
  const auto moved = source ? names.at(*source) : std::nullopt;
  if (!moved) return internal::not_found_error(from);
  if (!target) return internal::not_found_error(to);
  if (names.at(*target) == moved) return {};  // one file, two names: POSIX does nothing
  if (moved->is_directory && to.starts_with(std::string(from) + "/")) return refused(EINVAL, "rename", to);
  if (const auto replaced = names.at(*target)) {
    if (replaced->is_directory && !moved->is_directory) return refused(EISDIR, "rename", to);
    if (!replaced->is_directory && moved->is_directory) return refused(ENOTDIR, "rename", to);
    if (replaced->is_directory && !names.entries(replaced->id).empty())
      return refused(ENOTEMPTY, "rename", to);
  }
  return world_->perform(from, [&] { world_->disk.rename(*source, *target); });
}

Result<std::vector<std::string>> CrashDirectory::do_list(std::string_view path) {
  const std::scoped_lock guard(world_->mutex);
  DURABILITY_TRY(world_->check_alive(path));
  const auto inode = world_->disk.names().find(path);
  if (!inode) return internal::not_found_error(path);
  if (!inode->is_directory) return refused(ENOTDIR, "list", path);
  std::vector<std::string> listed;
  for (const auto& [name, entry] : world_->disk.names().entries(inode->id)) listed.push_back(name);
  return listed;
}

Status CrashDirectory::do_sync_directory(std::string_view path) {
  const std::scoped_lock guard(world_->mutex);
  DURABILITY_TRY(world_->check_alive(path));
  const auto inode = world_->disk.names().find(path);
  if (!inode) return internal::not_found_error(path);
  if (!inode->is_directory) return refused(ENOTDIR, "sync directory", path);
  return world_->perform_sync(path, world_->directory_sync_failure, [&](std::optional<SyncFailure> failure) {
    failure ? world_->disk.fail_sync_directory(inode->id, *failure) : world_->disk.sync_directory(inode->id);
  });
}

Result<std::unique_ptr<DirectoryLock>> CrashDirectory::do_lock(std::string_view path) {
  DURABILITY_TRY(do_open(path, OpenMode::kAppend));
  const std::scoped_lock guard(world_->mutex);
  DURABILITY_TRY(world_->check_alive(path));
  const auto inode = world_->disk.names().find(path);
  if (!inode) return internal::not_found_error(path);
  if (!world_->locked.insert(inode->id).second) return internal::lock_held_error(path);
  return std::make_unique<CrashLock>(world_, inode->id, path);
}

std::uint64_t CrashDirectory::do_random() {
  const std::scoped_lock guard(world_->mutex);
  return next_random(world_->random_state);
}

std::uint64_t CrashDirectory::identity() const noexcept { return world_->identity; }

}  // namespace durability::testing
