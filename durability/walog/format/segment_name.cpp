#include "durability/walog/format/segment_name.hpp"

#include <algorithm>
#include <charconv>

#include "durability/storage/log_names.hpp"
#include "durability/storage/temporaries.hpp"

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

Status remove_temporaries(Directory& directory) {
  return remove_temporaries_of(directory, kWalDirectory, [](std::string_view target) {
    return parse_segment_name(target).has_value();
  });
}

}  // namespace durability::walog
