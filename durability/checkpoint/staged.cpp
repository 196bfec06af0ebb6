#include "durability/checkpoint/staged.hpp"

#include <filesystem>

#include "durability/storage/storage_errors.hpp"

namespace durability::checkpoint {

Result<Staged> Staged::write(std::shared_ptr<Directory> directory, std::string_view path, ByteView file) {
  if (!directory->capabilities().stable_storage) return internal::no_stable_storage_error(path);
  Staged staged(std::move(directory), path);
  DURABILITY_TRY_ASSIGN(const auto handle, staged.directory_->create_new(staged.temporary_));
  staged.temporary_is_there_ = true;
  DURABILITY_TRY(handle->write_at(0, file));
  DURABILITY_TRY(handle->sync_data());
  DURABILITY_TRY(handle->close());
  return staged;
}

Staged::~Staged() {
  if (!directory_ || !temporary_is_there_) return;
  try {
    static_cast<void>(directory_->do_remove_file(temporary_));
  } catch (...) {  // out of memory: it stays, is harmless, and known by its name
    return;
  }
}

Status Staged::put_in_place() {
  DURABILITY_TRY(directory_->rename(temporary_, path_));
  temporary_is_there_ = false;
  return directory_->sync_directory(std::filesystem::path(path_).parent_path().string());
}

}  // namespace durability::checkpoint
