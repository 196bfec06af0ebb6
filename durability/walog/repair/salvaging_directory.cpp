#include "durability/walog/repair/salvaging_directory.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace durability::walog {

class SalvagingDirectory::SalvagingFile final : public File {
 public:
  SalvagingFile(std::unique_ptr<File> inner, std::string path, SalvagingDirectory& directory)
      : inner_(std::move(inner)), path_(std::move(path)), directory_(directory) {}

  Result<std::size_t> read_at(std::uint64_t offset, MutableByteView into) override {
    auto whole = inner_->read_at(offset, into);
    if (whole || !is_unreadable(whole.error())) return whole;
    DURABILITY_TRY_ASSIGN(const std::uint64_t size, inner_->size());
    if (offset >= size) return std::size_t{0};
    into = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), size - offset)));
    for (std::size_t done = 0; done < into.size();) {
      const std::uint64_t at = offset + done;
      const std::uint64_t block = std::min<std::uint64_t>(kBlockBytes - at % kBlockBytes, into.size() - done);
      DURABILITY_TRY(read_block(at, into.subspan(done, static_cast<std::size_t>(block))));
      done += static_cast<std::size_t>(block);
    }
    return into.size();
  }

  using File::write_at;
  Status write_at(std::uint64_t offset, std::span<const ByteView> pieces) override {
    return inner_->write_at(offset, pieces);
  }
  Status append(ByteView bytes) override { return inner_->append(bytes); }
  Status sync_data() override { return inner_->sync_data(); }
  Result<std::uint64_t> size() override { return inner_->size(); }
  Result<std::uint64_t> links() override { return inner_->links(); }
  void now_called(std::string path) noexcept override { inner_->now_called(std::move(path)); }
  Status truncate(std::uint64_t size) override { return inner_->truncate(size); }
  Status preallocate(std::uint64_t offset, std::uint64_t length) override {
    return inner_->preallocate(offset, length);
  }
  Status reserve(std::uint64_t offset, std::uint64_t length) override {
    return inner_->reserve(offset, length);
  }
  Status drop_cached_pages() override { return inner_->drop_cached_pages(); }
  Status close() override { return inner_->close(); }

 private:
  Status read_block(std::uint64_t at, MutableByteView into) {
    auto got = inner_->read_at(at, into);
    if (!got && !is_unreadable(got.error())) return std::move(got).error();
    if (!got) directory_.add_hole(path_, at, into.size());
    const auto rest = into.subspan(got.value_or(0));
    std::ranges::fill(rest, std::byte{0});
    return {};
  }

  const std::unique_ptr<File> inner_;
  const std::string path_;
  SalvagingDirectory& directory_;
};

bool is_unreadable(const Error& error) noexcept {
  return error.code() == ErrorCode::kIo && error.os_error() == EIO;
}

Result<std::unique_ptr<File>> SalvagingDirectory::do_open(std::string_view path, OpenMode mode) {
  DURABILITY_TRY_ASSIGN(auto file, inner_.do_open(path, mode));
  return std::make_unique<SalvagingFile>(std::move(file), std::string(path), *this);
}

void SalvagingDirectory::add_hole(const std::string& path, std::uint64_t offset, std::uint64_t bytes) {
  const LockGuard lock(mutex_);
  std::uint64_t& end = holes_[path][offset];
  end = std::max(end, offset + bytes);
}

std::vector<SalvagingDirectory::Hole> SalvagingDirectory::holes(std::string_view path) const {
  const LockGuard lock(mutex_);
  std::vector<Hole> merged;
  const auto found = holes_.find(path);
  if (found == holes_.end()) return merged;
  for (const auto& [offset, end] : found->second) {
    if (merged.empty() || offset > merged.back().offset + merged.back().bytes) {
      merged.push_back({.offset = offset, .bytes = end - offset});
    } else {
      merged.back().bytes = std::max(end, merged.back().offset + merged.back().bytes) - merged.back().offset;
    }
  }
  return merged;
}

bool SalvagingDirectory::has_holes() const {
  const LockGuard lock(mutex_);
  return !holes_.empty();
}

}  // namespace durability::walog
