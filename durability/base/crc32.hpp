#pragma once

// The IEEE crc32 (reflected polynomial 0xEDB88320), as in zlib and Rust's crc32fast. The arithmetic is
// libdeflate's; this is the one place that calls it.

#include <cstdint>

#include "durability/base/bytes.hpp"

namespace durability {

/// The checksum of `bytes` going on from `start`, the checksum of what came before (0: nothing did).
/// An empty span returns `start`.
[[nodiscard]] std::uint32_t crc32(ByteView bytes, std::uint32_t start = 0) noexcept;

/// The checksum of two pieces one after the other, from theirs alone: `front`, and `back` of `back_bytes`
/// bytes. In place of `front` any start value will do.
[[nodiscard]] std::uint32_t crc32_combine(std::uint32_t front, std::uint32_t back,
                                          std::uint64_t back_bytes) noexcept;

}  // namespace durability
