#pragma once

// How a segment's file comes to be.
//
// Built under a temporary name, filled, synced, renamed into place, and the directory synced: when the
// name can be seen, what it leads to is whole and durable. The first segment of a log gets its header this
// way. A spare, the file of the next segment, is nothing but zeros (its start id is not known yet), and is
// durable before the previous segment's seal is written; so a log that ends in a seal, with no segment after
// it, has lost one, and is not taken for a log that ends there.
//
// A recycled file is an old segment that has lost its name, durably, and is filled with zeros before it gets
// the next one: its old bytes would make a torn tail indistinguishable from the end.

#include <memory>
#include <string>

#include "durability/base/failure_latch.hpp"
#include "durability/storage/directory.hpp"
#include "durability/walog/format/segment_name.hpp"

namespace durability::walog {

struct SegmentFile {
  SegmentId id;
  std::shared_ptr<File> file;
  bool has_space = false;  ///< its zeros were written or set aside by this writer
};

/// True for a lack of space.
[[nodiscard]] bool is_lack_of_space(const Error& error) noexcept;
/// True for a lack of space, descriptors or memory, which is temporary, as opposed to a failure of the
/// device.
[[nodiscard]] bool is_shortage(const Error& error) noexcept;

struct BuildFailure {
  Error error;
  bool poisons = true;  ///< not where it is a shortage, before the first sync
};
template <class T>
using Built = tl::expected<T, BuildFailure>;

/// What to make, and when to stop making it.
struct SegmentPlan {
  SegmentId id;
  ByteView contents{};                    ///< the file begins with them
  std::uint64_t bytes = 0;                ///< zeros after those, up to here
  bool written_zeros = true;              ///< or space that is set aside
  const Atomic<bool>* give_up = nullptr;  ///< once true, the temporary is removed: `cancelled`
  FailureLatch* latch = nullptr;          ///< set by a failed sync, whatever else becomes of its error
};

/// Filled and synced, but still under its temporary name.
struct PreparedSegment {
  SegmentPlan plan;
  std::shared_ptr<File> file;
  std::string temporary;
};

[[nodiscard]] Built<PreparedSegment> prepare_segment(Directory& directory, const SegmentPlan& plan);
/// From a segment that was renamed to `temporary`, durably. A file that has other names too (a backup of hard
/// links, say) is not written over: it is removed, and a new one takes its place.
[[nodiscard]] Built<PreparedSegment> prepare_recycled(Directory& directory, const SegmentPlan& plan,
                                                      std::string temporary);
/// Gives it its name, replacing what has it, and makes the name durable.
[[nodiscard]] Built<SegmentFile> put_segment_in_place(Directory& directory, PreparedSegment prepared);
/// prepare_segment, then put_segment_in_place.
[[nodiscard]] Built<SegmentFile> build_segment(Directory& directory, const SegmentPlan& plan);

/// Removes a temporary. What cannot be removed now is removed when the log is opened next: its name says
/// what it is.
void discard_temporary(Directory& directory, std::string_view temporary);

}  // namespace durability::walog
