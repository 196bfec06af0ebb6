#include "durability/segment_index/recovery_manager.hpp"

namespace durability {
namespace {

struct Marker {
  EntryId id;
  segment_index::Checkpoint says;
};

constexpr const char* kAdvice = "nothing was changed; put the checkpoint back, or recover from one that fits";

// Of a hostile path, as much as a person wants to see.
std::string shown(std::string_view path) {
  constexpr std::size_t kMost = 200;
  return path.size() <= kMost ? escape_for_display(path) : escape_for_display(path.substr(0, kMost)) + "…";
}

// Whether recovery up to the ceiling can begin with the checkpoint. A damaged one is not passed over here:
// reading it says what is wrong.
Result<bool> can_begin_with(const std::shared_ptr<Directory>& directory, std::string_view path,
                            std::optional<EntryId> ceiling) {
  auto there = directory->exists(path);
  if (!there && there.error().code() == ErrorCode::kInvalidConfig) return false;
  if (!there || !*there || !ceiling) return there;
  const auto checkpoint = CheckpointFile(directory).read_bytes(path);
  return !checkpoint || checkpoint->last_applied <= *ceiling;
}

Error missing_checkpoint(const Marker& missing, const std::optional<Marker>& older, EntryId first) {
  const std::string instead =
      older ? fmt::format("; {} is older, and may leave a gap", shown(older->says.checkpoint_path)) : "";
  return Error(ErrorCode::kInvalidState,
               fmt::format(
                   "the checkpoint {}, which entry {} names, is missing, and the log begins at entry {}{}",
                   shown(missing.says.checkpoint_path), missing.id, first, instead))
      .in_file(walog::kWalDirectory)
      .with_values(1, first.value())
      .advise(kAdvice);
}

Error no_checkpoint(EntryId first) {
  return Error(ErrorCode::kInvalidState,
               fmt::format("the log begins at entry {}, and names no checkpoint to begin with", first))
      .in_file(walog::kWalDirectory)
      .with_values(1, first.value())
      .advise(kAdvice);
}

}  // namespace

Result<std::optional<std::string>> RecoveryManager::latest_checkpoint(const RecoveryOptions& options) const {
  WalReader<WalEntry> reader(directory_);
  if (options.ceiling()) reader = reader.up_to(*options.ceiling());
  std::optional<Marker> usable;
  std::optional<Marker> missing;
  DURABILITY_TRY_ASSIGN(const WalReadReport log,
                        reader.for_each(options.mode(), [&](EntryId id, const WalEntry& entry) -> Status {
                          const auto* const named = std::get_if<segment_index::Checkpoint>(&entry);
                          if (named == nullptr) return {};
                          DURABILITY_TRY_ASSIGN(
                              const bool can,
                              can_begin_with(directory_, named->checkpoint_path, options.ceiling()));
                          (can ? usable : missing) = Marker{.id = id, .says = *named};
                          return {};
                        }));
  if (log.first > EntryId(1)) {
    if (missing && (!usable || missing->id > usable->id)) {
      return missing_checkpoint(*missing, usable, log.first);
    }
    if (!usable) return no_checkpoint(log.first);
  }
  if (!usable) return std::optional<std::string>();
  return std::optional(std::move(usable->says.checkpoint_path));
}

Result<RecoveredState> RecoveryManager::recover(std::optional<std::string_view> checkpoint_path,
                                                const RecoveryOptions& options) const {
  DURABILITY_TRY_ASSIGN(auto recovery, (recover_with_wal<CheckpointState, WalEntry>(
                                           directory_, checkpoint_path, options,
                                           [](std::optional<CheckpointState> checkpoint) {
                                             return checkpoint ? std::move(checkpoint->segments)
                                                               : IndexSegments{};
                                           },
                                           [](IndexSegments& segments, EntryId, const WalEntry& entry) {
                                             segment_index::apply(segments, entry);
                                           })));
  RecoveredState state{.segments = std::move(recovery.state),
                       .last_entry_id = recovery.last_applied,
                       .checkpoint = std::nullopt,
                       .torn_tail = recovery.torn_tail,
                       .ignored_checkpoint = std::move(recovery.ignored_checkpoint)};
  if (recovery.checkpoint_id) state.checkpoint = std::string(*checkpoint_path);
  return state;
}

Result<RecoveredState> RecoveryManager::recover_latest(const RecoveryOptions& options) const {
  DURABILITY_TRY_ASSIGN(const auto checkpoint, latest_checkpoint(options));
  return recover(checkpoint, options);
}

}  // namespace durability
