#include "durability/storage/memory_file.hpp"

#include <algorithm>
#include <cerrno>

#include "durability/storage/storage_errors.hpp"

namespace durability::internal {

Status MemoryFile::write_at(std::uint64_t offset, std::span<const ByteView> pieces) {
  std::uint64_t length = 0;
  for (const ByteView piece : pieces) length += piece.size();
  DURABILITY_TRY(check_writable(offset, length));
  if (length == 0) return {};
  const std::lock_guard lock(inode_->mutex);
  grow_to(offset + length);
  for (const ByteView piece : pieces) {
    std::copy(piece.begin(), piece.end(), inode_->bytes.begin() + static_cast<std::ptrdiff_t>(offset));
    offset += piece.size();
  }
  return {};
}

Status MemoryFile::append(ByteView bytes) {
  DURABILITY_TRY(check_writable(0, bytes.size()));
  const std::lock_guard lock(inode_->mutex);
  inode_->bytes.insert(inode_->bytes.end(), bytes.begin(), bytes.end());
  return {};
}

Result<std::size_t> MemoryFile::read_at(std::uint64_t offset, MutableByteView into) {
  DURABILITY_TRY(check_open());
  DURABILITY_TRY(check_range(path_, offset, into.size()));
  const std::lock_guard lock(inode_->mutex);
  const Bytes& bytes = inode_->bytes;
  if (offset >= bytes.size()) return 0;
  const std::size_t length = std::min<std::size_t>(into.size(), bytes.size() - offset);
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), length, into.begin());
  return length;
}

Status MemoryFile::sync_data() {
  DURABILITY_TRY(check_open());
  return no_stable_storage_error(path_);
}

Result<std::uint64_t> MemoryFile::size() {
  DURABILITY_TRY(check_open());
  const std::lock_guard lock(inode_->mutex);
  return inode_->bytes.size();
}

Result<std::uint64_t> MemoryFile::links() {
  DURABILITY_TRY(check_open());
  const std::lock_guard lock(inode_->mutex);
  return inode_->name == path_ ? 1 : 0;
}

Status MemoryFile::truncate(std::uint64_t size) {
  DURABILITY_TRY(check_writable(size, 0));
  const std::lock_guard lock(inode_->mutex);
  inode_->bytes.resize(size);
  return {};
}

Status MemoryFile::preallocate(std::uint64_t offset, std::uint64_t length) {
  DURABILITY_TRY(check_writable(offset, length));
  if (length == 0) return {};
  const std::lock_guard lock(inode_->mutex);
  grow_to(offset + length);
  std::fill_n(inode_->bytes.begin() + static_cast<std::ptrdiff_t>(offset), length, std::byte{0});
  return {};
}

Status MemoryFile::close() {
  closed_ = true;
  return {};
}

void MemoryFile::grow_to(std::uint64_t size) {
  if (inode_->bytes.size() < size) inode_->bytes.resize(size);
}

Status MemoryFile::check_open() const {
  if (closed_) return closed_error(path_);
  return {};
}

Status MemoryFile::check_writable(std::uint64_t offset, std::uint64_t length) const {
  DURABILITY_TRY(check_open());
  if (!writable_) return system_error(EBADF, "write", path_);
  return check_range(path_, offset, length);
}

}  // namespace durability::internal
