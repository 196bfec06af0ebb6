#pragma once

// The versions of a WAL segment's bytes.

#include <cstdint>

namespace durability {

/// Versions of the segment format. Version 4 is this library's own; 2 and 3 are the Rust crate's.
enum class WalFormat : std::uint8_t { kV2 = 2, kV3 = 3, kV4 = 4 };

}  // namespace durability
