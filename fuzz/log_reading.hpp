#pragma once

// A log read, and what holds of every reading.

#include <vector>

#include "durability/durability.hpp"

namespace durability::fuzz {

struct Entry {
  EntryId id;
  Bytes payload;
  bool operator==(const Entry&) const = default;
};

struct Reading {
  std::vector<Entry> entries;
  Result<WalReadReport> report;

  [[nodiscard]] bool ok() const noexcept { return report.has_value(); }
  /// The id after the last entry; of a log without entries, what the report says.
  [[nodiscard]] EntryId next() const;
};

/// Reads all of a log, or `range` of it, and requires that ids count on, that errors say where and what to
/// do, and that codes are such as reading may end with.
[[nodiscard]] Reading read_log(const std::shared_ptr<Directory>& directory, ReadMode mode,
                               std::size_t buffer_bytes, const walog::EntryRange& range = {});

/// The mutator of inputs that are `head_bytes` of options and then files: after libFuzzer's own mutations it
/// makes checksums right in half of the cases, by the bits of `seed` ids and seals too.
std::size_t mutate_log(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed,
                       std::size_t head_bytes);

}  // namespace durability::fuzz
