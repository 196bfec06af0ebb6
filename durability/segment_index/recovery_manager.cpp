#include "durability/segment_index/recovery_manager.hpp"

#include <cerrno>

#include "durability/publish/publisher.hpp"
#include "durability/storage/log_names.hpp"

namespace durability {
namespace {

struct Marker {
  EntryId id;
  std::string path;
  std::string_view state;  ///< of what it names
};

constexpr std::string_view kUsable = "can be begun with";
constexpr std::string_view kMissing = "is missing";
constexpr std::string_view kNoFile = "is no file that a checkpoint could be in";
constexpr std::string_view kTooNew = "contains entries after the one that was asked for";

constexpr const char* kAdvice = "nothing was changed; put the checkpoint back, or recover from one that fits";

// Of a hostile path, as much as a person wants to see.
std::string shown(std::string_view path) {
  constexpr std::size_t kMost = 200;
  return path.size() <= kMost ? escape_for_display(path) : escape_for_display(path.substr(0, kMost)) + "…";
}

// Of a path that no file of this directory can have. Whoever may write the log may name what he likes.
bool names_no_file(const Error& error) noexcept {
  switch (error.code()) {
    case ErrorCode::kInvalidConfig:  // it leaves the directory
    case ErrorCode::kInvalidState:   // a directory, a device, …
    case ErrorCode::kNotSupported: return true;
    default: break;
  }
  switch (error.os_error()) {
    case ENAMETOOLONG:
    case ELOOP:    // through a symbolic link
    case ENOTDIR:  // through a file
    case EISDIR:
    case EXDEV:
    case EINVAL:
    case EILSEQ: return true;
    default: return false;
  }
}

// Whether recovery up to the ceiling can begin with the checkpoint. A damaged one is not passed over here:
// reading it says what is wrong. The header is enough: one that is damaged so that it says too high an id is
// passed over like one that has it, and where that one was needed, nothing else will do.
Result<std::string_view> look_at(const CheckpointFile& checkpoints, std::string_view path,
                                 std::optional<EntryId> ceiling) {
  if (internal::is_among_the_logs_files(path)) return kNoFile;
  const auto header = checkpoints.read_header(path);
  if (header) return !ceiling || header->last_applied <= *ceiling ? kUsable : kTooNew;
  const Error& error = header.error();
  if (error.code() == ErrorCode::kNotFound) return kMissing;
  if (names_no_file(error)) return kNoFile;
  if (recover::is_damage(error)) return kUsable;
  return error;
}

Error missing_checkpoint(const Marker& missing, const std::optional<Marker>& older, EntryId first) {
  const std::string instead =
      older ? fmt::format("; {} is older, and may leave a gap", shown(older->path)) : "";
  return Error(ErrorCode::kInvalidState,
               fmt::format("the checkpoint {}, which entry {} names, {}, and the log begins at entry {}{}",
                           shown(missing.path), missing.id, missing.state, first, instead))
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

// An entry that is none of this module's: more likely the wrong log than a damaged one.
Error with_advice(Error error) {
  if (error.code() != ErrorCode::kDecode || !error.path().starts_with(walog::kWalDirectory)) return error;
  return error.advise(
      "nothing was changed; this is not the log of a segment index, or that of a newer program: read its "
      "entries as the type that was written");
}

}  // namespace

Result<std::optional<std::string>> RecoveryManager::latest_checkpoint(const RecoveryOptions& options) const {
  DURABILITY_TRY(internal::need_directory(directory_));
  const CheckpointFile checkpoints(directory_);
  WalReader<WalEntry> reader(directory_);
  if (options.ceiling()) reader = reader.up_to(*options.ceiling());
  std::optional<Marker> usable;
  std::optional<Marker> missing;
  const auto look = [&](EntryId id, const WalEntry& entry) -> Status {
    const auto* const named = std::get_if<segment_index::Checkpoint>(&entry);
    if (named == nullptr) return {};
    const std::string& path = named->checkpoint_path;
    for (std::optional<Marker>* const seen : {&usable, &missing}) {
      if (!*seen || (*seen)->path != path) continue;
      (*seen)->id = id;  // a program that publishes to one path: its file is looked at once
      return {};
    }
    DURABILITY_TRY_ASSIGN(const std::string_view state, look_at(checkpoints, path, options.ceiling()));
    (state == kUsable ? usable : missing) = Marker{.id = id, .path = path, .state = state};
    return {};
  };
  auto read = reader.for_each(options.mode(), look);
  if (!read) return with_advice(std::move(read).error());
  const WalReadReport& log = *read;
  if (log.first > EntryId(1)) {
    if (missing && (!usable || missing->id > usable->id)) {
      return missing_checkpoint(*missing, usable, log.first);
    }
    if (!usable) return no_checkpoint(log.first);
  }
  if (!usable) return std::optional<std::string>();
  return std::optional(std::move(usable->path));
}

Result<RecoveredState> RecoveryManager::recover(std::optional<std::string_view> checkpoint_path,
                                                const RecoveryOptions& options) const {
  auto recovery = recover_with_wal<CheckpointState, WalEntry>(
      directory_, checkpoint_path, options,
      [](std::optional<CheckpointState> checkpoint) {
        return checkpoint ? std::move(checkpoint->segments) : IndexSegments{};
      },
      [](IndexSegments& segments, EntryId, const WalEntry& entry) { segment_index::apply(segments, entry); });
  if (!recovery) return with_advice(std::move(recovery).error());
  RecoveredState state{.segments = std::move(recovery->state),
                       .last_entry_id = recovery->last_applied,
                       .replayed = recovery->replayed,
                       .checkpoint = std::nullopt,
                       .torn_tail = recovery->torn_tail,
                       .ignored_checkpoint = std::move(recovery->ignored_checkpoint)};
  if (recovery->checkpoint_id) state.checkpoint = std::string(*checkpoint_path);
  return state;
}

Result<RecoveredState> RecoveryManager::recover_latest(const RecoveryOptions& options) const {
  DURABILITY_TRY_ASSIGN(const auto checkpoint, latest_checkpoint(options));
  return recover(checkpoint, options);
}

}  // namespace durability
