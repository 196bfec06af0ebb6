#include "step_directory.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace durability::schedules {
namespace {

using testing::Access;

constexpr std::uint64_t kMostBytes = 1U << 20U;

// The directory that a path's last name stands in.
std::string_view parent_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

class StepFile final : public File {
 public:
  StepFile(std::unique_ptr<File> inner, std::string path, std::shared_ptr<StepDisk> disk,
           std::shared_ptr<StepInode> inode)
      : inner_(std::move(inner)), path_(std::move(path)), disk_(std::move(disk)), inode_(std::move(inode)) {}

  using File::write_at;
  Status write_at(std::uint64_t offset, std::span<const ByteView> pieces) override {
    inode_->place.reach("write", Access::kChange);
    disk_->about_to_write(*inode_);
    return inner_->write_at(offset, pieces);
  }
  Status append(ByteView bytes) override {
    inode_->place.reach("append", Access::kChange);
    disk_->about_to_write(*inode_);
    return inner_->append(bytes);
  }
  Result<std::size_t> read_at(std::uint64_t offset, MutableByteView into) override {
    inode_->place.reach("read", Access::kLook);
    disk_->reading.reach("read", Access::kChange);
    disk_->stepped("read");
    return inner_->read_at(offset, into);
  }
  Status sync_data() override {
    inode_->place.reach("sync_data", Access::kChange);
    disk_->about_to_change();
    ++inode_->syncing;
    std::string held(inner_->size().value(), '\0');
    DURABILITY_TRY(inner_->read_at(0, as_writable_bytes(held)));
    inode_->place.reach("sync_data ends", Access::kChange);
    disk_->about_to_change();
    --inode_->syncing;
    disk_->stepped("sync_data");
    const bool fails = !disk_->failing.empty() && held.find(disk_->failing) != std::string::npos;
    if (fails) ++disk_->failed;
    if (fails) return Error::from_errno(EIO, disk_->failure).in_file(path_);
    inode_->synced.push_back(std::move(held));
    return {};
  }
  Result<std::uint64_t> size() override { return inner_->size(); }
  Result<std::uint64_t> links() override { return inner_->links(); }
  void now_called(std::string path) noexcept override { inner_->now_called(std::move(path)); }
  Status truncate(std::uint64_t size) override {
    inode_->place.reach("truncate", Access::kChange);
    testing::require(inode_->syncing == 0, "a file is truncated while it is synced");
    return inner_->truncate(size);
  }
  Status preallocate(std::uint64_t offset, std::uint64_t length) override {
    inode_->place.reach("write zeros", Access::kChange);
    disk_->about_to_write(*inode_);
    return inner_->preallocate(offset, length);
  }
  Status drop_cached_pages() override { return inner_->drop_cached_pages(); }
  Status close() override {
    inode_->place.reach("close", Access::kChange);
    testing::require(inode_->syncing == 0, "a file is closed while it is synced");
    return inner_->close();
  }

 private:
  static MutableByteView as_writable_bytes(std::string& text) {
    return std::as_writable_bytes(std::span(text.data(), text.size()));
  }

  std::unique_ptr<File> inner_;
  const std::string path_;
  const std::shared_ptr<StepDisk> disk_;
  const std::shared_ptr<StepInode> inode_;
};

}  // namespace

void StepDisk::reach(const char* what, std::string_view path, Access access) {
  names[std::string(parent_of(path))].reach(what, access);
}

std::shared_ptr<StepInode> StepDisk::inode(std::string_view path) {
  auto& inode = files[std::string(path)];
  if (!inode) inodes.push_back(inode = std::make_shared<StepInode>());
  return inode;
}

void StepDisk::about_to_write(const StepInode& inode) const {
  about_to_change();
  testing::require(inode.renames == inode.durable_renames, "a file is written to whose name is not durable");
  if (!on_write) return;
  for (const auto& [name, file] : files) {
    if (file.get() == &inode) return on_write(name);
  }
}

bool StepDirectory::has_new_name(std::string_view path) const {
  const auto file = disk_->files.find(path);
  return file != disk_->files.end() && file->second->renames > file->second->durable_renames;
}

bool StepDirectory::is_synced(std::string_view path) const {
  const auto file = disk_->files.find(path);
  const auto bytes = inner_->read_file(path, kMostBytes);
  if (file == disk_->files.end() || !bytes || file->second->synced.empty()) return false;
  std::string_view there = as_text(*bytes);
  there = there.substr(0, there.find_last_not_of('\0') + 1);
  return file->second->synced.back().starts_with(there);
}

bool StepDirectory::has_synced(std::string_view text) const {
  const auto holds = [text](const std::string& held) { return held.find(text) != std::string::npos; };
  return std::ranges::any_of(disk_->inodes, [&](const auto& inode) {
    if (!std::ranges::any_of(inode->synced, holds)) return false;
    inode->place.reach("is it synced", Access::kLook);
    return true;
  });
}

Result<std::unique_ptr<File>> StepDirectory::do_open(std::string_view path, OpenMode mode) {
  const bool may_make = mode != OpenMode::kRead && mode != OpenMode::kReadWrite;
  disk_->reach("open", path, may_make ? Access::kChange : Access::kLook);
  disk_->stepped("open");
  DURABILITY_TRY_ASSIGN(auto inner, inner_->do_open(path, mode));
  return std::make_unique<StepFile>(std::move(inner), std::string(path), disk_, disk_->inode(path));
}

Result<EntryKind> StepDirectory::do_kind(std::string_view path) {
  disk_->reach("kind", path, Access::kLook);
  return inner_->do_kind(path);
}

Result<std::vector<std::string>> StepDirectory::do_list(std::string_view path) {
  disk_->names[std::string(path)].reach("list", Access::kLook);
  return inner_->do_list(path);
}

Status StepDirectory::do_remove_file(std::string_view path) {
  disk_->reach("remove", path, Access::kChange);
  disk_->about_to_change();
  disk_->stepped("remove");
  disk_->files.erase(std::string(path));
  return inner_->do_remove_file(path);
}

Status StepDirectory::do_rename(std::string_view from, std::string_view to) {
  disk_->reach("rename", to, Access::kChange);
  disk_->about_to_change();
  DURABILITY_TRY(inner_->do_rename(from, to));
  if (auto moved = disk_->files.extract(std::string(from))) {
    ++moved.mapped()->renames;
    disk_->files[std::string(to)] = std::move(moved.mapped());
  }
  return {};
}

Status StepDirectory::do_sync_directory(std::string_view path) {
  const StepPlace& place = disk_->names[std::string(path)];
  place.reach("sync_directory", Access::kLook);
  std::vector<std::pair<std::shared_ptr<StepInode>, std::uint64_t>> renamed;
  for (const auto& [name, file] : disk_->files) {
    if (parent_of(name) == path) renamed.emplace_back(file, file->renames);
  }
  place.reach("sync_directory ends", Access::kLook);
  for (const auto& [file, renames] : renamed)
    file->durable_renames = std::max(file->durable_renames, renames);
  return {};
}

}  // namespace durability::schedules
