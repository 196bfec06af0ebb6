#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "durability/base/sync.hpp"
#include "durability/storage/file.hpp"
#include "durability/storage/fs_root.hpp"

namespace durability::internal {

/// An open file of an FsDirectory. It is read with pread, never mapped: a file that somebody else cuts
/// is a short read, not a SIGBUS.
class FsFile final : public File {
 public:
  /// `inode` is the same for all handles of one file. `root` is where `path` begins.
  FsFile(UniqueFd fd, std::uint64_t inode, std::string path, std::shared_ptr<const FsRoot> root)
      : fd_(std::move(fd)),
        inode_(inode),
        path_(std::move(path)),
        root_(std::move(root)),
        calls_(&root_->calls()) {}
  ~FsFile() override = default;

  using File::write_at;
  Status write_at(std::uint64_t offset, std::span<const ByteView> pieces) override;
  Status append(ByteView bytes) override;
  Result<std::size_t> read_at(std::uint64_t offset, MutableByteView into) override;
  Status sync_data() override;
  Result<std::uint64_t> size() override;
  Result<std::uint64_t> links() override;
  Status truncate(std::uint64_t size) override;
  Status preallocate(std::uint64_t offset, std::uint64_t length) override;
  Status reserve(std::uint64_t offset, std::uint64_t length) override;
  Status drop_cached_pages() override;
  void now_called(std::string path) noexcept override { path_ = std::move(path); }
  void start_write_back(std::uint64_t offset, std::uint64_t length) noexcept override;
  Status close() override;

 private:
  /// What was to be done, for messages.
  struct Wanted {
    std::string_view verb;
    std::uint64_t bytes = 0;
  };

  Status write_pieces(std::uint64_t offset, std::span<const ByteView> pieces, const Wanted& wanted);
  [[nodiscard]] Status check_open() const;
  /// Open, and a range that a file can have.
  [[nodiscard]] Status check_range(std::uint64_t offset, std::uint64_t length) const;
  [[nodiscard]] Result<FileStatus> status() const;
  [[nodiscard]] Error error(const Wanted& wanted) const;  ///< of errno
  [[nodiscard]] Error sync_error(std::string_view what) const DURABILITY_REQUIRES(syncing_);

  UniqueFd fd_;
  const std::uint64_t inode_;
  std::string path_;
  std::shared_ptr<const FsRoot> root_;
  const SystemCalls* calls_;
  Mutex syncing_;
  /// errno of the sync that failed: no later one succeeds.
  int sync_failure_ DURABILITY_GUARDED_BY(syncing_) = 0;
  Atomic<bool> truncated_ = false;  ///< since the last sync
};

}  // namespace durability::internal
