#include "durability/storage/temporaries.hpp"

#include <string>
#include <vector>

namespace durability {
namespace {

constexpr std::size_t kTemporarySuffixBytes = std::string_view(".0123456789abcdef.tmp").size();

Status remove_if_file(Directory& directory, const std::string& path) {
  DURABILITY_TRY_ASSIGN(const EntryKind kind, directory.do_kind(path));
  if (kind != EntryKind::kFile) return {};
  Status removed = directory.do_remove_file(path);
  if (!removed && removed.error().code() == ErrorCode::kNotFound) return {};
  return removed;
}

}  // namespace

Status remove_temporaries_of(Directory& directory, std::string_view path,
                             const std::function<bool(std::string_view)>& is_target) {
  DURABILITY_TRY_ASSIGN(const std::vector<std::string> names, directory.list(path));
  for (const std::string& name : names) {
    if (!Directory::is_temporary_name(name)) continue;
    if (!is_target(std::string_view(name).substr(0, name.size() - kTemporarySuffixBytes))) continue;
    DURABILITY_TRY(remove_if_file(directory, path.empty() ? name : fmt::format("{}/{}", path, name)));
  }
  return {};
}

}  // namespace durability
