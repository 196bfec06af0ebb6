#include "durability/storage/memory_directory.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <map>
#include <mutex>
#include <utility>

#include "durability/storage/storage_errors.hpp"

namespace durability {
namespace {

/// What a disk calls an inode: it lives as long as a name or an open file leads to it.
struct Inode {
  std::mutex mutex;  ///< guards `bytes`
  Bytes bytes;
  std::atomic<bool> locked = false;
};

class MemoryFile final : public File {
 public:
  MemoryFile(std::string path, std::shared_ptr<Inode> inode, bool writable)
      : path_(std::move(path)), inode_(std::move(inode)), writable_(writable) {}

  Status write_at(std::uint64_t offset, std::span<const ByteView> pieces) override {
    std::uint64_t length = 0;
    for (const ByteView piece : pieces) length += piece.size();
    DURABILITY_TRY(check_writable(offset, length));
    const std::lock_guard lock(inode_->mutex);
    if (length > 0) grow_to(offset + length);
    for (const ByteView piece : pieces) {
      std::copy(piece.begin(), piece.end(), inode_->bytes.begin() + static_cast<std::ptrdiff_t>(offset));
      offset += piece.size();
    }
    return {};
  }

  Status append(ByteView bytes) override {
    DURABILITY_TRY(check_writable(0, bytes.size()));
    const std::lock_guard lock(inode_->mutex);
    inode_->bytes.insert(inode_->bytes.end(), bytes.begin(), bytes.end());
    return {};
  }

  Result<std::size_t> read_at(std::uint64_t offset, MutableByteView into) override {
    DURABILITY_TRY(check_open());
    DURABILITY_TRY(internal::check_range(path_, offset, into.size()));
    const std::lock_guard lock(inode_->mutex);
    const Bytes& bytes = inode_->bytes;
    if (offset >= bytes.size()) return 0;
    const std::size_t length = std::min<std::size_t>(into.size(), bytes.size() - offset);
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), length, into.begin());
    return length;
  }

  Status sync_data() override {
    DURABILITY_TRY(check_open());
    return internal::no_stable_storage_error(path_);
  }

  Result<std::uint64_t> size() override {
    DURABILITY_TRY(check_open());
    const std::lock_guard lock(inode_->mutex);
    return inode_->bytes.size();
  }

  Status truncate(std::uint64_t size) override {
    DURABILITY_TRY(check_writable(size, 0));
    const std::lock_guard lock(inode_->mutex);
    inode_->bytes.resize(size);
    return {};
  }

  Status preallocate(std::uint64_t offset, std::uint64_t length) override {
    DURABILITY_TRY(check_writable(offset, length));
    if (length == 0) return {};
    const std::lock_guard lock(inode_->mutex);
    grow_to(offset + length);
    std::fill_n(inode_->bytes.begin() + static_cast<std::ptrdiff_t>(offset), length, std::byte{0});
    return {};
  }

  Status drop_cached_pages() override { return check_open(); }

  Status close() override {
    closed_ = true;
    return {};
  }

 private:
  void grow_to(std::uint64_t size) {
    if (inode_->bytes.size() < size) inode_->bytes.resize(size);
  }

  [[nodiscard]] Status check_open() const {
    if (closed_) return internal::closed_error(path_);
    return {};
  }

  [[nodiscard]] Status check_writable(std::uint64_t offset, std::uint64_t length) const {
    DURABILITY_TRY(check_open());
    if (!writable_) return Error::from_errno(EBADF, "write").in_file(path_);
    return internal::check_range(path_, offset, length);
  }

  const std::string path_;
  const std::shared_ptr<Inode> inode_;
  const bool writable_;
  std::atomic<bool> closed_ = false;
};

/// Every name, sorted. A null pointer stands for a directory; the root has no entry.
class Names {
 public:
  [[nodiscard]] EntryKind kind(const std::string& path) const {
    const auto entry = entries_.find(path);
    if (path.empty()) return EntryKind::kDirectory;
    if (entry == entries_.end()) return EntryKind::kMissing;
    return entry->second == nullptr ? EntryKind::kDirectory : EntryKind::kFile;
  }

  /// What a path lookup says before it comes to the last name.
  [[nodiscard]] Status check_parents(const std::string& path) const {
    for (std::size_t end = path.find('/'); end != std::string::npos; end = path.find('/', end + 1)) {
      switch (kind(path.substr(0, end))) {
        case EntryKind::kMissing: return internal::not_found_error(path);
        case EntryKind::kDirectory: break;
        default: return Error::from_errno(ENOTDIR, "look up").in_file(path);
      }
    }
    return {};
  }

  [[nodiscard]] const std::shared_ptr<Inode>& file(const std::string& path) const {
    return entries_.at(path);
  }
  void put(const std::string& path, std::shared_ptr<Inode> inode) { entries_[path] = std::move(inode); }
  void erase(const std::string& path) { entries_.erase(path); }

  /// Everything below a directory, as paths.
  [[nodiscard]] std::vector<std::string> below(const std::string& directory) const {
    const std::string prefix = directory.empty() ? directory : directory + '/';
    std::vector<std::string> found;
    for (auto entry = entries_.lower_bound(prefix); entry != entries_.end(); ++entry) {
      if (!entry->first.starts_with(prefix)) break;
      found.push_back(entry->first);
    }
    return found;
  }

  void move(const std::string& from, const std::string& to) {
    for (const std::string& path : below(from)) move_one(path, to + path.substr(from.size()));
    move_one(from, to);
  }

 private:
  void move_one(const std::string& from, const std::string& to) {
    entries_[to] = std::move(entries_.at(from));
    entries_.erase(from);
  }

  std::map<std::string, std::shared_ptr<Inode>> entries_;
};

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
      default: return Error::from_errno(ENOTDIR, "make the directory").in_file(path);
    }
  }

  Status do_remove_file(std::string_view path) override {
    const std::string name(path);
    const std::lock_guard lock(tree_->mutex);
    DURABILITY_TRY(names().check_parents(name));
    switch (names().kind(name)) {
      case EntryKind::kMissing: return internal::not_found_error(path);
      case EntryKind::kFile: names().erase(name); return {};
      default: return Error::from_errno(EISDIR, "remove the file").in_file(path);
    }
  }

  Status do_remove_empty_directory(std::string_view path) override {
    const std::string name(path);
    const auto refuse = [&](int error) {
      return Error::from_errno(error, "remove the directory").in_file(path);
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
    const auto refuse = [&](int error) { return Error::from_errno(error, "rename").in_file(to); };
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
      default: return Error::from_errno(ENOTDIR, "list the directory").in_file(path);
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

  [[nodiscard]] std::optional<std::filesystem::path> file_path(std::string_view) const override {
    return std::nullopt;
  }

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
};

}  // namespace

std::shared_ptr<MemoryDirectory> MemoryDirectory::make() { return std::make_shared<RealMemoryDirectory>(); }

}  // namespace durability
