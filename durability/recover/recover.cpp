#include "durability/recover/recover.hpp"

#include "durability/walog/format/segment_name.hpp"

namespace durability::recover {

bool is_damage(const Error& error) noexcept {
  // A payload whose checksum is right and which does not decode is no damage: another type was written.
  return error.code() == ErrorCode::kTruncated || error.code() == ErrorCode::kFormat ||
         error.code() == ErrorCode::kCrcMismatch;
}

Error nothing_to_call_error() {
  return Error(ErrorCode::kInvalidConfig, "there is nothing to call for init, or for apply")
      .advise("nothing was read; give functions that are there");
}

Status check_log_stands_alone(const std::shared_ptr<Directory>& directory, ReadMode mode,
                              const Error& checkpoint_error) {
  // Up to entry 0: reads the first header and no entry.
  const auto report = walog::ByteReader(directory).for_each(
      mode, {.from = EntryId(1), .up_to = EntryId(0)},
      [](const WalEntryView&) -> Result<Flow> { return Flow::kContinue; });
  if (report && report->segments > 0) return {};
  Error error = checkpoint_error;
  return error.advise(fmt::format("nothing was changed, and the log cannot stand in for it ({})",
                                  report ? "there is none" : report.error().to_string()));
}

Result<EntryId> first_to_replay(std::string_view checkpoint_path, EntryId checkpoint,
                                std::optional<EntryId> ceiling) {
  if (ceiling && *ceiling < checkpoint) {
    return Error(ErrorCode::kInvalidState,
                 fmt::format("the checkpoint contains entries up to {}, the state after {} was asked for",
                             checkpoint, *ceiling))
        .in_file(checkpoint_path)
        .with_values(ceiling->value(), checkpoint.value())
        .advise("nothing was changed; use an older checkpoint, or none if the log begins at entry 1");
  }
  auto next = checkpoint.next();
  if (!next) return std::move(next).error().in_file(checkpoint_path);
  return next;
}

Status check_log_reaches(std::string_view checkpoint_path, EntryId checkpoint, EntryId next,
                         std::string_view log_path, std::string_view way_out) {
  if (next > checkpoint) return {};
  return Error(ErrorCode::kInvalidState,
               fmt::format("entries {} to {} are missing: the log ends before the checkpoint {}", next,
                           checkpoint, escape_for_display(checkpoint_path)))
      .in_file(log_path)
      .with_values(checkpoint.value() + 1, next.value())
      .advise(
          fmt::format("nothing was changed; find the log that belongs to this checkpoint, or {}", way_out));
}

}  // namespace durability::recover
