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
  if (offset < begin_ || offset + length > end()) {
    DURABILITY_TRY(fill(offset, length));
    if (offset >= size_) return ByteView{};
    length = static_cast<std::size_t>(std::min<std::uint64_t>(length, size_ - offset));
  }
  return held_.subspan(static_cast<std::size_t>(offset - begin_), length);
}

Result<ByteView> FileWindow::look(std::uint64_t offset, MutableByteView into) {
  if (offset >= size_) return ByteView{};
  into = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), size_ - offset)));
  DURABILITY_TRY_ASSIGN(const std::size_t got, file_->read_at(offset, into));
  return ByteView(into).first(got);
}

void FileWindow::read_ahead(ReadAhead& ahead) {
  ahead_ = &ahead;
  start_ahead();
}

void FileWindow::start_ahead() {
  ahead_follows_ = end() < size_;
  if (ahead_follows_) ahead_->start(file_, end(), size_);
}

Status FileWindow::fill(std::uint64_t offset, std::size_t length) {
  if (ahead_ != nullptr && length > ahead_->chunk_bytes()) ahead_ = nullptr;
  const bool goes_on = ahead_ != nullptr && offset >= begin_ && offset <= end();
  const bool from_ahead = goes_on && ahead_follows_;
  const ByteView front = from_ahead ? held_.subspan(static_cast<std::size_t>(offset - begin_)) : ByteView{};
  const std::size_t more = from_ahead ? front.size() + ahead_->chunk_bytes() : buffer_bytes_;
  const auto wanted =
      static_cast<std::size_t>(std::min<std::uint64_t>(std::max(length, more), size_ - offset));
  held_ = {};
  ahead_follows_ = false;
  DURABILITY_TRY_ASSIGN(held_, from_ahead ? ahead_->next(front) : read(offset, wanted));
  begin_ = offset;
  // Somebody cut the file while it was being read, perhaps to less than was read before.
  if (held_.size() < wanted) {
    DURABILITY_TRY_ASSIGN(const std::uint64_t left, file_->size());
    size_ = std::min(left, end());
  }
  if (from_ahead) {
    ahead_follows_ = end() < size_;
  } else if (goes_on) {
    start_ahead();
  }
  return {};
}

Result<ByteView> FileWindow::read(std::uint64_t offset, std::size_t wanted) {
  if (buffer_.size() < wanted) buffer_.resize(wanted);
  DURABILITY_TRY_ASSIGN(const std::size_t got,
                        file_->read_at(offset, MutableByteView(buffer_).first(wanted)));
  return ByteView(buffer_).first(got);
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
