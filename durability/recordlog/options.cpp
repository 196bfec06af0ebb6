#include "durability/recordlog/options.hpp"

namespace durability {
namespace {

constexpr std::size_t kMaxBufferBytes = std::size_t{1} << 30U;

Error refuse(std::string_view option, std::uint64_t value, std::string_view rule) {
  return Error(ErrorCode::kInvalidConfig, fmt::format("RecordLogOptions::{} is {}: {}", option, value, rule))
      .advise("nothing was opened or changed");
}

}  // namespace

Status RecordLogOptions::validate() const {
  if (format != RecordLogFormat::kV1 && format != RecordLogFormat::kV2) {
    return refuse("format", static_cast<std::uint64_t>(format), "use 1 or 2");
  }
  if (buffer_bytes == 0 || buffer_bytes > kMaxBufferBytes) {
    return refuse("buffer_bytes", buffer_bytes, "use 1 byte to 1 GiB");
  }
  return flush.validate();
}

}  // namespace durability
