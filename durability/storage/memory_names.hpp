#pragma once

// The names of a MemoryDirectory. Not thread-safe.

#include <cerrno>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "durability/storage/directory.hpp"
#include "durability/storage/memory_file.hpp"
#include "durability/storage/storage_errors.hpp"

namespace durability::internal {

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
        case EntryKind::kMissing: return not_found_error(path);
        case EntryKind::kDirectory: break;
        default: return system_error(ENOTDIR, "look up", path);
      }
    }
    return {};
  }

  [[nodiscard]] const std::shared_ptr<Inode>& file(const std::string& path) const {
    return entries_.at(path);
  }
  /// `path` leads nowhere yet.
  void put(const std::string& path, std::shared_ptr<Inode> inode) {
    entries_[path] = std::move(inode);
    call(path, path);
  }
  void erase(const std::string& path) {
    call(path, "");
    entries_.erase(path);
  }

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
    call(to, "");
    entries_[to] = std::move(entries_.at(from));
    entries_.erase(from);
    call(to, to);
  }
  // Tells the file at `path`, if there is one, what it is called.
  void call(const std::string& path, const std::string& name) {
    if (kind(path) != EntryKind::kFile) return;
    const std::lock_guard lock(file(path)->mutex);
    file(path)->name = name;
  }

  std::map<std::string, std::shared_ptr<Inode>> entries_;
};

}  // namespace durability::internal
