#pragma once

// A Directory around another one, in which chosen operations fail, and which writes down what was done.
//
//   auto faulty = FaultyDirectory::make(MemoryDirectory::make());
//   faulty->fail({.operation = Operation::kSyncData, .os_error = EIO, .path = "wal/"});
//
// An injected error's message begins with "injected:". The operation that fails does not reach the inner
// directory, but for two: a short write leaves its first bytes there, and a close closes.
//
// What a failed sync does to the pages is the disk's business: let a hook call
// CrashDirectory::fail_next_sync and pass the operation on.

#include <cerrno>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "durability/storage/directory.hpp"

namespace durability::testing {

/// The primitives of Directory, and the calls of File.
enum class Operation : std::uint8_t {
  kOpen,    ///< of what exists: kRead, kReadWrite
  kCreate,  ///< kCreate, kCreateNew, kAppend
  kKind,
  kMakeDirectory,
  kRemoveFile,
  kRemoveDirectory,
  kRename,
  kList,
  kSyncDirectory,
  kLock,
  kWrite,
  kAppend,
  kRead,
  kSyncData,
  kSize,
  kLinks,
  kTruncate,
  kPreallocate,  ///< and reserve: space for a file, of zeros or set aside
  kDropCachedPages,
  kClose,
};

/// As in messages: `sync_data`, `rename`, …
[[nodiscard]] std::string_view operation_name(Operation operation) noexcept;
std::ostream& operator<<(std::ostream& out, Operation operation);

// g++ warns of a designated initializer that leaves out a member without an initializer of its own.
// NOLINTBEGIN(readability-redundant-member-init)

/// One operation, as it was asked for; it may have failed.
struct OperationRecord {
  Operation operation;
  std::string path;
  std::string target = {};   ///< of a rename
  std::uint64_t number = 0;  ///< counts from 0 over all operations

  /// `rename a -> b`, `sync_data a`, `sync_directory .` (the root).
  [[nodiscard]] std::string to_string() const;
};

enum class Repeat : std::uint8_t {
  kOnce,
  kSticky,  ///< from then on
};

/// Which operations fail, and how.
struct Fault {
  std::optional<Operation> operation = {};  ///< any, where there is none
  int os_error = EIO;
  /// Matching operations that succeed before it, counted from when the fault was planted.
  std::uint64_t after = 0;
  Repeat repeat = Repeat::kOnce;
  std::string path = {};  ///< only where the path (a rename's either one) contains this
  /// Of a write or append: so many bytes reach the inner file first.
  std::size_t short_write = 0;
};

// NOLINTEND(readability-redundant-member-init)

/// What a hook makes of an operation that is to fail.
struct Injection {
  int os_error = EIO;
  std::size_t short_write = 0;
};

/// Thread-safe. Handles stay usable for as long as they live; locks are the inner directory's own.
class FaultyDirectory final : public Directory {
 public:
  /// Called before each operation, without a mutex; an Injection makes it fail. It must not use the
  /// directory it belongs to.
  using Hook = std::function<std::optional<Injection>(const OperationRecord&)>;

  [[nodiscard]] static std::shared_ptr<FaultyDirectory> make(std::shared_ptr<Directory> inner);

  /// Plants a fault; the first one planted that matches decides.
  void fail(Fault fault);
  /// Asked where no planted fault matches. An empty one removes it.
  void set_hook(Hook hook);
  /// Removes planted faults and the hook: the disk is mended, the space freed.
  void mend();

  /// How many operations of that kind were asked for.
  [[nodiscard]] std::uint64_t count(Operation operation) const;
  /// Everything that was asked for, in order.
  [[nodiscard]] std::vector<OperationRecord> log() const;
  /// The log without what only reads: kOpen, kKind, kList, kRead, kSize, kLinks, kDropCachedPages, kClose
  /// and kLock are left out. For tests of the order of syncs: `{"create a", "write a", "sync_data a"}`.
  [[nodiscard]] std::vector<std::string> changes() const;
  void clear_log();

  Result<std::unique_ptr<File>> do_open(std::string_view path, OpenMode mode) override;
  Result<EntryKind> do_kind(std::string_view path) override;
  Result<bool> do_make_directory(std::string_view path) override;
  Status do_remove_file(std::string_view path) override;
  Status do_remove_empty_directory(std::string_view path) override;
  Status do_rename(std::string_view from, std::string_view to) override;
  Result<std::vector<std::string>> do_list(std::string_view path) override;
  Status do_sync_directory(std::string_view path) override;
  Result<std::unique_ptr<DirectoryLock>> do_lock(std::string_view path) override;
  [[nodiscard]] std::uint64_t do_random() override;
  [[nodiscard]] Capabilities capabilities() const noexcept override;
  [[nodiscard]] std::uint64_t identity() const noexcept override;
  [[nodiscard]] std::optional<std::string> file_path(std::string_view path) const override;

  class Switchboard;  // faults and log, which handles share with their directory
  /// For make().
  FaultyDirectory(std::shared_ptr<Directory> inner, std::shared_ptr<Switchboard> switchboard);

 private:
  const std::shared_ptr<Directory> inner_;
  const std::shared_ptr<Switchboard> switchboard_;
};

}  // namespace durability::testing
