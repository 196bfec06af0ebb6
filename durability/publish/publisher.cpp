#include "durability/publish/publisher.hpp"

#include "durability/checkpoint/staged.hpp"
#include "durability/storage/log_names.hpp"
#include "durability/storage/need_directory.hpp"
#include "durability/storage/storage_errors.hpp"
#include "durability/storage/temporaries.hpp"

namespace durability::publish {
namespace {

// What is wrong with a checkpoint that is to be replaced is no matter.
bool says_no_id(const Error& error) noexcept {
  return error.code() == ErrorCode::kNotFound || error.code() == ErrorCode::kTruncated ||
         error.code() == ErrorCode::kFormat || error.code() == ErrorCode::kCrcMismatch;
}

// The writer knows what it published itself; of what was published before it was opened, this is left. A
// header that says so may be damaged, so that then all of the checkpoint is read.
Status check_not_newer(const CheckpointFile& checkpoints, std::string_view path, DurableId upto) {
  const auto header = checkpoints.read_header(path);
  if (!header && says_no_id(header.error())) return {};
  if (!header) return header.error();
  if (header->last_applied <= upto.entry()) return {};
  const auto there = checkpoints.read_bytes(path);
  if (!there && says_no_id(there.error())) return {};
  if (!there) return there.error();
  return Error(ErrorCode::kInvalidState,
               fmt::format("the checkpoint that is there contains entries up to {}, this one only up to {}",
                           there->last_applied, upto))
      .in_file(path)
      .with_values(there->last_applied.value(), upto.value())
      .advise("nothing was changed, and nothing needs to be done; remove it if it belongs to another log");
}

}  // namespace

Status check_destination(const std::shared_ptr<Directory>& directory, std::string_view path) {
  DURABILITY_TRY(internal::need_directory(directory));
  if (!directory->capabilities().stable_storage) return internal::no_stable_storage_error(path);
  return internal::check_outside_the_log(path, "a checkpoint");
}

Status check_destination(const std::shared_ptr<Directory>& directory, std::string_view path, DurableId upto) {
  DURABILITY_TRY(check_destination(directory, path));
  if (directory->identity() == upto.log()) return {};
  return Error(ErrorCode::kInvalidConfig,
               fmt::format("entry {} is durable in a log in another directory", upto))
      .in_file(path)
      .advise("nothing was changed; publish into the directory of the log, with an id that it returned");
}

Error no_marker_error(std::string_view path) {
  return Error(ErrorCode::kInvalidConfig, "there is nothing to call for a marker")
      .in_file(path)
      .advise("nothing was changed; give a function that makes one, or publish without");
}

Status remove_temporaries(Directory& directory, std::string_view path) {
  const std::size_t slash = path.rfind('/');
  const bool in_root = slash == std::string_view::npos;
  const std::string_view name = in_root ? path : path.substr(slash + 1);
  return remove_temporaries_of(directory, in_root ? "" : path.substr(0, slash),
                               [name](std::string_view target) { return target == name; });
}

Status replace_checkpoint(const std::shared_ptr<Directory>& directory, std::string_view path, DurableId upto,
                          ByteView file, const std::function<Status()>& may_publish) {
  const CheckpointFile checkpoints(directory);
  DURABILITY_TRY(may_publish());
  DURABILITY_TRY(check_not_newer(checkpoints, path, upto));
  DURABILITY_TRY(remove_temporaries(*directory, path));
  DURABILITY_TRY_ASSIGN(auto staged, checkpoint::Staged::write(directory, path, file));
  // Writing takes long: what the turn does not keep away (the lock's file, another program) may have come.
  DURABILITY_TRY(may_publish());
  DURABILITY_TRY(check_not_newer(checkpoints, path, upto));
  return staged.put_in_place();
}

}  // namespace durability::publish
