#pragma once

// A place where files live, for programs that must not block: the operations of Directory
// (durability/storage/directory.hpp) as coroutines of Boost.Asio.
//
// What is asynchronous by nature (an object store, a file system on the network) implements this interface;
// any Directory gets it through BlockingBridge. An operation takes what it needs by value, so that nothing
// that the caller holds has to outlive the wait. It begins when it is awaited.
//
// Cancellation, all of Asio's kinds alike: the waiter hears of it at once (`cancelled`), whatever the storage
// is doing. An operation that had begun may still be carried out, whole, in part, or later.

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "durability/base/bytes.hpp"
#include "durability/base/result.hpp"
#include "durability/storage/directory.hpp"

namespace durability {

/// What each operation guarantees after a process crash and after a power loss is what the one of the same
/// name of Directory does; so are errors and the rules for paths. Durable ones: `not_supported` without
/// stable storage, and nothing changed. Thread-safe. Operations that are awaited side by side run in any
/// order.
class AsyncDirectory {
 public:
  template <class T>
  using Operation = boost::asio::awaitable<Result<T>>;

  virtual ~AsyncDirectory() = default;
  AsyncDirectory() = default;
  AsyncDirectory(const AsyncDirectory&) = delete;
  AsyncDirectory& operator=(const AsyncDirectory&) = delete;

  /// Makes the file, or replaces what it holds. Not in one step: a crash may leave any part (atomic_write
  /// does not).
  virtual Operation<void> write_file(std::string path, Bytes contents) = 0;
  /// The whole file; `invalid_state` where it is longer than `limit`, before anything is allocated.
  virtual Operation<Bytes> read_file(std::string path, std::uint64_t limit) = 0;
  /// `length` bytes from `offset` on; fewer only where the file ends, and no more memory than it has.
  virtual Operation<Bytes> read_range(std::string path, std::uint64_t offset, std::uint64_t length) = 0;
  /// Writes after the file's last byte; makes it if it is missing.
  virtual Operation<void> append(std::string path, Bytes contents) = 0;
  virtual Operation<bool> exists(std::string path) = 0;
  virtual Operation<void> remove(std::string path) = 0;
  virtual Operation<void> rename(std::string from, std::string to) = 0;
  virtual Operation<void> atomic_write(std::string path, Bytes contents) = 0;
  virtual Operation<void> create_directories(std::string path) = 0;
  virtual Operation<std::vector<std::string>> list(std::string path) = 0;

  // These survive a power loss once they have completed without an error.

  /// atomic_write.
  virtual Operation<void> write_durable(std::string path, Bytes contents) = 0;
  /// append, the file's bytes and its name. After an error any part may be there; do not repeat it blindly.
  virtual Operation<void> append_durable(std::string path, Bytes contents) = 0;
  virtual Operation<void> remove_durable(std::string path) = 0;
  virtual Operation<void> rename_durable(std::string from, std::string to) = 0;
  /// The names in the directory; `""` is the root.
  virtual Operation<void> sync_directory(std::string path) = 0;

  [[nodiscard]] virtual Capabilities capabilities() const noexcept = 0;
  /// Where the file is on this machine, for people and logs.
  [[nodiscard]] virtual std::optional<std::string> file_path(std::string_view path) const = 0;
};

}  // namespace durability
