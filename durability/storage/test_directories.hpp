#pragma once

// What the tests of this module share.

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "durability/storage/directory.hpp"
#include "durability/storage/memory_directory.hpp"

namespace durability::internal {

/// An empty directory on the disk, gone with the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = testing::TempDir() + "durability_storage_XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::system_error(errno, std::generic_category(), name);
    path_ = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

template <class T>
[[nodiscard]] testing::AssertionResult fails_with(const Result<T>& result, ErrorCode code) {
  if (result) return testing::AssertionFailure() << "succeeded";
  if (result.error().code() == code) return testing::AssertionSuccess();
  return testing::AssertionFailure() << result.error();
}

template <class T>
[[nodiscard]] testing::AssertionResult succeeded(const Result<T>& result) {
  if (result) return testing::AssertionSuccess();
  return testing::AssertionFailure() << result.error();
}

/// The file's text, or what went wrong.
[[nodiscard]] inline std::string text_of(Directory& directory, std::string_view path) {
  const auto contents = directory.read_file(path, 1 << 20);
  return contents ? std::string(as_text(*contents)) : contents.error().to_string();
}

/// The steps that a RecordingDirectory saw, and which of them is to fail.
struct Record {
  std::vector<std::string> steps;
  std::size_t fail_at = SIZE_MAX;

  Status step(std::string text) {
    steps.push_back(std::move(text));
    if (steps.size() - 1 == fail_at) return Error(ErrorCode::kIo, "injected");
    return {};
  }
};

class RecordingFile final : public File {
 public:
  RecordingFile(std::unique_ptr<File> inner, std::string path, Record& record)
      : inner_(std::move(inner)), path_(std::move(path)), record_(record) {}

  Status write_at(std::uint64_t offset, std::span<const ByteView> pieces) override {
    DURABILITY_TRY(record_.step("write " + path_));
    return inner_->write_at(offset, pieces);
  }
  Status append(ByteView bytes) override { return inner_->append(bytes); }
  Result<std::size_t> read_at(std::uint64_t offset, MutableByteView into) override {
    return inner_->read_at(offset, into);
  }
  Status sync_data() override { return record_.step("sync_data " + path_); }
  Result<std::uint64_t> size() override { return inner_->size(); }
  Result<std::uint64_t> links() override { return inner_->links(); }
  void now_called(std::string path) noexcept override { inner_->now_called(std::move(path)); }
  Status truncate(std::uint64_t size) override { return inner_->truncate(size); }
  Status preallocate(std::uint64_t offset, std::uint64_t length) override {
    return inner_->preallocate(offset, length);
  }
  Status drop_cached_pages() override { return inner_->drop_cached_pages(); }
  Status close() override {
    DURABILITY_TRY(record_.step("close " + path_));
    return inner_->close();
  }

 private:
  std::unique_ptr<File> inner_;
  std::string path_;
  Record& record_;
};

/// A directory in memory that writes down every primitive that changes something, and claims by default to
/// have stable storage.
class RecordingDirectory final : public Directory {
 public:
  Result<std::unique_ptr<File>> do_open(std::string_view path, OpenMode mode) override {
    if (mode == OpenMode::kRead) return inner_->do_open(path, mode);
    // A search for a missing parent is no step.
    const bool parent_missing = !inner_->do_list(parent_of(path));
    if (!parent_missing) DURABILITY_TRY(record.step(name_of(mode) + std::string(path)));
    DURABILITY_TRY_ASSIGN(auto file, inner_->do_open(path, mode));
    return std::make_unique<RecordingFile>(std::move(file), std::string(path), record);
  }
  Result<EntryKind> do_kind(std::string_view path) override { return inner_->do_kind(path); }
  Result<bool> do_make_directory(std::string_view path) override {
    DURABILITY_TRY(record.step("mkdir " + std::string(path)));
    return inner_->do_make_directory(path);
  }
  Status do_remove_file(std::string_view path) override {
    DURABILITY_TRY(record.step("unlink " + std::string(path)));
    return inner_->do_remove_file(path);
  }
  Status do_remove_empty_directory(std::string_view path) override {
    DURABILITY_TRY(record.step("rmdir " + std::string(path)));
    return inner_->do_remove_empty_directory(path);
  }
  Status do_rename(std::string_view from, std::string_view to) override {
    if (inner_->do_list(parent_of(to))) {
      DURABILITY_TRY(record.step("rename " + std::string(from) + " " + std::string(to)));
    }
    return inner_->do_rename(from, to);
  }
  Result<std::vector<std::string>> do_list(std::string_view path) override { return inner_->do_list(path); }
  Status do_sync_directory(std::string_view path) override {
    if (!inner_->do_list(path)) return inner_->do_list(path).error();
    return record.step("sync '" + std::string(path) + "'");
  }
  Result<std::unique_ptr<DirectoryLock>> do_lock(std::string_view path) override {
    return inner_->do_lock(path);
  }
  [[nodiscard]] std::uint64_t do_random() override { return random_++; }
  [[nodiscard]] Capabilities capabilities() const noexcept override { return {.stable_storage = stable}; }
  [[nodiscard]] std::uint64_t identity() const noexcept override { return inner_->identity(); }
  [[nodiscard]] std::optional<std::string> file_path(std::string_view) const override { return std::nullopt; }

  Record record;
  bool stable = true;

 private:
  static std::string_view parent_of(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? "" : path.substr(0, slash);
  }
  static std::string name_of(OpenMode mode) { return mode == OpenMode::kCreateNew ? "create_new " : "open "; }

  const std::shared_ptr<MemoryDirectory> inner_ = MemoryDirectory::make();
  std::uint64_t random_ = 0xa;
};

}  // namespace durability::internal
