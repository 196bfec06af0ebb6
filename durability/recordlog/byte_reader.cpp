#include "durability/recordlog/byte_reader.hpp"

#include <array>

#include "durability/storage/need_directory.hpp"

namespace durability::recordlog {

Result<RecordLogReadReport> ByteReader::for_each(ReadMode mode, const RecordSink& sink) const {
  DURABILITY_TRY(internal::need_directory(directory_));
  auto opened = directory_->open(path_);
  if (!opened && opened.error().code() == ErrorCode::kNotFound) return RecordLogReadReport{};
  if (!opened) return std::move(opened).error();
  const std::shared_ptr<File> file = *std::move(opened);
  DURABILITY_TRY_ASSIGN(const std::uint64_t size, file->size());
  FileWindow window(file, size, buffer_bytes_);
  DURABILITY_TRY_ASSIGN(const WalkEnd end, walk(window, sink));
  const Verdict verdict = judge(end.finding, mode_of(mode));
  if (verdict.action == Action::kRefuse) return end.error(verdict.code, path_);
  return RecordLogReadReport{.format = end.format,
                             .records = end.records,
                             .file_bytes = end.file_bytes,
                             .torn_tail = end.finding != Finding::kEnd};
}

Result<std::optional<RecordLogFormat>> ByteReader::format() const {
  DURABILITY_TRY(internal::need_directory(directory_));
  auto opened = directory_->open(path_);
  if (!opened && opened.error().code() == ErrorCode::kNotFound) return std::optional<RecordLogFormat>{};
  if (!opened) return std::move(opened).error();
  std::array<std::byte, kHeaderBytes> room{};
  DURABILITY_TRY_ASSIGN(const std::size_t length, (*opened)->read_at(0, room));
  RecordLogFormat format{};
  if (read_header(ByteView(room).first(length), format) != HeaderState::kWhole) {
    return std::optional<RecordLogFormat>{};
  }
  return std::optional(format);
}

Error undecodable(std::string_view path, const RecordLogView& view, Error error) {
  return error.in_file(path)
      .at_offset(view.offset)
      .advise("nothing was changed; read it as the type that was written, or as bytes");
}

}  // namespace durability::recordlog
