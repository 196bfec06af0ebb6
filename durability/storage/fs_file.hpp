#pragma once

#include <atomic>
#include <string>
#include <utility>

#include "durability/storage/file.hpp"
#include "durability/storage/fs_root.hpp"

namespace durability::internal {

/// An open file of an FsDirectory. It is read with pread, never mapped: a file that somebody else cuts
/// is a short read, not a SIGBUS.
class FsFile final : public File {
 public:
  FsFile(UniqueFd fd, std::string path, const SystemCalls& calls)
      : fd_(std::move(fd)), path_(std::move(path)), calls_(&calls) {}
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
  void start_write_back(std::uint64_t offset, std::uint64_t length) noexcept override;
  Status close() override;

 private:
  [[nodiscard]] Status check_open() const;
  [[nodiscard]] Result<FileStatus> status() const;
  [[nodiscard]] Error error(std::string_view what) const;  ///< of errno

  UniqueFd fd_;
  const std::string path_;
  const SystemCalls* calls_;
  std::atomic<bool> truncated_ = false;  ///< since the last sync
};

}  // namespace durability::internal
