// The handles of a CrashDirectory.

#include <algorithm>
#include <cerrno>
#include <utility>

#include "durability/storage/storage_errors.hpp"
#include "durability/testing/crash_world.hpp"

namespace durability::testing {
namespace {

class CrashFile final : public File {
 public:
  CrashFile(std::shared_ptr<CrashDirectory::World> world, InodeId inode, std::string_view path, OpenMode mode)
      : world_(std::move(world)), inode_(inode), path_(path), writable_(mode != OpenMode::kRead) {}

  using File::write_at;
  Status write_at(std::uint64_t offset, std::span<const ByteView> pieces) override {
    Bytes bytes;
    for (const ByteView piece : pieces) bytes.insert(bytes.end(), piece.begin(), piece.end());
    const std::scoped_lock guard(world_->mutex);
    return write(offset, bytes);
  }

  Status append(ByteView bytes) override {
    const std::scoped_lock guard(world_->mutex);
    return write(contents().size(), bytes);
  }

  Result<std::size_t> read_at(std::uint64_t offset, MutableByteView into) override {
    const std::scoped_lock guard(world_->mutex);
    DURABILITY_TRY(check_open());
    DURABILITY_TRY(internal::check_range(path_, offset, into.size()));
    const Bytes& bytes = contents();
    if (offset >= bytes.size()) return std::size_t{0};
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), bytes.size() - offset));
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), count, into.begin());
    return count;
  }

  Status sync_data() override {
    const std::scoped_lock guard(world_->mutex);
    DURABILITY_TRY(check_open());
    return world_->perform_sync(path_, world_->file_sync_failure, [&](std::optional<SyncFailure> failure) {
      failure ? world_->disk.fail_sync(inode_, *failure) : world_->disk.sync(inode_);
    });
  }

  Result<std::uint64_t> size() override {
    const std::scoped_lock guard(world_->mutex);
    DURABILITY_TRY(check_open());
    return contents().size();
  }

  Result<std::uint64_t> links() override {
    const std::scoped_lock guard(world_->mutex);
    DURABILITY_TRY(check_open());
    return world_->disk.names().leads_to(path_, inode_) ? 1 : 0;
  }

  Status truncate(std::uint64_t size) override {
    const std::scoped_lock guard(world_->mutex);
    DURABILITY_TRY(check_growth(size, 0));
    if (size == contents().size()) return {};
    return world_->perform(path_, [&] { world_->disk.truncate(inode_, size); });
  }

  Status preallocate(std::uint64_t offset, std::uint64_t length) override {
    const std::scoped_lock guard(world_->mutex);
    DURABILITY_TRY(check_growth(offset, length));
    return write(offset, Bytes(length));
  }

  Status drop_cached_pages() override {
    const std::scoped_lock guard(world_->mutex);
    DURABILITY_TRY(check_open());
    if (world_->options.drops_cached_pages) world_->disk.drop_clean_pages(inode_);
    return {};
  }

  void now_called(std::string path) noexcept override { path_ = std::move(path); }

  Status close() override {
    const std::scoped_lock guard(world_->mutex);
    closed_ = true;
    return world_->check_alive(path_);
  }

 private:
  [[nodiscard]] const Bytes& contents() const { return world_->disk.file(inode_).cached(); }

  [[nodiscard]] Status check_open() const {
    if (closed_) return internal::closed_error(path_);
    return world_->check_alive(path_);
  }

  /// Whether the handle may write up to offset + length.
  [[nodiscard]] Status check_growth(std::uint64_t offset, std::uint64_t length) const {
    DURABILITY_TRY(check_open());
    DURABILITY_TRY(internal::check_range(path_, offset, length));
    if (!writable_) return Error::from_errno(EBADF, "write through a handle for reading").in_file(path_);
    if (offset + length <= world_->options.max_file_bytes) return {};
    return Error::from_errno(EFBIG, "write").in_file(path_).at_offset(offset).advise("nothing was written");
  }

  Status write(std::uint64_t offset, ByteView bytes) {
    DURABILITY_TRY(check_growth(offset, bytes.size()));
    if (bytes.empty()) return {};
    return world_->perform(path_, [&] { world_->disk.write(inode_, offset, bytes); });
  }

  const std::shared_ptr<CrashDirectory::World> world_;
  const InodeId inode_;
  std::string path_;
  const bool writable_;
  bool closed_ = false;
};

}  // namespace

std::unique_ptr<File> make_crash_file(std::shared_ptr<CrashDirectory::World> world, InodeId inode,
                                      std::string_view path, OpenMode mode) {
  return std::make_unique<CrashFile>(std::move(world), inode, path, mode);
}

}  // namespace durability::testing
