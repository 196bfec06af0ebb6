#pragma once

#include <cstddef>
#include <cstdint>

#include "durability/walog/read/scan.hpp"

namespace durability::walog {

/// A checksum over everything that `scan`'s finding was based on and a writer could still be changing: two
/// readings with the same finding and the same fingerprint saw the same.
[[nodiscard]] Result<std::uint32_t> fingerprint_of_finding(Directory& directory, const Scan& scan,
                                                           std::size_t buffer_bytes);

}  // namespace durability::walog
