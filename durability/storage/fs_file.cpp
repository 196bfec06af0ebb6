#include "durability/storage/fs_file.hpp"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>
#include <new>

#include "durability/storage/identity.hpp"
#include "durability/storage/storage_errors.hpp"

namespace durability::internal {
namespace {

constexpr std::size_t kBatch = 64;  // pieces for one system call; IOV_MAX is 1024
constexpr std::size_t kZeros = std::size_t{64} * 1024;

/// Walks over pieces as the system takes them, a part at a time.
class Remaining {
 public:
  explicit Remaining(std::span<const ByteView> pieces) : pieces_(pieces) { skip_empty(); }

  [[nodiscard]] bool done() const { return pieces_.empty(); }

  /// Describes what comes next; returns how many of `batch` are filled.
  [[nodiscard]] int describe(std::span<iovec, kBatch> batch) const {
    const std::size_t count = std::min(pieces_.size(), kBatch);
    for (std::size_t i = 0; i < count; ++i) {
      // writev does not change what it writes; its argument is not const because readv shares the type.
      batch[i] = {.iov_base = const_cast<std::byte*>(pieces_[i].data()), .iov_len = pieces_[i].size()};
    }
    batch[0].iov_base = const_cast<std::byte*>(pieces_[0].data() + written_of_first_);
    batch[0].iov_len -= written_of_first_;
    return static_cast<int>(count);
  }

  void advance(std::size_t written) {
    written_of_first_ += written;
    skip_empty();
  }

 private:
  void skip_empty() {
    while (!pieces_.empty() && written_of_first_ >= pieces_[0].size()) {
      written_of_first_ -= pieces_[0].size();
      pieces_ = pieces_.subspan(1);
    }
  }

  std::span<const ByteView> pieces_;
  std::size_t written_of_first_ = 0;
};

/// Appends to one file take turns, whatever handles they go through: each looks where the file ends, and
/// writes there. Files share a mutex now and then.
constinit std::array<std::mutex, 64> appending;

std::mutex& mutex_of_appends(std::uint64_t inode) { return appending[inode % appending.size()]; }

/// Whoever was appending when a child was made is not there in the child, and would never be done.
extern "C" void forget_who_appends() {
  for (std::mutex& mutex : appending) new (&mutex) std::mutex;
}

[[maybe_unused]] const int registered = ::pthread_atfork(nullptr, nullptr, forget_who_appends);

}  // namespace

Status FsFile::write_at(std::uint64_t offset, std::span<const ByteView> pieces) {
  std::uint64_t length = 0;
  for (const ByteView piece : pieces) length += piece.size();
  DURABILITY_TRY(check_range(offset, length));
  return write_pieces(offset, pieces, {.verb = "write", .bytes = length});
}

Status FsFile::write_pieces(std::uint64_t offset, std::span<const ByteView> pieces, const Wanted& wanted) {
  std::array<iovec, kBatch> batch;
  for (Remaining remaining(pieces); !remaining.done();) {
    const int count = remaining.describe(batch);
    const ssize_t written = retry_interrupted(
        [&] { return calls_->pwritev(fd_.get(), batch.data(), count, static_cast<off_t>(offset)); });
    if (written == 0) errno = EIO;  // no progress and no reason given: never loop on it
    if (written <= 0) return error(wanted).at_offset(offset);
    remaining.advance(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return {};
}

Status FsFile::append(ByteView bytes) {
  const std::lock_guard lock(mutex_of_appends(inode_));
  DURABILITY_TRY_ASSIGN(const std::uint64_t end, size());
  return write_at(end, bytes);
}

Result<std::size_t> FsFile::read_at(std::uint64_t offset, MutableByteView into) {
  DURABILITY_TRY(check_range(offset, into.size()));
  std::size_t length = 0;
  while (length < into.size()) {
    const MutableByteView rest = into.subspan(length);
    const ssize_t read = retry_interrupted([&] {
      return calls_->pread(fd_.get(), rest.data(), rest.size(), static_cast<off_t>(offset + length));
    });
    if (read < 0) return error({.verb = "read"}).at_offset(offset + length);
    if (read == 0) break;
    length += static_cast<std::size_t>(read);
  }
  return length;
}

Status FsFile::sync_data() {
  DURABILITY_TRY(check_open());
  // One at a time: the system reports a failure to one of two that sync side by side, and where the first of
  // them takes the truncation upon itself the second would not wait for it.
  const LockGuard lock(syncing_);
  if (sync_failure_ != 0) return sync_error("an earlier sync failed");
  // fdatasync may leave out a size that shrank: nothing that is left needs it to be read.
  const auto sync = truncated_.exchange(false) ? calls_->sync_all : calls_->sync_data;
  if (sync(fd_.get()) == 0) return {};
  sync_failure_ = errno;  // before the error, which takes memory
  return sync_error("sync");
}

Error FsFile::sync_error(std::string_view what) const {
  return system_error(sync_failure_, what, path_)
      .advise(
          "nothing written since the last sync is known to be on the device; do not sync again, close the "
          "file and recover from what was durable");
}

Result<std::uint64_t> FsFile::size() {
  DURABILITY_TRY_ASSIGN(const FileStatus found, status());
  return static_cast<std::uint64_t>(found.st_size);
}

Result<std::uint64_t> FsFile::links() {
  DURABILITY_TRY(check_open());
  DURABILITY_TRY_ASSIGN(const auto named, root_->named(path_));
  if (!named || identity_of(named->st_dev, named->st_ino) != inode_) return 0;
  return static_cast<std::uint64_t>(named->st_nlink);
}

Result<FileStatus> FsFile::status() const {
  DURABILITY_TRY(check_open());
  FileStatus status{};
  if (::fstat(fd_.get(), &status) != 0) return error({.verb = "look at the file"});
  return status;
}

Status FsFile::truncate(std::uint64_t size) {
  DURABILITY_TRY(check_range(size, 0));
  const int done = retry_interrupted([&] { return calls_->ftruncate(fd_.get(), static_cast<off_t>(size)); });
  // Once it is done, not before: a sync that begins in between would take the mark, and not the truncation.
  truncated_ = true;
  return done == 0 ? Status() : Status(error({.verb = "truncate"}).at_offset(size));
}

Status FsFile::preallocate(std::uint64_t offset, std::uint64_t length) {
  DURABILITY_TRY(check_range(offset, length));
  const Wanted wanted{.verb = "write zeros,", .bytes = length};
  static constexpr std::array<std::byte, kZeros> kZeroes{};
  while (length > 0) {
    std::array<ByteView, 16> pieces;  // of one and the same zeros: a megabyte for each call
    std::size_t count = 0;
    for (; count < pieces.size() && length > 0; ++count) {
      pieces[count] = ByteView(kZeroes).first(std::min<std::uint64_t>(length, kZeros));
      length -= pieces[count].size();
    }
    DURABILITY_TRY(write_pieces(offset, std::span(pieces).first(count), wanted));
    offset += count * kZeros;
  }
  return {};
}

Status FsFile::reserve(std::uint64_t offset, std::uint64_t length) {
  DURABILITY_TRY(check_range(offset, length));
  if (length == 0) return {};
  const int reserved = retry_interrupted(
      [&] { return calls_->fallocate(fd_.get(), static_cast<off_t>(offset), static_cast<off_t>(length)); });
  if (reserved == 0) return {};
  // What file systems say that cannot do it, with this file or at all. Where it is the file that is refused,
  // the zeros are too.
  switch (errno) {
    case EOPNOTSUPP:
    case ENOSYS:
    case EINVAL:
    case EPERM:
    case EFBIG: return preallocate(offset, length);
    default: return error({.verb = "set space aside,", .bytes = length}).at_offset(offset);
  }
}

Status FsFile::drop_cached_pages() {
  DURABILITY_TRY(check_open());
#if defined(POSIX_FADV_DONTNEED)
  static_cast<void>(::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_DONTNEED));
#endif
  return {};
}

void FsFile::start_write_back(std::uint64_t offset, std::uint64_t length) noexcept {
  // What cannot be written stays an error of the file: the next sync reports it.
  calls_->start_write_back(fd_.get(), static_cast<off_t>(offset), static_cast<off_t>(length));
}

Status FsFile::close() {
  const int fd = fd_.release();
  if (fd < 0 || calls_->close(fd) == 0) return {};
  // Whatever it says, the descriptor is gone; to call again could close somebody else's.
  return error({.verb = "close"})
      .advise("what was not synced may be lost; do not trust it without reading it back");
}

Status FsFile::check_open() const {
  if (fd_.get() < 0) return closed_error(path_);
  return {};
}

Status FsFile::check_range(std::uint64_t offset, std::uint64_t length) const {
  DURABILITY_TRY(check_open());
  return internal::check_range(path_, offset, length);
}

Error FsFile::error(const Wanted& wanted) const {
  const int reason = errno;
  if (wanted.bytes == 0) return system_error(reason, wanted.verb, path_);
  return system_error(reason, fmt::format("{} {} bytes", wanted.verb, wanted.bytes), path_);
}

}  // namespace durability::internal
