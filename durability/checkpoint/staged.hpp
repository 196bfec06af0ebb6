#pragma once

// A durable replacement of a checkpoint in two steps, so that a caller can check something in between: first
// the slow one, writing and syncing under a temporary name, then the fast one, a rename, which makes it the
// checkpoint.

#include <memory>
#include <string>
#include <string_view>

#include "durability/storage/directory.hpp"

namespace durability::checkpoint {

/// A checkpoint's file, whole and on stable storage, under a temporary name. Move-only. Removed by the
/// destructor, as far as that can be done, unless put_in_place() was called.
class Staged {
 public:
  /// `file` is a whole checkpoint. Makes missing parents, durably. `not_supported` without stable storage.
  /// After an error, or a crash: what was at `path` is untouched.
  static Result<Staged> write(std::shared_ptr<Directory> directory, std::string_view path, ByteView file);
  ~Staged();
  Staged(Staged&&) noexcept = default;
  Staged& operator=(Staged&&) = delete;
  Staged(const Staged&) = delete;
  Staged& operator=(const Staged&) = delete;

  /// Replaces what is at the path; called once. Once it returns, the new one survives a power loss. After an
  /// error, or a crash: the old one or the new one, whole.
  Status put_in_place();

 private:
  Staged(std::shared_ptr<Directory> directory, std::string_view path)
      : directory_(std::move(directory)), path_(path), temporary_(directory_->temporary_name(path)) {}

  std::shared_ptr<Directory> directory_;  // none: it was moved from
  std::string path_;
  std::string temporary_;
  bool temporary_is_there_ = false;
};

}  // namespace durability::checkpoint
