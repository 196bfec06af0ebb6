#pragma once

#include <algorithm>
#include <utility>

#include "durability/storage/file_copy.hpp"
#include "durability/walog/read/scan.hpp"

namespace durability::walog {

/// What is whole of a segment, with `head` in place of as many bytes at its front, and `tail` after it. The
/// gap after its last frame, or a part of its header, may be missing in the file.
[[nodiscard]] inline FileCopy frames_of(const ScannedSegment& segment, Bytes head = {},
                                        const Bytes& tail = {}) {
  FileCopy copy{.head = std::move(head)};
  copy.keep_from = copy.head.size();
  copy.keep_to = std::max(copy.keep_from, std::min(segment.end, segment.file_bytes));
  copy.tail.resize(static_cast<std::size_t>(segment.end - copy.keep_to));
  copy.tail.insert(copy.tail.end(), tail.begin(), tail.end());
  return copy;
}

}  // namespace durability::walog
