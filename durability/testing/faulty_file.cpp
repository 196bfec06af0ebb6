// The handles of a FaultyDirectory.

#include <algorithm>
#include <utility>

#include "durability/testing/fault_switchboard.hpp"

namespace durability::testing {
namespace {

class FaultyFile final : public File {
 public:
  FaultyFile(std::unique_ptr<File> inner, std::shared_ptr<FaultyDirectory::Switchboard> switchboard,
             std::string_view path)
      : inner_(std::move(inner)), switchboard_(std::move(switchboard)), path_(path) {}

  using File::write_at;
  Status write_at(std::uint64_t offset, std::span<const ByteView> pieces) override {
    const auto injection = switchboard_->ask(Operation::kWrite, path_);
    if (!injection) return inner_->write_at(offset, pieces);
    std::vector<ByteView> first;
    std::size_t left = injection->short_write;
    for (const ByteView piece : pieces) {
      first.push_back(piece.first(std::min(left, piece.size())));
      left -= first.back().size();
    }
    if (injection->short_write > 0) DURABILITY_TRY(inner_->write_at(offset, first));
    return FaultyDirectory::Switchboard::error(*injection, Operation::kWrite, path_).at_offset(offset);
  }

  Status append(ByteView bytes) override {
    const auto injection = switchboard_->ask(Operation::kAppend, path_);
    if (!injection) return inner_->append(bytes);
    const auto first = bytes.first(std::min(injection->short_write, bytes.size()));
    if (!first.empty()) DURABILITY_TRY(inner_->append(first));
    return FaultyDirectory::Switchboard::error(*injection, Operation::kAppend, path_);
  }

  Result<std::size_t> read_at(std::uint64_t offset, MutableByteView into) override {
    DURABILITY_TRY(switchboard_->check(Operation::kRead, path_));
    return inner_->read_at(offset, into);
  }
  Status sync_data() override {
    DURABILITY_TRY(switchboard_->check(Operation::kSyncData, path_));
    return inner_->sync_data();
  }
  void now_called(std::string path) noexcept override { inner_->now_called(std::move(path)); }

  Result<std::uint64_t> size() override {
    DURABILITY_TRY(switchboard_->check(Operation::kSize, path_));
    return inner_->size();
  }
  Result<std::uint64_t> links() override {
    DURABILITY_TRY(switchboard_->check(Operation::kLinks, path_));
    return inner_->links();
  }
  Status truncate(std::uint64_t size) override {
    DURABILITY_TRY(switchboard_->check(Operation::kTruncate, path_));
    return inner_->truncate(size);
  }
  Status preallocate(std::uint64_t offset, std::uint64_t length) override {
    DURABILITY_TRY(switchboard_->check(Operation::kPreallocate, path_));
    return inner_->preallocate(offset, length);
  }
  Status reserve(std::uint64_t offset, std::uint64_t length) override {
    DURABILITY_TRY(switchboard_->check(Operation::kPreallocate, path_));
    return inner_->reserve(offset, length);
  }
  void start_write_back(std::uint64_t offset, std::uint64_t length) noexcept override {
    inner_->start_write_back(offset, length);
  }
  Status drop_cached_pages() override {
    DURABILITY_TRY(switchboard_->check(Operation::kDropCachedPages, path_));
    return inner_->drop_cached_pages();
  }
  // As close(2): an error is reported, and the file is closed all the same.
  Status close() override {
    const Status checked = switchboard_->check(Operation::kClose, path_);
    const Status closed = inner_->close();
    return checked ? closed : checked;
  }

 private:
  const std::unique_ptr<File> inner_;
  const std::shared_ptr<FaultyDirectory::Switchboard> switchboard_;
  const std::string path_;
};

}  // namespace

std::unique_ptr<File> make_faulty_file(std::unique_ptr<File> inner,
                                       std::shared_ptr<FaultyDirectory::Switchboard> switchboard,
                                       std::string_view path) {
  return std::make_unique<FaultyFile>(std::move(inner), std::move(switchboard), path);
}

}  // namespace durability::testing
