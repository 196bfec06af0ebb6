#include "durability/storage/memory_directory.hpp"

#include <atomic>
#include <cerrno>
#include <mutex>
#include <utility>

#include "durability/storage/identity.hpp"
#include "durability/storage/memory_file.hpp"
#include "durability/storage/memory_names.hpp"
#include "durability/storage/storage_errors.hpp"

namespace durability {
namespace {

using internal::Inode;
using internal::MemoryFile;
using internal::Names;

/// Shared with the locks, which look up their name again.
struct Tree {
  std::mutex mutex;
  Names names;
};

class MemoryLock final : public DirectoryLock {
 public:
  MemoryLock(std::string path, std::shared_ptr<Inode> inode, std::shared_ptr<Tree> tree)
      : path_(std::move(path)), inode_(std::move(inode)), tree_(std::move(tree)) {}
  ~MemoryLock() override { inode_->locked = false; }

  [[nodiscard]] Status check() const override {
    const std::lock_guard lock(tree_->mutex);
    const Names& names = tree_->names;
    if (names.kind(path_) == EntryKind::kFile && names.file(path_) == inode_) return {};
    return internal::lock_lost_error(path_);
  }

 private:
  const std::string path_;
  const std::shared_ptr<Inode> inode_;
  const std::shared_ptr<Tree> tree_;
};

class RealMemoryDirectory final : public MemoryDirectory {
 public:
  Result<std::unique_ptr<File>> do_open(std::string_view path, OpenMode mode) override {
    const std::string name(path);
    const std::lock_guard lock(tree_->mutex);
    DURABILITY_TRY_ASSIGN(std::shared_ptr<Inode> inode, find_or_create(name, mode));
    if (mode == OpenMode::kCreate) {
      const std::lock_guard content_lock(inode->mutex);
      inode->bytes.clear();
    }
    return std::make_unique<MemoryFile>(name, std::move(inode), mode != OpenMode::kRead);
  }

  Result<EntryKind> do_kind(std::string_view path) override {
    const std::string name(path);
    const std::lock_guard lock(tree_->mutex);
    const Status parents = names().check_parents(name);
    if (!parents && parents.error().code() != ErrorCode::kNotFound) return parents.error();
    return names().kind(name);
  }

  Result<bool> do_make_directory(std::string_view path) override {
    const std::string name(path);
    const std::lock_guard lock(tree_->mutex);
    DURABILITY_TRY(names().check_parents(name));
    switch (names().kind(name)) {
      case EntryKind::kMissing: names().put(name, nullptr); return true;
      case EntryKind::kDirectory: return false;
      default: return internal::system_error(ENOTDIR, "make the directory", path);
    }
  }

  Status do_remove_file(std::string_view path) override {
    const std::string name(path);
    const std::lock_guard lock(tree_->mutex);
    DURABILITY_TRY(names().check_parents(name));
    switch (names().kind(name)) {
      case EntryKind::kMissing: return internal::not_found_error(path);
      case EntryKind::kFile: names().erase(name); return {};
      default: return internal::system_error(EISDIR, "remove the file", path);
    }
  }

  Status do_remove_empty_directory(std::string_view path) override {
    const std::string name(path);
    const auto refuse = [&](int error) {
      return internal::system_error(error, "remove the directory", path);
    };
    const std::lock_guard lock(tree_->mutex);
    DURABILITY_TRY(names().check_parents(name));
    switch (names().kind(name)) {
      case EntryKind::kMissing: return internal::not_found_error(path);
      case EntryKind::kDirectory: break;
      default: return refuse(ENOTDIR);
    }
    if (!names().below(name).empty()) return refuse(ENOTEMPTY);
    names().erase(name);
    return {};
  }

  Status do_rename(std::string_view from, std::string_view to) override {
    const std::string source(from);
    const std::string target(to);
    const auto refuse = [&](int error) { return internal::system_error(error, "rename", to); };
    const std::lock_guard lock(tree_->mutex);
    DURABILITY_TRY(names().check_parents(source));
    DURABILITY_TRY(names().check_parents(target));
    const EntryKind source_kind = names().kind(source);
    const EntryKind target_kind = names().kind(target);
    if (source_kind == EntryKind::kMissing) return internal::not_found_error(from);
    if (source == target) return {};
    if (target.starts_with(source + '/')) return refuse(EINVAL);
    if (target_kind == EntryKind::kDirectory) {
      if (source_kind != EntryKind::kDirectory) return refuse(EISDIR);
      if (!names().below(target).empty()) return refuse(ENOTEMPTY);
    } else if (target_kind == EntryKind::kFile && source_kind == EntryKind::kDirectory) {
      return refuse(ENOTDIR);
    }
    names().move(source, target);
    return {};
  }

  Result<std::vector<std::string>> do_list(std::string_view path) override {
    const std::string name(path);
    const std::lock_guard lock(tree_->mutex);
    DURABILITY_TRY(names().check_parents(name));
    switch (names().kind(name)) {
      case EntryKind::kMissing: return internal::not_found_error(path);
      case EntryKind::kDirectory: break;
      default: return internal::system_error(ENOTDIR, "list the directory", path);
    }
    const std::size_t prefix = name.empty() ? 0 : name.size() + 1;
    std::vector<std::string> listed;
    for (const std::string& below : names().below(name)) {
      if (below.find('/', prefix) == std::string::npos) listed.push_back(below.substr(prefix));
    }
    return listed;
  }

  Status do_sync_directory(std::string_view path) override { return internal::no_stable_storage_error(path); }

  Result<std::unique_ptr<DirectoryLock>> do_lock(std::string_view path) override {
    const std::string name(path);
    const std::lock_guard lock(tree_->mutex);
    DURABILITY_TRY_ASSIGN(std::shared_ptr<Inode> inode, find_or_create(name, OpenMode::kAppend));
    if (inode->locked.exchange(true)) return internal::lock_held_error(path);
    return std::make_unique<MemoryLock>(name, std::move(inode), tree_);
  }

  [[nodiscard]] std::uint64_t do_random() override { return random_.fetch_add(1); }

  [[nodiscard]] Capabilities capabilities() const noexcept override { return {.stable_storage = false}; }
  [[nodiscard]] std::uint64_t identity() const noexcept override { return identity_; }

  [[nodiscard]] std::optional<std::string> file_path(std::string_view) const override { return std::nullopt; }

 private:
  Names& names() { return tree_->names; }

  Result<std::shared_ptr<Inode>> find_or_create(const std::string& path, OpenMode mode) {
    DURABILITY_TRY(names().check_parents(path));
    switch (names().kind(path)) {
      case EntryKind::kMissing: break;
      case EntryKind::kFile:
        if (mode == OpenMode::kCreateNew) return internal::already_exists_error(path);
        return names().file(path);
      default:
        if (mode == OpenMode::kCreateNew) return internal::already_exists_error(path);
        return internal::not_a_file_error(path);
    }
    if (mode == OpenMode::kRead || mode == OpenMode::kReadWrite) return internal::not_found_error(path);
    names().put(path, std::make_shared<Inode>());
    return names().file(path);
  }

  const std::shared_ptr<Tree> tree_ = std::make_shared<Tree>();
  std::atomic<std::uint64_t> random_ = 0;
  const std::uint64_t identity_ = internal::new_identity();
};

}  // namespace

std::shared_ptr<MemoryDirectory> MemoryDirectory::make() { return std::make_shared<RealMemoryDirectory>(); }

}  // namespace durability
