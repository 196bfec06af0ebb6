#pragma once

// A directory seen past what cannot be read. Where the device fails to read a block (EIO), zeros stand for
// it, and its place is written down. For planning a repair that keeps what can still be read.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "durability/base/sync.hpp"
#include "durability/storage/directory.hpp"

namespace durability::walog {

/// True for the error of a device that cannot read; not for one of a sync or a write.
[[nodiscard]] bool is_unreadable(const Error& error) noexcept;

/// Thread-safe. Must outlive what it opened.
class SalvagingDirectory final : public Directory {
 public:
  static constexpr std::uint64_t kBlockBytes = 4096;

  explicit SalvagingDirectory(Directory& inner) : inner_(inner) {}

  struct Hole {
    std::uint64_t offset;
    std::uint64_t bytes;
  };
  /// What could not be read of a file so far, in order.
  [[nodiscard]] std::vector<Hole> holes(std::string_view path) const;
  /// Of any file.
  [[nodiscard]] bool has_holes() const;

  Result<std::unique_ptr<File>> do_open(std::string_view path, OpenMode mode) override;
  Result<EntryKind> do_kind(std::string_view path) override { return inner_.do_kind(path); }
  Result<bool> do_make_directory(std::string_view path) override { return inner_.do_make_directory(path); }
  Status do_remove_file(std::string_view path) override { return inner_.do_remove_file(path); }
  Status do_remove_empty_directory(std::string_view path) override {
    return inner_.do_remove_empty_directory(path);
  }
  Status do_rename(std::string_view from, std::string_view to) override { return inner_.do_rename(from, to); }
  Result<std::vector<std::string>> do_list(std::string_view path) override { return inner_.do_list(path); }
  Status do_sync_directory(std::string_view path) override { return inner_.do_sync_directory(path); }
  Result<std::unique_ptr<DirectoryLock>> do_lock(std::string_view path) override {
    return inner_.do_lock(path);
  }
  [[nodiscard]] std::uint64_t do_random() override { return inner_.do_random(); }
  [[nodiscard]] Capabilities capabilities() const noexcept override { return inner_.capabilities(); }
  [[nodiscard]] std::uint64_t identity() const noexcept override { return inner_.identity(); }
  [[nodiscard]] std::optional<std::string> file_path(std::string_view path) const override {
    return inner_.file_path(path);
  }

 private:
  class SalvagingFile;
  void add_hole(const std::string& path, std::uint64_t offset, std::uint64_t bytes);

  Directory& inner_;
  mutable Mutex mutex_;
  std::map<std::string, std::map<std::uint64_t, std::uint64_t>, std::less<>> holes_
      DURABILITY_GUARDED_BY(mutex_);  // offset to end
};

}  // namespace durability::walog
