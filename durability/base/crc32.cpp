#include "durability/base/crc32.hpp"

#include <libdeflate.h>

namespace durability {

std::uint32_t crc32(ByteView bytes, std::uint32_t start) noexcept {
  // libdeflate answers 0 for a null pointer, whatever the start value.
  if (bytes.empty()) return start;
  return libdeflate_crc32(start, bytes.data(), bytes.size());
}

}  // namespace durability
