#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "durability/storage/file.hpp"

namespace durability::internal {

/// What a disk calls an inode: it lives as long as a name or an open file leads to it.
struct Inode {
  std::mutex mutex;  ///< guards `bytes` and `name`
  Bytes bytes;
  std::string name;  ///< kept by Names; empty where there is none
  std::atomic<bool> locked = false;
};

class MemoryFile final : public File {
 public:
  MemoryFile(std::string path, std::shared_ptr<Inode> inode, bool writable)
      : path_(std::move(path)), inode_(std::move(inode)), writable_(writable) {}

  using File::write_at;
  Status write_at(std::uint64_t offset, std::span<const ByteView> pieces) override;
  Status append(ByteView bytes) override;
  Result<std::size_t> read_at(std::uint64_t offset, MutableByteView into) override;
  Status sync_data() override;
  Result<std::uint64_t> size() override;
  Result<std::uint64_t> links() override;
  Status truncate(std::uint64_t size) override;
  Status preallocate(std::uint64_t offset, std::uint64_t length) override;
  Status drop_cached_pages() override { return check_open(); }
  void now_called(std::string path) noexcept override { path_ = std::move(path); }
  Status close() override;

 private:
  void grow_to(std::uint64_t size);  ///< the caller holds the inode's mutex
  [[nodiscard]] Status check_open() const;
  [[nodiscard]] Status check_writable(std::uint64_t offset, std::uint64_t length) const;

  std::string path_;
  const std::shared_ptr<Inode> inode_;
  const bool writable_;
  std::atomic<bool> closed_ = false;
};

}  // namespace durability::internal
