#include "durability/walog/write/leftovers.hpp"

#include "durability/storage/temporaries.hpp"
#include "durability/walog/format/segment_name.hpp"

namespace durability::walog {
namespace {

// Two that are not all zeros, and two spares after them: what is older was synced, in this very place,
// before the second of those was begun.
constexpr std::size_t kSegmentsToForget = 4;

}  // namespace

Status remove_temporaries(Directory& directory) {
  return remove_temporaries_of(directory, kWalDirectory, [](std::string_view target) {
    return parse_segment_name(target).has_value();
  });
}

Status sync_leftovers(Directory& directory, const std::vector<SegmentId>& ids) {
  for (std::size_t at = 0; at < ids.size(); ++at) {
    DURABILITY_TRY_ASSIGN(const auto file, directory.open(segment_path(ids[at]), OpenMode::kReadWrite));
    DURABILITY_TRY(file->sync_data());
    if (at + kSegmentsToForget >= ids.size()) DURABILITY_TRY(file->drop_cached_pages());
  }
  DURABILITY_TRY(directory.sync_directory(kWalDirectory));
  // The name `wal` itself: whoever made it may have been killed before its parent was synced.
  return directory.sync_directory("");
}

}  // namespace durability::walog
