#include "durability/storage/directory.hpp"

#include <algorithm>
#include <utility>

#include "durability/storage/storage_errors.hpp"

namespace durability {
namespace {

/// The one place that decides what a path may be.
Status check_path(std::string_view path) {
  const auto refuse = [&](std::string_view why) {
    return Error(ErrorCode::kInvalidConfig, fmt::format("not a path within the directory: {}", why))
        .in_file(path)
        .advise("nothing was touched; give names separated by single slashes");
  };
  if (path.find('\0') != std::string_view::npos) return refuse("it holds a NUL");
  if (path.empty()) return refuse("it is empty");
  if (path.front() == '/') return refuse("it is absolute");
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string_view name = path.substr(start, end - start);
    if (name.empty()) return refuse("a name in it is empty");
    if (name == "." || name == "..") return refuse("'.' and '..' are not names");
    start = end + 1;
  }
  return {};
}

/// `""` is the root, for the operations that may mean it.
Status check_path_or_root(std::string_view path) { return path.empty() ? Status() : check_path(path); }

/// The directory that holds `path`; `""` for a name in the root.
std::string_view parent_of(std::string_view path) noexcept {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

Status require_stable_storage(const Directory& directory, std::string_view path) {
  if (directory.capabilities().stable_storage) return {};
  return internal::no_stable_storage_error(path);
}

/// Syncs a directory if it has stable storage; elsewhere there is nothing to do.
Status sync_where_stable(Directory& directory, std::string_view path) {
  return directory.capabilities().stable_storage ? directory.do_sync_directory(path) : Status();
}

/// Syncs the directory that holds `path`, or where that is gone too, the nearest one that is left.
Status sync_nearest_parent(Directory& directory, std::string_view path) {
  while (true) {
    const std::string_view parent = parent_of(path);
    Status synced = directory.do_sync_directory(parent);
    if (synced || parent.empty() || synced.error().code() != ErrorCode::kNotFound) return synced;
    path = parent;
  }
}

// A directory that was there already is synced into its parent like one that was made: whoever made it
// (a process that was killed, a thread that is not there yet) may not have come to its sync.
Status make_directories(Directory& directory, std::string_view path) {
  if (path.empty()) return {};
  for (std::size_t end = 0; end < path.size();) {
    end = std::min(path.find('/', end + 1), path.size());
    const std::string_view ancestor = path.substr(0, end);
    DURABILITY_TRY(directory.do_make_directory(ancestor));
    DURABILITY_TRY(sync_where_stable(directory, parent_of(ancestor)));
  }
  return {};
}

/// Runs `attempt`, which yields a Result; where it finds no parent of `path`, makes them, once.
template <class Attempt>
auto with_parents(Directory& directory, std::string_view path, Attempt attempt) -> decltype(attempt()) {
  auto first = attempt();
  if (first || first.error().code() != ErrorCode::kNotFound) return first;
  DURABILITY_TRY(make_directories(directory, parent_of(path)));
  return attempt();
}

Status ignore_not_found(Status status) {
  if (!status && status.error().code() == ErrorCode::kNotFound) return {};
  return status;
}

Status remove_tree(Directory& directory, std::string_view path) {
  DURABILITY_TRY_ASSIGN(const EntryKind kind, directory.do_kind(path));
  if (kind == EntryKind::kMissing) return {};
  // Anything that is not a directory goes by its name: a symbolic link, never what it leads to.
  if (kind != EntryKind::kDirectory) return ignore_not_found(directory.do_remove_file(path));
  DURABILITY_TRY_ASSIGN(const std::vector<std::string> names, directory.list(path));
  for (const std::string& name : names) {
    DURABILITY_TRY(remove_tree(directory, fmt::format("{}/{}", path, name)));
  }
  return ignore_not_found(directory.do_remove_empty_directory(path));
}

Status fill(Directory& directory, File& file, ByteView contents) {
  DURABILITY_TRY(file.write_at(0, contents));
  if (directory.capabilities().stable_storage) DURABILITY_TRY(file.sync_data());
  return file.close();
}

}  // namespace

Result<std::unique_ptr<File>> Directory::create(std::string_view path) {
  return open(path, OpenMode::kCreate);
}

Result<std::unique_ptr<File>> Directory::create_new(std::string_view path) {
  return open(path, OpenMode::kCreateNew);
}

Result<std::unique_ptr<File>> Directory::open_append(std::string_view path) {
  return open(path, OpenMode::kAppend);
}

Result<std::unique_ptr<File>> Directory::open(std::string_view path, OpenMode mode) {
  DURABILITY_TRY(check_path(path));
  if (mode == OpenMode::kRead || mode == OpenMode::kReadWrite) return do_open(path, mode);
  return with_parents(*this, path, [&] { return do_open(path, mode); });
}

Result<Bytes> Directory::read_file(std::string_view path, std::uint64_t limit) {
  DURABILITY_TRY_ASSIGN(const std::unique_ptr<File> file, open(path));
  DURABILITY_TRY_ASSIGN(const std::uint64_t size, file->size());
  if (size > limit) {
    return Error(ErrorCode::kInvalidState, "the file is longer than its reader allows")
        .in_file(path)
        .with_values(limit, size)
        .advise("nothing was read; raise the limit if the file is what you think it is");
  }
  Bytes contents(size);
  DURABILITY_TRY_ASSIGN(const std::size_t length, file->read_at(0, contents));
  DURABILITY_TRY(file->close());
  if (length != size) {
    return Error(ErrorCode::kTruncated, "the file became shorter while it was read")
        .in_file(path)
        .at_offset(length)
        .with_values(size, length)
        .advise("somebody else is changing it; read it again when they are done");
  }
  return contents;
}

Result<bool> Directory::exists(std::string_view path) {
  DURABILITY_TRY(check_path(path));
  DURABILITY_TRY_ASSIGN(const EntryKind kind, do_kind(path));
  return kind != EntryKind::kMissing;
}

Status Directory::remove(std::string_view path) {
  DURABILITY_TRY(check_path(path));
  return remove_tree(*this, path);
}

Status Directory::rename(std::string_view from, std::string_view to) {
  DURABILITY_TRY(check_path(from));
  DURABILITY_TRY(check_path(to));
  Status renamed = do_rename(from, to);
  if (renamed || renamed.error().code() != ErrorCode::kNotFound) return renamed;
  // Either end may be what is missing; parents are made for the one, not for the other.
  DURABILITY_TRY_ASSIGN(const EntryKind kind, do_kind(from));
  if (kind == EntryKind::kMissing) return renamed;
  DURABILITY_TRY(make_directories(*this, parent_of(to)));
  return do_rename(from, to);
}

Status Directory::create_directories(std::string_view path) {
  DURABILITY_TRY(check_path(path));
  return make_directories(*this, path);
}

Result<std::vector<std::string>> Directory::list(std::string_view path) {
  DURABILITY_TRY(check_path_or_root(path));
  auto names = do_list(path);
  if (!names && names.error().code() == ErrorCode::kNotFound) return std::vector<std::string>();
  if (names) std::sort(names->begin(), names->end());
  return names;
}

Status Directory::sync_directory(std::string_view path) {
  DURABILITY_TRY(check_path_or_root(path));
  DURABILITY_TRY(require_stable_storage(*this, path));
  return do_sync_directory(path);
}

Status Directory::atomic_write(std::string_view path, ByteView contents) {
  DURABILITY_TRY(check_path(path));
  const std::string temporary = temporary_name(path);
  DURABILITY_TRY_ASSIGN(const std::unique_ptr<File> file, create_new(temporary));
  Status written = fill(*this, *file, contents);
  if (written) written = do_rename(temporary, path);
  // The first error is the one to report; a temporary that stays is harmless and known by its name.
  if (!written) static_cast<void>(do_remove_file(temporary));
  return written;
}

Status Directory::write_durable(std::string_view path, ByteView contents) {
  DURABILITY_TRY(check_path(path));
  DURABILITY_TRY(require_stable_storage(*this, path));
  DURABILITY_TRY(atomic_write(path, contents));
  return do_sync_directory(parent_of(path));
}

Status Directory::rename_durable(std::string_view from, std::string_view to) {
  DURABILITY_TRY(check_path(from));
  DURABILITY_TRY(check_path(to));
  DURABILITY_TRY(require_stable_storage(*this, to));
  DURABILITY_TRY(rename(from, to));
  // The new name first: a power loss in between leaves two names, never none.
  DURABILITY_TRY(do_sync_directory(parent_of(to)));
  return parent_of(from) == parent_of(to) ? Status() : do_sync_directory(parent_of(from));
}

Status Directory::remove_durable(std::string_view path) {
  DURABILITY_TRY(check_path(path));
  DURABILITY_TRY(require_stable_storage(*this, path));
  DURABILITY_TRY(remove(path));
  // Also where it was gone before: who removed it may not have come to the sync.
  return sync_nearest_parent(*this, path);
}

Result<std::unique_ptr<DirectoryLock>> Directory::lock(std::string_view path) {
  DURABILITY_TRY(check_path(path));
  return with_parents(*this, path, [&] { return do_lock(path); });
}

std::string Directory::temporary_name(std::string_view path) {
  return fmt::format("{}.{:016x}.tmp", path, do_random());
}

bool Directory::is_temporary_name(std::string_view name) noexcept {
  constexpr std::string_view kEnd = ".tmp";
  constexpr std::size_t kDigits = 16;
  name.remove_prefix(std::min(name.rfind('/') + 1, name.size()));
  if (name.size() <= 1 + kDigits + kEnd.size() || !name.ends_with(kEnd)) return false;
  name.remove_suffix(kEnd.size());
  const std::string_view digits = name.substr(name.size() - kDigits);
  return name[name.size() - kDigits - 1] == '.' &&
         digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace durability
