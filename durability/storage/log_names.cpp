#include "durability/storage/log_names.hpp"

#include <functional>

#include "durability/storage/identity.hpp"

namespace durability::internal {

bool is_among_the_logs_files(std::string_view path) noexcept {
  return path.substr(0, path.find('/')) == kLogDirectory;
}

Status check_outside_the_log(std::string_view path, std::string_view what) {
  if (!is_among_the_logs_files(path)) return {};
  return Error(ErrorCode::kInvalidConfig, fmt::format("{} cannot lie among the log's own files", what))
      .in_file(path)
      .advise("nothing was changed; choose a path outside wal/");
}

std::uint64_t identity_of_record_log(std::uint64_t directory, std::string_view path) noexcept {
  return directory ^ (mix(std::hash<std::string_view>{}(path)) >> 32U);
}

bool is_of_a_log_in(std::uint64_t directory, std::uint64_t log) noexcept {
  return (directory ^ log) >> 32U == 0;
}

}  // namespace durability::internal
