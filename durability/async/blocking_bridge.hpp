#pragma once

// Any Directory as an AsyncDirectory, on the threads of a pool.

#include <memory>

#include "durability/async/async_directory.hpp"
#include "durability/async/blocking_pool.hpp"

namespace durability {

/// Runs each operation of a Directory as one task of a BlockingPool; see there for what happens where the
/// pool is busy, and to what is cancelled. Every file operation happens on a thread of the pool. Thread-safe.
/// Destroying the last owner of the pool closes it, and so waits for what runs. Operations do not own the
/// bridge, but what they work on: destroying the bridge, or the execution context on which they are awaited,
/// harms none of them.
class BlockingBridge final : public AsyncDirectory {
 public:
  /// With a pool of its own. `invalid_config`: no directory; `invalid_config`, `io`: those of
  /// BlockingPool::make.
  static Result<std::shared_ptr<BlockingBridge>> make(std::shared_ptr<Directory> directory,
                                                      const BlockingPoolOptions& options = {});
  /// With a pool that others use too. Without a directory or a pool, every operation is `invalid_config`.
  BlockingBridge(std::shared_ptr<Directory> directory, std::shared_ptr<BlockingPool> pool) noexcept
      : inner_(std::move(directory)), pool_(std::move(pool)) {}

  [[nodiscard]] const std::shared_ptr<Directory>& inner() const noexcept { return inner_; }
  [[nodiscard]] const std::shared_ptr<BlockingPool>& pool() const noexcept { return pool_; }

  /// For what of this module runs there: `invalid_config` without a directory or a pool; the pool's queue.
  [[nodiscard]] Status usable() const;
  [[nodiscard]] std::shared_ptr<async::TaskQueue> tasks() const;

  Operation<void> write_file(std::string path, Bytes contents) override;
  Operation<Bytes> read_file(std::string path, std::uint64_t limit) override;
  Operation<Bytes> read_range(std::string path, std::uint64_t offset, std::uint64_t length) override;
  Operation<void> append(std::string path, Bytes contents) override;
  Operation<bool> exists(std::string path) override;
  Operation<void> remove(std::string path) override;
  Operation<void> rename(std::string from, std::string to) override;
  Operation<void> atomic_write(std::string path, Bytes contents) override;
  Operation<void> create_directories(std::string path) override;
  Operation<std::vector<std::string>> list(std::string path) override;
  Operation<void> write_durable(std::string path, Bytes contents) override;
  Operation<void> append_durable(std::string path, Bytes contents) override;
  Operation<void> remove_durable(std::string path) override;
  Operation<void> rename_durable(std::string from, std::string to) override;
  Operation<void> sync_directory(std::string path) override;
  [[nodiscard]] Capabilities capabilities() const noexcept override {
    return inner_ ? inner_->capabilities() : Capabilities{};
  }
  [[nodiscard]] std::optional<std::string> file_path(std::string_view path) const override {
    return inner_ ? inner_->file_path(path) : std::nullopt;
  }

 private:
  template <class Work>
  auto on_pool(std::string_view what, Work work);

  std::shared_ptr<Directory> inner_;
  std::shared_ptr<BlockingPool> pool_;
};

}  // namespace durability
