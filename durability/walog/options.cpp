#include "durability/walog/options.hpp"

#include "durability/walog/format/v4.hpp"

namespace durability {
namespace {

constexpr std::uint64_t kMinSegmentBytes =
    walog::v4::kHeaderBytes + walog::v4::kFrameHeadBytes + walog::v4::kSealBytes;
constexpr std::uint64_t kMaxSegmentBytes = std::uint64_t{1} << 40U;
constexpr std::size_t kMaxRecycled = 1024;
constexpr std::size_t kMaxInFlight = std::size_t{1} << 24U;
constexpr std::size_t kMaxBufferBytes = std::size_t{1} << 30U;

Error refuse(std::string_view option, std::uint64_t value, std::string_view rule) {
  return Error(ErrorCode::kInvalidConfig, fmt::format("WalOptions::{} is {}: {}", option, value, rule))
      .advise("nothing was opened or changed");
}

}  // namespace

Status WalOptions::validate() const {
  if (format && *format != WalFormat::kV2 && *format != WalFormat::kV3 && *format != WalFormat::kV4) {
    return refuse("format", static_cast<std::uint64_t>(*format), "use 2, 3 or 4");
  }
  if (recycle_segments > kMaxRecycled) return refuse("recycle_segments", recycle_segments, "use 0 to 1024");
  if (segment_bytes < kMinSegmentBytes || segment_bytes > kMaxSegmentBytes) {
    return refuse("segment_bytes", segment_bytes, "use 128 bytes to 1 TiB");
  }
  if (segment_max_age < std::chrono::milliseconds::zero()) {
    return Error(ErrorCode::kInvalidConfig, "WalOptions::segment_max_age is negative")
        .advise("nothing was opened or changed; use zero for no limit");
  }
  if (buffer_bytes == 0 || buffer_bytes > kMaxBufferBytes) {
    return refuse("buffer_bytes", buffer_bytes, "use 1 byte to 1 GiB");
  }
  if (preallocation() > segment_bytes) {
    return refuse("preallocate_bytes", preallocation(), "a segment cannot be preallocated past its size");
  }
  if (max_in_flight == 0 || max_in_flight > kMaxInFlight) {
    return refuse("max_in_flight", max_in_flight, "use 1 to 16777216");
  }
  if (first_entry_id.value() == 0) return refuse("first_entry_id", 0, "entries begin at 1");
  return flush.validate();
}

Status WalOptions::fill_in_defaults() {
  if (!clock) clock = Clock::system();
  if (!random) random = Random::system();
  if (!worker) {
    DURABILITY_TRY_ASSIGN(worker, Worker::thread());
  }
  return {};
}

}  // namespace durability
