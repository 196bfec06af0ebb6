#pragma once

// A publication's exclusive turn at the log. Publishing deletes the part of the log that a checkpoint covers,
// so the checkpoint in place and the log must always meet. Of two publications side by side the older could
// replace the newer's checkpoint after the log that it needs was truncated. The turn is the log's own,
// whoever publishes: one publication at a time, no truncation beside it, none of an older entry
// than one that was published; closing the log, and destroying it, wait for its end.

#include <utility>

#include "durability/base/ids.hpp"
#include "durability/base/result.hpp"
#include "durability/walog/outcome.hpp"

namespace durability::walog {

/// Ends with its destructor. Move-only; the log must live as long. `Core` is a ByteWriter, whose thread this
/// is, or a GroupCommit.
template <class Core>
class Publication {
 public:
  /// Of a GroupCommit: waits for another publication, a truncation, and a close. Errors: `closed`,
  /// `poisoned`; `invalid_state` from within a publication of the same ByteWriter.
  static Result<Publication> begin(Core& core) {
    DURABILITY_TRY(core.begin_publication());
    return Publication(core);
  }
  ~Publication() {
    if (core_ != nullptr) core_->end_publication();
  }
  Publication(Publication&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  Publication& operator=(Publication&&) = delete;
  Publication(const Publication&) = delete;
  Publication& operator=(const Publication&) = delete;

  /// Whether a checkpoint with this id may take its place now: the writer can go on, its lock is still its
  /// own, the id is durable, nothing newer was published, and the log still reaches back to it.
  Status may_publish(DurableId upto) const { return core_->may_publish(upto); }
  /// It has taken its place.
  void published(DurableId upto) noexcept { core_->published(upto); }
  /// The writer's truncate_prefix, which waits for this turn, from within it.
  Result<WalTruncation> truncate_prefix(DurableId upto) { return core_->truncate_published(upto); }

 private:
  explicit Publication(Core& core) noexcept : core_(&core) {}

  Core* core_;
};

}  // namespace durability::walog
