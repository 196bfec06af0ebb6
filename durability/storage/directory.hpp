#pragma once

// A place where files live. Everything the library does to a disk goes through a Directory and the
// Files it hands out.
//
// The class has two halves. The upper one is what callers use: it checks paths, makes missing parents,
// and builds every composite operation (atomic write, durable rename, …) out of the lower half, once,
// for all implementations. The lower one, the primitives, is what an implementation provides, one
// system call or so each; directories that inject faults or simulate crashes see each step there.
//
// Paths are relative to the directory, `/` between names. `..`, `.`, an absolute path, an empty name, a
// NUL: `invalid_config`, and nothing is touched. Nothing outside the directory is ever reached, through
// a symbolic link either. What is not a regular file is refused, not waited for. New files are 0600,
// new directories 0700.
//
// Order of a durable replacement (write_durable), and why each step is there:
//   1. create `<name>.<16 hex digits>.tmp`   exclusively: nobody else's file is followed or cut
//   2. write, sync_data                      the bytes are durable before a name leads to them
//   3. rename over the target                readers see the old or the new, never a mixture
//   4. sync_directory(parent)                the name survives a power loss too

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "durability/storage/file.hpp"

namespace durability {

/// Held for as long as it lives; released by its destructor, and by the death of the process. A child that
/// fork() made does not hold it (its check() is `lock_failed`), and may destroy it without harm; a child made
/// past the C library (vfork, clone, _Fork) must do nothing with it but exec.
class DirectoryLock {
 public:
  virtual ~DirectoryLock() = default;
  DirectoryLock() = default;
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

  /// `lock_failed` where the lock's name no longer leads to the file that is locked (somebody unlinked
  /// or replaced it, or the directory it stands in): another process may hold a lock of the same name now.
  /// On a disk it needs no descriptor. Any other error says that it could not be found out.
  virtual Status check() const = 0;
};

struct Capabilities {
  /// sync_data and sync_directory reach storage that survives a power loss. Where false, every durable
  /// operation is `not_supported`.
  bool stable_storage = false;
};

enum class EntryKind : std::uint8_t { kMissing, kFile, kDirectory, kOther };

enum class OpenMode : std::uint8_t {
  kRead,       ///< an existing file; `not_found` otherwise
  kReadWrite,  ///< an existing file; `not_found` otherwise
  kCreate,     ///< for reading and writing, cut to nothing if it exists
  kCreateNew,  ///< for reading and writing; `invalid_state` if it exists
  kAppend,     ///< for reading and appending, created if missing
};

/// Thread-safe. Owned through std::shared_ptr.
class Directory {
 public:
  virtual ~Directory() = default;
  Directory() = default;
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  // Files. Those that create make missing parents, durably where there is stable storage.

  Result<std::unique_ptr<File>> create(std::string_view path);
  Result<std::unique_ptr<File>> create_new(std::string_view path);
  Result<std::unique_ptr<File>> open(std::string_view path, OpenMode mode = OpenMode::kRead);
  Result<std::unique_ptr<File>> open_append(std::string_view path);
  /// The whole file; `invalid_state` where it is longer than `limit`, before anything is allocated.
  Result<Bytes> read_file(std::string_view path, std::uint64_t limit);

  // Names. A name survives a process crash at once, a power loss after sync_directory of its parent.

  Result<bool> exists(std::string_view path);
  /// Removes a file, or a directory with all that is in it. What is not there is removed already.
  Status remove(std::string_view path);
  /// Replaces what stands at `to`. Makes missing parents of `to`.
  Status rename(std::string_view from, std::string_view to);
  /// Makes every missing directory of `path`; each is durable in its parent when this returns (where
  /// there is stable storage).
  Status create_directories(std::string_view path);
  /// Names in the directory, sorted bytewise; `""` is the root. A missing directory gives none.
  Result<std::vector<std::string>> list(std::string_view path);
  /// Returns when the names in the directory are on stable storage; `""` is the root.
  Status sync_directory(std::string_view path);

  // Composites.

  /// Replaces the file in one step: after a crash it has its old contents or the new ones, whole.
  /// Which of the two is certain only after a sync of the parent. On an error the old file is
  /// untouched and the temporary is removed as far as that can be done.
  Status atomic_write(std::string_view path, ByteView contents);
  /// atomic_write that survives a power loss once it returns.
  Status write_durable(std::string_view path, ByteView contents);
  /// rename that survives a power loss once it returns: both parents are synced, the new one first.
  Status rename_durable(std::string_view from, std::string_view to);
  /// remove that survives a power loss once it returns.
  Status remove_durable(std::string_view path);

  /// Takes the lock whose file is `path` (created if missing, and left there), without waiting:
  /// `lock_failed` where another holder lives, in this process or another. On a disk the directory that the
  /// file stands in is held open with it: names in it are renamed, removed and synced without a new
  /// descriptor.
  Result<std::unique_ptr<DirectoryLock>> lock(std::string_view path);

  /// A name next to `path` that nothing else uses: `<path>.<16 hex digits>.tmp`.
  [[nodiscard]] std::string temporary_name(std::string_view path);
  /// True for names of exactly that form; only these are ever cleaned up.
  [[nodiscard]] static bool is_temporary_name(std::string_view name) noexcept;

  // Primitives, for implementations and for directories that wrap another. Paths have been checked.
  // Parents are not made. Nothing is synced that is not asked for.

  virtual Result<std::unique_ptr<File>> do_open(std::string_view path, OpenMode mode) = 0;
  virtual Result<EntryKind> do_kind(std::string_view path) = 0;
  /// One level; success where the directory exists already. Says whether it was made.
  virtual Result<bool> do_make_directory(std::string_view path) = 0;
  virtual Status do_remove_file(std::string_view path) = 0;             ///< `not_found` if missing
  virtual Status do_remove_empty_directory(std::string_view path) = 0;  ///< `not_found` if missing
  virtual Status do_rename(std::string_view from, std::string_view to) = 0;
  virtual Result<std::vector<std::string>> do_list(std::string_view path) = 0;  ///< `not_found` if missing
  virtual Status do_sync_directory(std::string_view path) = 0;
  virtual Result<std::unique_ptr<DirectoryLock>> do_lock(std::string_view path) = 0;
  [[nodiscard]] virtual std::uint64_t do_random() = 0;  ///< for the names of temporaries

  [[nodiscard]] virtual Capabilities capabilities() const noexcept = 0;
  /// The same number for every Directory that leads to the same place, in this process and for as long as
  /// the place is there; another number for another place (but for a collision of 64 bits).
  [[nodiscard]] virtual std::uint64_t identity() const noexcept = 0;
  /// Where the file is on this machine, for people and logs; nothing in the library opens it.
  [[nodiscard]] virtual std::optional<std::string> file_path(std::string_view path) const = 0;
};

}  // namespace durability
