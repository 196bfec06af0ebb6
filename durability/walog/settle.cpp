#include "durability/walog/settle.hpp"

#include "durability/storage/file_window.hpp"
#include "durability/walog/segment_name.hpp"

namespace durability::walog {
namespace {

constexpr int kSegmentsToSettle = 2;

}  // namespace

Status settle(Directory& directory, const std::vector<SegmentId>& ids) {
  int settled = 0;
  for (auto id = ids.rbegin(); id != ids.rend() && settled < kSegmentsToSettle; ++id) {
    DURABILITY_TRY_ASSIGN(const std::shared_ptr<File> file,
                          directory.open(segment_path(*id), OpenMode::kReadWrite));
    DURABILITY_TRY_ASSIGN(const std::uint64_t size, file->size());
    DURABILITY_TRY_ASSIGN(const bool zeros, FileWindow(file, size).zeros_from(0));
    if (!zeros) {
      DURABILITY_TRY(file->sync_data());
      ++settled;
    }
    DURABILITY_TRY(file->drop_cached_pages());
  }
  DURABILITY_TRY(directory.sync_directory(kWalDirectory));
  // The name `wal` itself: whoever made it may have been killed before its parent was synced.
  return directory.sync_directory("");
}

}  // namespace durability::walog
