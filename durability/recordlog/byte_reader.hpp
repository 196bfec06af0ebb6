#pragma once

// The reader's core: records are bytes. RecordLogReader<E> (reader.hpp) puts types on top.

#include "durability/recordlog/walk.hpp"
#include "durability/storage/directory.hpp"

namespace durability {

/// What a reading saw.
struct RecordLogReadReport {
  std::optional<RecordLogFormat> format;  ///< none: no file, or no whole header
  std::uint64_t records = 0;
  std::uint64_t file_bytes = 0;
  bool torn_tail = false;  ///< best effort left out what follows the last whole record
};

namespace recordlog {

/// Memory: one buffer of `buffer_bytes`, or the largest single record.
class ByteReader {
 public:
  ByteReader(std::shared_ptr<Directory> directory, std::string path,
             std::size_t buffer_bytes = FileWindow::kDefaultBytes)
      : directory_(std::move(directory)), path_(std::move(path)), buffer_bytes_(buffer_bytes) {}

  /// Records reach `sink` in order, each once, also those before an error.
  Result<RecordLogReadReport> for_each(ReadMode mode, const RecordSink& sink) const;

  /// What the header says; none where there is no file, or no whole header.
  Result<std::optional<RecordLogFormat>> format() const;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::shared_ptr<Directory> directory_;
  std::string path_;
  std::size_t buffer_bytes_;
};

/// The error of a record that is not of the type that was asked for, with its place.
[[nodiscard]] Error undecodable(std::string_view path, const RecordLogView& view, Error error);

}  // namespace recordlog
}  // namespace durability
