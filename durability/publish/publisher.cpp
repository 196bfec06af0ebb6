#include "durability/publish/publisher.hpp"

#include "durability/storage/storage_errors.hpp"
#include "durability/walog/segment_name.hpp"

namespace durability::publish {
namespace {

// A checkpoint that replaces a segment would be the end of the log.
bool among_the_logs_files(std::string_view path) noexcept {
  return path.starts_with(walog::kWalDirectory) &&
         (path.size() == walog::kWalDirectory.size() || path[walog::kWalDirectory.size()] == '/');
}

}  // namespace

Status check(const Directory& directory, std::string_view path, DurableId upto,
             std::optional<DurableId> durable_in_log, const std::vector<SegmentRange>& log) {
  if (!directory.capabilities().stable_storage) return internal::no_stable_storage_error(path);
  if (among_the_logs_files(path)) {
    return Error(ErrorCode::kInvalidConfig, "a checkpoint cannot lie among the log's own files")
        .in_file(path)
        .advise("nothing was changed; choose a path outside wal/");
  }
  if (durable_in_log && upto.log() != durable_in_log->log()) {
    return Error(ErrorCode::kInvalidConfig,
                 fmt::format("the proof that entry {} is durable is of another log", upto))
        .in_file(walog::kWalDirectory)
        .advise("nothing was changed; publish with an id that this log's flush_and_sync returned");
  }
  if (!durable_in_log || upto > *durable_in_log) {
    return Error(ErrorCode::kInvalidState, fmt::format("entry {} is not durable in this log", upto))
        .in_file(walog::kWalDirectory)
        .with_values(durable_in_log ? durable_in_log->value() : 0, upto.value())
        .advise("nothing was changed; publish with an id that this log's flush_and_sync returned");
  }
  if (log.front().first.value() > upto.value() + 1) {
    return Error(ErrorCode::kInvalidState,
                 fmt::format("entries {} to {} are no longer in the log: nothing could be replayed behind {}",
                             upto.value() + 1, log.front().first.value() - 1, upto))
        .in_file(walog::kWalDirectory)
        .with_values(log.front().first.value() - 1, upto.value())
        .advise("nothing was changed; publish the state of a newer entry");
  }
  return {};
}

}  // namespace durability::publish
