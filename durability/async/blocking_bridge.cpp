#include "durability/async/blocking_bridge.hpp"

#include <algorithm>
#include <boost/asio/system_executor.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "durability/storage/durable_directory.hpp"

namespace durability {
namespace {

Status write_whole(Directory& directory, const std::string& path, ByteView contents) {
  DURABILITY_TRY_ASSIGN(const auto file, directory.create(path));
  DURABILITY_TRY(file->write_at(0, contents));
  return file->close();
}

Result<Bytes> read_part(Directory& directory, const std::string& path, std::uint64_t offset,
                        std::uint64_t length) {
  DURABILITY_TRY_ASSIGN(const auto file, directory.open(path));
  DURABILITY_TRY_ASSIGN(const std::uint64_t size, file->size());
  if (offset >= size) return Bytes();
  Bytes part(std::min(length, size - offset));
  DURABILITY_TRY_ASSIGN(const std::size_t read, file->read_at(offset, part));
  part.resize(read);
  return part;
}

Status append_to(Directory& directory, const std::string& path, ByteView contents, bool durable) {
  if (durable && !directory.capabilities().stable_storage)
    return directory.sync_directory("");  // says why not
  DURABILITY_TRY_ASSIGN(const auto file, directory.open_append(path));
  DURABILITY_TRY(file->append(contents));
  if (durable) {
    DURABILITY_TRY(file->sync_data());
    DURABILITY_TRY(sync_parent_dir(directory, path));
  }
  return file->close();
}

}  // namespace

Result<std::shared_ptr<BlockingBridge>> BlockingBridge::make(std::shared_ptr<Directory> directory,
                                                             const BlockingPoolOptions& options) {
  DURABILITY_TRY(async::need(directory != nullptr, "directory", "give it what FsDirectory::open returned"));
  DURABILITY_TRY_ASSIGN(auto pool, BlockingPool::make(options));
  return std::make_shared<BlockingBridge>(std::move(directory), std::move(pool));
}

template <class Work>
auto BlockingBridge::on_pool(std::string_view what, Work work) {
  return async::run_task(
      tasks(), usable(), {boost::asio::system_executor()}, what,
      [inner = inner_, work = std::move(work)]() mutable { return work(*inner); },
      boost::asio::use_awaitable);
}

std::shared_ptr<async::TaskQueue> BlockingBridge::tasks() const { return pool_ ? pool_->tasks() : nullptr; }

Status BlockingBridge::usable() const {
  DURABILITY_TRY(async::need(inner_ != nullptr, "directory", "give the bridge one"));
  return async::need(pool_ != nullptr, "pool", "give the bridge what BlockingPool::make returned");
}

auto BlockingBridge::write_file(std::string path, Bytes contents) -> Operation<void> {
  return on_pool("write_file", [path = std::move(path), contents = std::move(contents)](Directory& inner) {
    return write_whole(inner, path, contents);
  });
}

auto BlockingBridge::read_file(std::string path, std::uint64_t limit) -> Operation<Bytes> {
  return on_pool("read_file",
                 [path = std::move(path), limit](Directory& inner) { return inner.read_file(path, limit); });
}

auto BlockingBridge::read_range(std::string path, std::uint64_t offset, std::uint64_t length)
    -> Operation<Bytes> {
  return on_pool("read_range", [path = std::move(path), offset, length](Directory& inner) {
    return read_part(inner, path, offset, length);
  });
}

auto BlockingBridge::append(std::string path, Bytes contents) -> Operation<void> {
  return on_pool("append", [path = std::move(path), contents = std::move(contents)](Directory& inner) {
    return append_to(inner, path, contents, false);
  });
}

auto BlockingBridge::exists(std::string path) -> Operation<bool> {
  return on_pool("exists", [path = std::move(path)](Directory& inner) { return inner.exists(path); });
}

auto BlockingBridge::remove(std::string path) -> Operation<void> {
  return on_pool("remove", [path = std::move(path)](Directory& inner) { return inner.remove(path); });
}

auto BlockingBridge::rename(std::string from, std::string to) -> Operation<void> {
  return on_pool("rename", [from = std::move(from), to = std::move(to)](Directory& inner) {
    return inner.rename(from, to);
  });
}

auto BlockingBridge::atomic_write(std::string path, Bytes contents) -> Operation<void> {
  return on_pool("atomic_write", [path = std::move(path), contents = std::move(contents)](Directory& inner) {
    return inner.atomic_write(path, contents);
  });
}

auto BlockingBridge::create_directories(std::string path) -> Operation<void> {
  return on_pool("create_directories",
                 [path = std::move(path)](Directory& inner) { return inner.create_directories(path); });
}

auto BlockingBridge::list(std::string path) -> Operation<std::vector<std::string>> {
  return on_pool("list", [path = std::move(path)](Directory& inner) { return inner.list(path); });
}

auto BlockingBridge::write_durable(std::string path, Bytes contents) -> Operation<void> {
  return on_pool("write_durable", [path = std::move(path), contents = std::move(contents)](Directory& inner) {
    return inner.write_durable(path, contents);
  });
}

auto BlockingBridge::append_durable(std::string path, Bytes contents) -> Operation<void> {
  return on_pool("append_durable", [path = std::move(path), contents = std::move(contents)](
                                       Directory& inner) { return append_to(inner, path, contents, true); });
}

auto BlockingBridge::remove_durable(std::string path) -> Operation<void> {
  return on_pool("remove_durable",
                 [path = std::move(path)](Directory& inner) { return inner.remove_durable(path); });
}

auto BlockingBridge::rename_durable(std::string from, std::string to) -> Operation<void> {
  return on_pool("rename_durable", [from = std::move(from), to = std::move(to)](Directory& inner) {
    return inner.rename_durable(from, to);
  });
}

auto BlockingBridge::sync_directory(std::string path) -> Operation<void> {
  return on_pool("sync_directory",
                 [path = std::move(path)](Directory& inner) { return inner.sync_directory(path); });
}

}  // namespace durability
