#include "durability/walog/read/finding_fingerprint.hpp"

#include <array>
#include <span>

#include "durability/base/crc32.hpp"
#include "durability/walog/format/segment_name.hpp"
#include "durability/walog/read/segment_listing.hpp"

namespace durability::walog {

Result<std::uint32_t> fingerprint_of_finding(Directory& directory, const Scan& scan,
                                             std::size_t buffer_bytes) {
  std::array<std::byte, 32> fixed{};
  store_le(fixed, 0, static_cast<std::uint64_t>(scan.finding));
  store_le(fixed, 8, scan.segment.value());
  store_le(fixed, 16, scan.offset);
  DURABILITY_TRY_ASSIGN(const auto ids, list_segments(directory));
  std::uint32_t sum = crc32(std::as_bytes(std::span(ids)));
  sum = crc32(std::as_bytes(std::span(scan.spares)), sum);
  if (scan.segment.value() == 0) return crc32(fixed, sum);
  auto window = open_segment(directory, scan.segment, buffer_bytes);
  if (!window) {
    if (window.error().code() == ErrorCode::kNotFound) return sum + 1;
    return std::move(window).error();
  }
  DURABILITY_TRY_ASSIGN(const ByteView header, window->view(0, v4::kHeaderBytes));
  sum = crc32(header, sum);
  DURABILITY_TRY_ASSIGN(const std::uint32_t rest, window->checksum_from(scan.offset));
  store_le(fixed, 24, (std::uint64_t{rest} << 32U) ^ window->size());
  return crc32(fixed, sum);
}

}  // namespace durability::walog
