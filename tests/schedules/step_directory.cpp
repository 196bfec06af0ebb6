#include "step_directory.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace durability::schedules {
namespace {

class StepFile final : public File {
 public:
  StepFile(std::unique_ptr<File> inner, std::string path, std::shared_ptr<StepDisk> disk)
      : inner_(std::move(inner)), path_(std::move(path)), disk_(std::move(disk)) {}

  using File::write_at;
  Status write_at(std::uint64_t offset, std::span<const ByteView> pieces) override {
    return inner_->write_at(offset, pieces);
  }
  Status append(ByteView bytes) override { return inner_->append(bytes); }
  Result<std::size_t> read_at(std::uint64_t offset, MutableByteView into) override {
    disk_->reach("read");
    return inner_->read_at(offset, into);
  }
  Status sync_data() override {
    disk_->reach("sync_data");
    ++syncing_;
    std::string held(inner_->size().value(), '\0');
    DURABILITY_TRY(inner_->read_at(0, as_writable_bytes(held)));
    disk_->reach("sync_data ends");
    --syncing_;
    const bool fails = !disk_->failing.empty() && held.find(disk_->failing) != std::string::npos;
    if (fails) ++disk_->failed;
    if (fails) return Error::from_errno(EIO, "sync the file").in_file(path_);
    disk_->synced.push_back(std::move(held));
    return {};
  }
  Result<std::uint64_t> size() override { return inner_->size(); }
  Result<std::uint64_t> links() override { return inner_->links(); }
  Status truncate(std::uint64_t size) override {
    testing::require(syncing_ == 0, "a file is truncated while it is synced");
    return inner_->truncate(size);
  }
  Status preallocate(std::uint64_t offset, std::uint64_t length) override {
    return inner_->preallocate(offset, length);
  }
  Status drop_cached_pages() override { return inner_->drop_cached_pages(); }
  Status close() override {
    testing::require(syncing_ == 0, "a file is closed while it is synced");
    return inner_->close();
  }

 private:
  static MutableByteView as_writable_bytes(std::string& text) {
    return std::as_writable_bytes(std::span(text.data(), text.size()));
  }

  std::unique_ptr<File> inner_;
  const std::string path_;
  const std::shared_ptr<StepDisk> disk_;
  int syncing_ = 0;
};

}  // namespace

bool StepDirectory::has_synced(std::string_view text) const {
  return std::ranges::any_of(disk_->synced,
                             [&](const std::string& held) { return held.find(text) != std::string::npos; });
}

Result<std::unique_ptr<File>> StepDirectory::do_open(std::string_view path, OpenMode mode) {
  DURABILITY_TRY_ASSIGN(auto inner, inner_->do_open(path, mode));
  return std::make_unique<StepFile>(std::move(inner), std::string(path), disk_);
}

Status StepDirectory::do_remove_file(std::string_view path) {
  disk_->reach("remove");
  return inner_->do_remove_file(path);
}

Status StepDirectory::do_rename(std::string_view from, std::string_view to) {
  disk_->reach("rename");
  return inner_->do_rename(from, to);
}

Status StepDirectory::do_sync_directory(std::string_view /*path*/) {
  disk_->reach("sync_directory");
  disk_->reach("sync_directory ends");
  return {};
}

}  // namespace durability::schedules
