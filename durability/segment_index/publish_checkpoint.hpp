#pragma once

// Publishing a checkpoint of a segment index; what a crash leaves on the way: publish/publisher.hpp.

#include <memory>
#include <string>
#include <string_view>

#include "durability/codec/postcard.hpp"
#include "durability/publish/publisher.hpp"
#include "durability/segment_index/state.hpp"

namespace durability {

/// Writes the checkpoint, appends a marker that names it (segment_index::Checkpoint), truncates the log: each
/// durable before the next. `wal` is a WalWriter<WalEntry> or a SyncWalWriter<WalEntry>. Guarantees, errors
/// and threads: CheckpointPublisher::publish(). `encode`, nothing changed, where the path is not UTF-8.
///
/// A new path each time keeps the checkpoint before it, for recovery up to an earlier entry as far as the log
/// reaches; deleting old ones is left to the caller.
template <class Wal>
Result<PublishResult> publish_checkpoint(const std::shared_ptr<Directory>& directory, Wal& wal,
                                         const CheckpointState& state, DurableId upto,
                                         std::string_view path) {
  WalEntry marker =
      segment_index::Checkpoint{.checkpoint_path = std::string(path), .last_entry_id = upto.value()};
  // What cannot be named must not be written: it would be found out only after the checkpoint is in place.
  Bytes encoded;
  if (auto can = Postcard::encode(marker, encoded); !can) return std::move(can).error().in_file(path);
  return CheckpointPublisher(directory).publish(
      wal, state, upto, path, [&](std::string_view, DurableId) { return std::move(marker); });
}

}  // namespace durability
