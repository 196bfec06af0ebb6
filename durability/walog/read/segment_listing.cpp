#include "durability/walog/read/segment_listing.hpp"

#include <algorithm>

#include "durability/walog/format/segment_name.hpp"
#include "durability/walog/read/header_check.hpp"

namespace durability::walog {
namespace {

std::optional<SegmentGap> find_gap(const std::vector<SegmentId>& ids) {
  const auto gap = std::ranges::adjacent_find(
      ids, [](SegmentId left, SegmentId right) { return left.value() + 1 != right.value(); });
  if (gap == ids.end()) return std::nullopt;
  return SegmentGap{.missing = SegmentId(gap->value() + 1), .next = *(gap + 1)};
}

struct Front {
  std::optional<WalFormat> format;
  bool zeros = false;  ///< to the end
};

Result<Front> front_of(Directory& directory, SegmentId id, std::size_t buffer_bytes) {
  DURABILITY_TRY_ASSIGN(auto window, open_segment(directory, id, buffer_bytes));
  HeaderBytes front{};
  DURABILITY_TRY_ASSIGN(const ByteView bytes, window.look(0, front));
  Front seen{.format = stated_format(bytes)};
  if (!all_zeros(bytes)) return seen;  // nearly always, and no buffer is filled
  DURABILITY_TRY_ASSIGN(seen.zeros, window.zeros_from(0));
  return seen;
}

}  // namespace

Result<std::vector<SegmentId>> list_segments(Directory& directory) {
  DURABILITY_TRY_ASSIGN(const auto names, directory.list(kWalDirectory));
  std::vector<SegmentId> ids;
  for (const auto& name : names) {
    const auto id = parse_segment_name(name);
    if (!id) continue;
    if (id->value() == 0) {
      return Error(ErrorCode::kFormat, "a segment numbered 0; the first one is 1")
          .in_file(segment_path(*id))
          .advise("nothing was changed; no writer makes this file, move it away");
    }
    ids.push_back(*id);
  }
  std::ranges::sort(ids);  // names sort wal_10 before wal_9
  return ids;
}

Result<FileWindow> open_segment(Directory& directory, SegmentId id, std::size_t buffer_bytes) {
  DURABILITY_TRY_ASSIGN(auto file, directory.open(segment_path(id)));
  DURABILITY_TRY_ASSIGN(const std::uint64_t size, file->size());
  return FileWindow(std::move(file), size, buffer_bytes);
}

Result<SegmentListing> list_log(Directory& directory, std::size_t buffer_bytes) {
  SegmentListing listing;
  DURABILITY_TRY_ASSIGN(listing.segments, list_segments(directory));
  listing.gap = find_gap(listing.segments);
  // One too many is enough to know.
  while (!listing.segments.empty() && listing.spares.size() <= kMaxSpares) {
    const SegmentId id = listing.segments.back();
    const auto front = front_of(directory, id, buffer_bytes);
    if (!front && front.error().code() == ErrorCode::kNotFound) return front.error();
    if (!front) {
      listing.failure = front.error();
      break;
    }
    if (!front->zeros) {
      const bool knows_spares = front->format.value_or(WalFormat::kV4) == WalFormat::kV4;
      if (!knows_spares && listing.spares.size() == 1) {
        listing.segments.push_back(listing.spares.front());
        listing.spares.clear();
      }
      break;
    }
    listing.spares.insert(listing.spares.begin(), id);
    listing.segments.pop_back();
  }
  return listing;
}

}  // namespace durability::walog
