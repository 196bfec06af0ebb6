#pragma once

// Where frames wait to be written: memory that nobody fills with zeros before a frame is laid into it.

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>

#include "durability/base/bytes.hpp"
#include "durability/base/invariant.hpp"

namespace durability::walog {

class FrameBuffer {
 public:
  explicit FrameBuffer(std::size_t capacity)
      : memory_(std::make_unique_for_overwrite<std::byte[]>(capacity)), capacity_(capacity) {}

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] MutableByteView bytes() noexcept { return {memory_.get(), size_}; }

  /// So many bytes more, of any value, for the caller to fill at once.
  MutableByteView extend(std::size_t bytes) {
    if (bytes > capacity_ - size_) grow(size_ + bytes);
    const MutableByteView added(memory_.get() + size_, bytes);
    size_ += bytes;
    DURABILITY_INVARIANT(size_ <= capacity_);
    return added;
  }
  void append(ByteView bytes) {
    const MutableByteView added = extend(bytes.size());
    if (!bytes.empty()) std::memcpy(added.data(), bytes.data(), bytes.size());
  }
  void clear() noexcept { size_ = 0; }

 private:
  void grow(std::size_t wanted) {
    FrameBuffer larger(std::max(wanted, 2 * capacity_));
    larger.append(bytes());
    *this = std::move(larger);
  }

  std::unique_ptr<std::byte[]> memory_;
  std::size_t size_ = 0;
  std::size_t capacity_;
};

}  // namespace durability::walog
