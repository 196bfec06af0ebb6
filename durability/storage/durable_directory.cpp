#include "durability/storage/durable_directory.hpp"

#include <filesystem>

#include "durability/storage/fs_directory.hpp"
#include "durability/storage/storage_errors.hpp"

namespace durability {

Result<DurableDirectory> DurableDirectory::require(std::shared_ptr<Directory> directory) {
  if (!directory->capabilities().stable_storage) return internal::no_stable_storage_error("");
  return DurableDirectory(std::move(directory));
}

Status sync_file(Directory& directory, std::string_view path) {
  if (!directory.capabilities().stable_storage) return internal::no_stable_storage_error(path);
  DURABILITY_TRY_ASSIGN(const auto file, directory.open(path, OpenMode::kReadWrite));
  DURABILITY_TRY(file->sync_data());
  return file->close();
}

Status sync_parent_dir(Directory& directory, std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return directory.sync_directory(slash == std::string_view::npos ? "" : path.substr(0, slash));
}

Status sync_parent_of_path(const std::string& name, const internal::SystemCalls* system_calls) {
  const std::filesystem::path path(name);
  if (!path.has_filename()) {
    return Error(ErrorCode::kInvalidConfig, "this path has no parent that could be synced")
        .in_file(path.string())
        .advise("nothing was synced; name a file");
  }
  const std::filesystem::path parent = path.has_parent_path() ? path.parent_path() : ".";
  DURABILITY_TRY_ASSIGN(const auto directory,
                        FsDirectory::open(parent, {.create = false, .system_calls = system_calls}));
  return directory->sync_directory("");
}

}  // namespace durability
