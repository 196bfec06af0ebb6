#include "durability/walog/repair/apply.hpp"

#include <algorithm>
#include <cerrno>
#include <ranges>
#include <utility>

#include <fmt/format.h>

#include "durability/base/crc32.hpp"
#include "durability/walog/format/segment_name.hpp"
#include "durability/walog/read/segment_listing.hpp"
#include "durability/walog/repair/plan.hpp"
#include "durability/walog/repair/quarantine.hpp"
#include "durability/walog/repair/salvaging_directory.hpp"
#include "durability/walog/write/leftovers.hpp"

namespace durability::walog {
namespace {

Result<WalFileImage> image_of_new(Directory& directory, const NewContents& contents) {
  WalFileImage image;
  const auto sum_up = [&](ByteView piece) {
    image.crc = crc32(piece, image.crc);
    image.bytes += piece.size();
    return Status();
  };
  DURABILITY_TRY(for_each_piece(directory, segment_path(contents.segment), contents.contents, sum_up));
  return image;
}

Status require_stable_storage(const Directory& directory) {
  if (directory.capabilities().stable_storage) return {};
  return Error(ErrorCode::kNotSupported, "a log is repaired on stable storage only")
      .in_file(kWalDirectory)
      .advise("nothing was changed");
}

Error opens_as_it_is(const WalRepairPlan& plan) {
  return Error(ErrorCode::kInvalidState,
               fmt::format("the log opens as it is, and {} sound entries follow the damage",
                           plan.sound_entries_after()))
      .in_file(segment_path(plan.damaged_segment))
      .at_offset(plan.damaged_offset)
      .advise(
          "nothing was changed; restore this file from a copy, or agree to cut them too "
          "(WalRepairConsent::kThoughItOpens)");
}

class Repair {
 public:
  Repair(Directory& directory, const PlannedRepair& planned) : directory_(directory), planned_(planned) {}

  Result<std::string> run() {
    DURABILITY_TRY_ASSIGN(const Quarantines there, list_quarantines(directory_));
    for (const std::uint64_t number : there.unrecorded) {
      DURABILITY_TRY(directory_.remove(quarantine_path(number)));
    }
    number_ = there.recorded.empty() ? 1 : there.recorded.back() + 1;
    DURABILITY_TRY(directory_.create_directories(quarantine_path(number_)));
    DURABILITY_TRY(copy_what_is_replaced());
    DURABILITY_TRY(name_what_is_unreadable());
    DURABILITY_TRY(write_record());
    for (const WalRepairFile& file : std::views::reverse(planned_.plan.files)) {
      const std::string path = segment_path(file.segment);
      DURABILITY_TRY(file.bytes_after
                         ? replace_by_copy(directory_, path, build_of(file.segment)->contents)
                         : directory_.rename_durable(path, quarantined_path(number_, file.segment)));
    }
    return quarantine_path(number_);
  }

 private:
  [[nodiscard]] const NewContents* build_of(SegmentId segment) const {
    return std::to_address(std::ranges::find(planned_.builds, segment, &NewContents::segment));
  }

  Status copy_what_is_replaced() {
    for (const WalRepairFile& file : planned_.plan.files) {
      if (!file.before || !file.bytes_after) continue;
      DURABILITY_TRY(write_copy(directory_, segment_path(file.segment), {.keep_to = file.before->bytes},
                                quarantined_path(number_, file.segment)));
    }
    return {};
  }

  // In whose place the copies have zeros.
  Status name_what_is_unreadable() {
    if (planned_.plan.unreadable.empty()) return {};
    std::string text;
    for (const WalUnreadable& hole : planned_.plan.unreadable) {
      text += fmt::format("{} offset {} bytes {}\n", segment_name(hole.segment), hole.offset, hole.bytes);
    }
    return directory_.write_durable(unreadable_path(number_), as_bytes(text));
  }

  // Durable, and so are the names of the copies, which stand in the same directory.
  Status write_record() {
    RepairRecord record{.kept_crc = planned_.plan.kept_crc, .files = {}};
    for (const WalRepairFile& file : planned_.plan.files) {
      RecordedFile recorded{.segment = file.segment, .before = file.before, .after = {}};
      if (file.bytes_after) {
        DURABILITY_TRY_ASSIGN(recorded.after, image_of_new(directory_, *build_of(file.segment)));
      }
      record.files.push_back(recorded);
    }
    return directory_.write_durable(record_path(number_), encode_record(record));
  }

  Directory& directory_;
  const PlannedRepair& planned_;
  std::uint64_t number_ = 0;
};

constexpr std::uint64_t kMaxUnreadableBytes = std::uint64_t{64} << 20U;

class Undoing {
 public:
  Undoing(Directory& directory, std::uint64_t number, RepairRecord record)
      : directory_(directory), number_(number), record_(std::move(record)) {}

  Result<std::string> run() {
    DURABILITY_TRY(read_what_was_unreadable());
    DURABILITY_TRY(check_the_rest());
    for (const RecordedFile& file : record_.files) DURABILITY_TRY(check(file));
    for (const RecordedFile& file : std::views::reverse(record_.files)) DURABILITY_TRY(put_back(file));
    // What is back may have been put there by an undoing that was killed before its sync.
    DURABILITY_TRY(directory_.sync_directory(kWalDirectory));
    DURABILITY_TRY(directory_.remove_durable(quarantine_path(number_)));
    return quarantine_path(number_);
  }

 private:
  Status read_what_was_unreadable() {
    const std::string path = unreadable_path(number_);
    DURABILITY_TRY_ASSIGN(const bool there, directory_.exists(path));
    if (!there) return {};
    DURABILITY_TRY_ASSIGN(const Bytes text, directory_.read_file(path, kMaxUnreadableBytes));
    was_unreadable_ = fmt::format("\n{}", as_text(text));
    return {};
  }

  // What could not be read when it was taken out may be read today, and then is not the zeros that stood for
  // it.
  [[nodiscard]] bool is_what_was(const RecordedFile& file, const WalFileImage& kept) const {
    if (!file.before || kept == *file.before) return file.before.has_value();
    const bool had_holes =
        was_unreadable_.find(fmt::format("\n{} offset ", segment_name(file.segment))) != std::string::npos;
    return had_holes && kept.bytes == file.before->bytes;
  }

  // Where something could not be read today, that is the reason.
  [[nodiscard]] Error refused(const Error& reason) const { return unread_ ? *unread_ : reason; }

  Result<std::optional<WalFileImage>> image_at(const std::string& path) {
    DURABILITY_TRY_ASSIGN(const bool there, directory_.exists(path));
    if (!there) return std::optional<WalFileImage>{};
    auto image = image_of(directory_, path);
    if (!image && is_unreadable(image.error())) {
      unread_ = image.error();
      SalvagingDirectory salvaging(directory_);
      image = image_of(salvaging, path);
    }
    if (!image) return std::move(image).error();
    return std::optional(*image);
  }

  static Error gone_on(std::string_view path) {
    return Error(ErrorCode::kInvalidState, "the log has gone on since it was repaired")
        .in_file(path)
        .advise("nothing was changed; what was taken out is still in quarantine");
  }

  // The segments that the repair did not touch are still those, and none has come.
  Status check_the_rest() {
    DURABILITY_TRY_ASSIGN(auto ids, list_segments(directory_));
    for (const SegmentId id : ids) {
      const bool recorded =
          std::ranges::find(record_.files, id, &RecordedFile::segment) != record_.files.end();
      if (!recorded && id > record_.files.front().segment) return gone_on(segment_path(id));
    }
    std::erase_if(ids, [&](SegmentId id) { return id >= record_.files.front().segment; });
    DURABILITY_TRY_ASSIGN(const std::uint32_t kept, fingerprint_of(directory_, ids));
    return kept == record_.kept_crc ? Status() : gone_on(kWalDirectory);
  }

  // Each file is as it was or as the repair left it, and what it was is here or there.
  Status check(const RecordedFile& file) {
    const std::string path = segment_path(file.segment);
    const std::string quarantined = quarantined_path(number_, file.segment);
    DURABILITY_TRY_ASSIGN(const auto now, image_at(path));
    DURABILITY_TRY_ASSIGN(const auto kept, image_at(quarantined));
    if (now != file.before && now != file.after) return refused(gone_on(path));
    const bool damaged = kept ? !is_what_was(file, *kept) : now != file.before && file.before.has_value();
    if (!damaged) return {};
    return refused(
        Error(ErrorCode::kCorrupt, "what was taken out of the log is damaged or missing in quarantine")
            .in_file(quarantined)
            .advise("nothing was changed; the repaired log is as it was"));
  }

  Status put_back(const RecordedFile& file) {
    const std::string path = segment_path(file.segment);
    if (!file.before) return directory_.remove_durable(path);
    const std::string quarantined = quarantined_path(number_, file.segment);
    DURABILITY_TRY_ASSIGN(const bool here, directory_.exists(quarantined));
    return here ? directory_.rename_durable(quarantined, path) : Status();
  }

  Directory& directory_;
  std::uint64_t number_;
  RepairRecord record_;
  std::string was_unreadable_;  // when it was taken out; a line each
  std::optional<Error> unread_;
};

}  // namespace

Result<std::string> apply_repair(Directory& directory, const WalOptions& options, const WalRepairPlan& plan,
                                 WalRepairConsent consent) {
  DURABILITY_TRY(require_stable_storage(directory));
  if (plan.opens && consent != WalRepairConsent::kThoughItOpens) return opens_as_it_is(plan);
  const auto changed = [] {
    return Error(ErrorCode::kInvalidState, "the log is not what the plan was made from")
        .in_file(kWalDirectory)
        .advise("nothing was changed; plan again");
  };
  DURABILITY_TRY_ASSIGN(const auto there, list_segments(directory));
  if (there.empty()) return changed();  // and no lock file is made
  DURABILITY_TRY_ASSIGN(const auto lock, directory.lock(kLockPath));
  DURABILITY_TRY_ASSIGN(const auto ids, list_segments(directory));
  DURABILITY_TRY(sync_leftovers(directory, ids));
  DURABILITY_TRY_ASSIGN(const auto planned, plan_repair(directory, options));
  if (planned && planned->plan.unreadable != plan.unreadable) {
    return Error::from_errno(EIO, "read all that could be read when the plan was made")
        .in_file(kWalDirectory)
        .advise("nothing was changed; plan again, and look at what the plan calls unreadable");
  }
  if (!planned || planned->plan != plan) return changed();
  DURABILITY_TRY(lock->check());
  SalvagingDirectory salvaging(directory);
  return plan.unreadable.empty() ? Repair(directory, *planned).run() : Repair(salvaging, *planned).run();
}

Result<std::string> undo_repair(Directory& directory) {
  constexpr std::uint64_t kMaxRecordBytes = std::uint64_t{64} << 20U;
  DURABILITY_TRY(require_stable_storage(directory));
  const auto nothing = [] {
    return Error(ErrorCode::kNotFound, "no repair to undo")
        .in_file(kQuarantineDirectory)
        .advise("nothing was changed");
  };
  DURABILITY_TRY_ASSIGN(const Quarantines there, list_quarantines(directory));
  if (there.recorded.empty()) return nothing();
  DURABILITY_TRY_ASSIGN(const auto lock, directory.lock(kLockPath));
  DURABILITY_TRY_ASSIGN(const Quarantines found, list_quarantines(directory));
  if (found.recorded.empty()) return nothing();
  DURABILITY_TRY(remove_temporaries(directory));
  const std::uint64_t number = found.recorded.back();
  DURABILITY_TRY_ASSIGN(const Bytes bytes, directory.read_file(record_path(number), kMaxRecordBytes));
  auto record = decode_record(bytes);
  if (!record) return std::move(record).error().in_file(record_path(number));
  if (record->files.empty()) return nothing();
  DURABILITY_TRY(lock->check());
  return Undoing(directory, number, *std::move(record)).run();
}

}  // namespace durability::walog
