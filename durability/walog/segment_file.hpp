#pragma once

// How a segment's file comes to be.
//
// Built under a temporary name, filled, synced, renamed into place, and the directory synced: when the
// name can be seen, what it leads to is whole and durable. The first segment of a log gets its header this
// way. A spare, the file of the next segment, is nothing but zeros (its start id is not known yet), and is
// durable before the seal in front of it is written; so a sealed log without a segment behind it has lost
// one, and that can be told from a log that ends.

#include <atomic>
#include <memory>

#include "durability/storage/directory.hpp"
#include "durability/walog/segment_name.hpp"

namespace durability::walog {

struct SegmentFile {
  SegmentId id;
  std::shared_ptr<File> file;
};

/// True for a lack of space, which passes, as opposed to a failure of the device.
[[nodiscard]] bool is_lack_of_space(const Error& error) noexcept;

struct BuildFailure {
  Error error;
  bool poisons = true;  ///< anything but a lack of space before the first sync
};

/// Builds segment `id`: `contents`, then zeros up to `bytes`. Where `give_up` becomes true before the name
/// is given, the temporary is removed and the failure is `invalid_state`, which does not poison.
[[nodiscard]] tl::expected<SegmentFile, BuildFailure> build_segment(Directory& directory, SegmentId id,
                                                                    ByteView contents, std::uint64_t bytes,
                                                                    const std::atomic<bool>& give_up);

}  // namespace durability::walog
