#include "files.hpp"

#include "durability/testing/crash_directory.hpp"

namespace durability::golden {

std::shared_ptr<Directory> directory_of(const Files& files) {
  std::shared_ptr<Directory> directory = testing::CrashDirectory::make();
  for (const auto& [path, contents] : files) directory->write_durable(path, contents).value();
  return directory;
}

Files files_in(Directory& directory) {
  Files files;
  for (const std::string folder : {"", "wal"}) {
    const auto names = directory.list(folder).value();
    for (const std::string& name : names) {
      const std::string path = folder.empty() ? name : folder + "/" + name;
      if (name == "wal" || name.ends_with(".lock")) continue;
      files[path] = directory.read_file(path, 1U << 20U).value();
    }
  }
  return files;
}

}  // namespace durability::golden
