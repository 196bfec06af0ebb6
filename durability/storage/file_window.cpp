#include "durability/storage/file_window.hpp"

#include <algorithm>
#include <utility>

#include "durability/base/crc32.hpp"

namespace durability {

FileWindow::FileWindow(std::shared_ptr<File> file, std::uint64_t size, std::size_t buffer_bytes)
    : file_(std::move(file)), size_(size), buffer_bytes_(buffer_bytes) {}

Result<ByteView> FileWindow::view(std::uint64_t offset, std::size_t length) {
  if (offset >= size_) return ByteView{};
  length = static_cast<std::size_t>(std::min<std::uint64_t>(length, size_ - offset));
  if (offset < begin_ || offset + length > begin_ + valid_) {
    DURABILITY_TRY(fill(offset, length));
    if (offset >= size_) return ByteView{};
    length = static_cast<std::size_t>(std::min<std::uint64_t>(length, size_ - offset));
  }
  return ByteView(buffer_).subspan(static_cast<std::size_t>(offset - begin_), length);
}

Status FileWindow::fill(std::uint64_t offset, std::size_t length) {
  const auto wanted =
      static_cast<std::size_t>(std::min<std::uint64_t>(std::max(length, buffer_bytes_), size_ - offset));
  if (buffer_.size() < wanted) buffer_.resize(wanted);
  valid_ = 0;
  DURABILITY_TRY_ASSIGN(const std::size_t got,
                        file_->read_at(offset, MutableByteView(buffer_).first(wanted)));
  begin_ = offset;
  valid_ = got;
  // Somebody cut the file while it was being read: it ends here now.
  if (got < wanted) size_ = offset + got;
  return {};
}

Result<bool> FileWindow::zeros_from(std::uint64_t offset) {
  while (offset < size_) {
    DURABILITY_TRY_ASSIGN(const ByteView bytes, view(offset, buffer_bytes_));
    if (!all_zeros(bytes)) return false;
    if (bytes.empty()) break;
    offset += bytes.size();
  }
  return true;
}

Result<std::uint64_t> FileWindow::end_of_data(std::uint64_t floor) {
  std::uint64_t end = size_;
  while (end > floor) {
    const std::uint64_t begin = end - std::min<std::uint64_t>(buffer_bytes_, end - floor);
    DURABILITY_TRY_ASSIGN(const ByteView bytes, view(begin, static_cast<std::size_t>(end - begin)));
    const std::size_t length = length_without_trailing_zeros(bytes);
    if (length > 0) return begin + length;
    end = begin;
  }
  return floor;
}

Result<std::uint32_t> FileWindow::checksum_from(std::uint64_t offset) {
  std::uint32_t checksum = 0;
  while (offset < size_) {
    DURABILITY_TRY_ASSIGN(const ByteView bytes, view(offset, buffer_bytes_));
    if (bytes.empty()) break;
    checksum = crc32(bytes, checksum);
    offset += bytes.size();
  }
  return checksum;
}

}  // namespace durability
