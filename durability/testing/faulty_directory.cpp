#include "durability/testing/faulty_directory.hpp"

#include <algorithm>
#include <utility>

#include "durability/testing/fault_switchboard.hpp"

namespace durability::testing {
namespace {

bool changes_something(Operation operation) {
  switch (operation) {
    case Operation::kCreate:
    case Operation::kMakeDirectory:
    case Operation::kRemoveFile:
    case Operation::kRemoveDirectory:
    case Operation::kRename:
    case Operation::kSyncDirectory:
    case Operation::kWrite:
    case Operation::kAppend:
    case Operation::kSyncData:
    case Operation::kTruncate:
    case Operation::kPreallocate: return true;
    default: return false;
  }
}

}  // namespace

std::string_view operation_name(Operation operation) noexcept {
  switch (operation) {
    case Operation::kOpen: return "open";
    case Operation::kCreate: return "create";
    case Operation::kKind: return "kind";
    case Operation::kMakeDirectory: return "make_directory";
    case Operation::kRemoveFile: return "remove_file";
    case Operation::kRemoveDirectory: return "remove_directory";
    case Operation::kRename: return "rename";
    case Operation::kList: return "list";
    case Operation::kSyncDirectory: return "sync_directory";
    case Operation::kLock: return "lock";
    case Operation::kWrite: return "write";
    case Operation::kAppend: return "append";
    case Operation::kRead: return "read";
    case Operation::kSyncData: return "sync_data";
    case Operation::kSize: return "size";
    case Operation::kLinks: return "links";
    case Operation::kTruncate: return "truncate";
    case Operation::kPreallocate: return "preallocate";
    case Operation::kDropCachedPages: return "drop_cached_pages";
    case Operation::kClose: return "close";
  }
  return "unknown";
}

std::ostream& operator<<(std::ostream& out, Operation operation) { return out << operation_name(operation); }

std::string OperationRecord::to_string() const {
  const std::string place = path.empty() ? "." : escape_for_display(path);
  std::string text = fmt::format("{} {}", operation_name(operation), place);
  if (operation == Operation::kRename) text += " -> " + escape_for_display(target);
  return text;
}

std::shared_ptr<FaultyDirectory> FaultyDirectory::make(std::shared_ptr<Directory> inner) {
  return std::make_shared<FaultyDirectory>(std::move(inner), std::make_shared<Switchboard>());
}

FaultyDirectory::FaultyDirectory(std::shared_ptr<Directory> inner, std::shared_ptr<Switchboard> switchboard)
    : inner_(std::move(inner)), switchboard_(std::move(switchboard)) {}

void FaultyDirectory::fail(Fault fault) { switchboard_->fail(std::move(fault)); }
void FaultyDirectory::set_hook(Hook hook) { switchboard_->set_hook(std::move(hook)); }
void FaultyDirectory::mend() { switchboard_->mend(); }
void FaultyDirectory::clear_log() { switchboard_->clear_log(); }
std::vector<OperationRecord> FaultyDirectory::log() const { return switchboard_->log(); }

std::uint64_t FaultyDirectory::count(Operation operation) const {
  return static_cast<std::uint64_t>(
      std::ranges::count(switchboard_->log(), operation, &OperationRecord::operation));
}

std::vector<std::string> FaultyDirectory::changes() const {
  std::vector<std::string> lines;
  for (const OperationRecord& record : switchboard_->log()) {
    if (changes_something(record.operation)) lines.push_back(record.to_string());
  }
  return lines;
}

Result<std::unique_ptr<File>> FaultyDirectory::do_open(std::string_view path, OpenMode mode) {
  const bool exists = mode == OpenMode::kRead || mode == OpenMode::kReadWrite;
  DURABILITY_TRY(switchboard_->check(exists ? Operation::kOpen : Operation::kCreate, path));
  DURABILITY_TRY_ASSIGN(auto file, inner_->do_open(path, mode));
  return make_faulty_file(std::move(file), switchboard_, path);
}

Result<EntryKind> FaultyDirectory::do_kind(std::string_view path) {
  DURABILITY_TRY(switchboard_->check(Operation::kKind, path));
  return inner_->do_kind(path);
}

Result<bool> FaultyDirectory::do_make_directory(std::string_view path) {
  DURABILITY_TRY(switchboard_->check(Operation::kMakeDirectory, path));
  return inner_->do_make_directory(path);
}

Status FaultyDirectory::do_remove_file(std::string_view path) {
  DURABILITY_TRY(switchboard_->check(Operation::kRemoveFile, path));
  return inner_->do_remove_file(path);
}

Status FaultyDirectory::do_remove_empty_directory(std::string_view path) {
  DURABILITY_TRY(switchboard_->check(Operation::kRemoveDirectory, path));
  return inner_->do_remove_empty_directory(path);
}

Status FaultyDirectory::do_rename(std::string_view from, std::string_view to) {
  DURABILITY_TRY(switchboard_->check(Operation::kRename, from, to));
  return inner_->do_rename(from, to);
}

Result<std::vector<std::string>> FaultyDirectory::do_list(std::string_view path) {
  DURABILITY_TRY(switchboard_->check(Operation::kList, path));
  return inner_->do_list(path);
}

Status FaultyDirectory::do_sync_directory(std::string_view path) {
  DURABILITY_TRY(switchboard_->check(Operation::kSyncDirectory, path));
  return inner_->do_sync_directory(path);
}

Result<std::unique_ptr<DirectoryLock>> FaultyDirectory::do_lock(std::string_view path) {
  DURABILITY_TRY(switchboard_->check(Operation::kLock, path));
  return inner_->do_lock(path);
}

std::uint64_t FaultyDirectory::do_random() { return inner_->do_random(); }

Capabilities FaultyDirectory::capabilities() const noexcept { return inner_->capabilities(); }

std::uint64_t FaultyDirectory::identity() const noexcept { return inner_->identity(); }

std::optional<std::string> FaultyDirectory::file_path(std::string_view path) const {
  return inner_->file_path(path);
}

}  // namespace durability::testing
