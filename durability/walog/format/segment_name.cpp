#include "durability/walog/format/segment_name.hpp"

#include <fmt/format.h>

#include <charconv>

#include "durability/storage/log_names.hpp"

namespace durability::walog {

static_assert(kWalDirectory == internal::kLogDirectory);
namespace {

constexpr std::string_view kPrefix = "wal_";
constexpr std::string_view kSuffix = ".log";

}  // namespace

std::string segment_name(SegmentId id) { return fmt::format("{}{}{}", kPrefix, id, kSuffix); }

std::string segment_path(SegmentId id) { return fmt::format("{}/{}", kWalDirectory, segment_name(id)); }

std::optional<SegmentId> parse_segment_name(std::string_view name) noexcept {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return std::nullopt;
  if (name.size() <= kPrefix.size() + kSuffix.size()) return std::nullopt;
  const auto digits = name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size());
  if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), id);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return SegmentId(id);
}

}  // namespace durability::walog
