#pragma once

// For code that relies on stable storage, and wants to say so.

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "durability/storage/directory.hpp"

namespace durability {

namespace internal {
struct SystemCalls;
}

/// A directory whose durable operations reach stable storage. A function that takes one cannot be given a
/// directory in memory by mistake; whoever has one may use it wherever a Directory is asked for. Copyable.
class DurableDirectory {
 public:
  /// `not_supported` where the directory has no stable storage.
  [[nodiscard]] static Result<DurableDirectory> require(std::shared_ptr<Directory> directory);

  [[nodiscard]] const std::shared_ptr<Directory>& get() const noexcept { return directory_; }
  operator const std::shared_ptr<Directory>&() const noexcept {  // NOLINT(google-explicit-constructor)
    return directory_;
  }
  Directory& operator*() const noexcept { return *directory_; }
  Directory* operator->() const noexcept { return directory_.get(); }

 private:
  explicit DurableDirectory(std::shared_ptr<Directory> directory) noexcept
      : directory_(std::move(directory)) {}

  std::shared_ptr<Directory> directory_;
};

/// Returns when the file's bytes and size are on stable storage. Through a handle of its own, so it does not
/// hear of a write-back that failed before it was opened: sync through the handle that wrote where there is
/// one. `not_found`, `not_supported`, `io`.
Status sync_file(Directory& directory, std::string_view path);

/// Returns when the name of `path` is on stable storage: syncs the directory it stands in. `not_found`,
/// `not_supported`, `io`.
Status sync_parent_dir(Directory& directory, std::string_view path);

/// The same for a file that no Directory leads to. `invalid_config` where `path` has no parent: `/`, or
/// nothing. `system_calls` is for tests.
Status sync_parent_of_path(const std::string& path, const internal::SystemCalls* system_calls = nullptr);

}  // namespace durability
