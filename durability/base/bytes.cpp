#include "durability/base/bytes.hpp"

namespace durability {

bool all_zeros(ByteView bytes) noexcept { return length_without_trailing_zeros(bytes) == 0; }

std::size_t length_without_trailing_zeros(ByteView bytes) noexcept {
  std::size_t length = bytes.size();
  // Eight at a time: spares and preallocated tails are megabytes of nothing.
  while (length >= 8 && load_le<std::uint64_t>(bytes, length - 8) == 0) length -= 8;
  while (length > 0 && bytes[length - 1] == std::byte{0}) --length;
  return length;
}

}  // namespace durability
