#include "durability/checkpoint/file.hpp"

#include <algorithm>
#include <array>

namespace durability {
namespace {

Result<Bytes> with_room_for_header(std::string_view path, ByteView payload) {
  if (auto fits = checkpoint::check_size(payload.size()); !fits) {
    return std::move(fits).error().in_file(path);
  }
  Bytes file(checkpoint::kHeaderBytes + payload.size());
  std::ranges::copy(payload, file.begin() + checkpoint::kHeaderBytes);
  return file;
}

Result<CheckpointBytes> read_from(File& file) {
  DURABILITY_TRY_ASSIGN(const std::uint64_t size, file.size());
  std::array<std::byte, checkpoint::kHeaderBytes> room{};
  DURABILITY_TRY_ASSIGN(const std::size_t front_bytes, file.read_at(0, room));
  const ByteView front = ByteView(room).first(front_bytes);
  DURABILITY_TRY_ASSIGN(const auto header, checkpoint::read_header(front, size));

  Bytes payload(header.payload_bytes);
  DURABILITY_TRY_ASSIGN(const std::size_t payload_bytes, file.read_at(checkpoint::kHeaderBytes, payload));
  if (payload_bytes != payload.size()) {
    return Error(ErrorCode::kTruncated, "the file became shorter while it was read")
        .at_offset(checkpoint::kHeaderBytes + payload_bytes)
        .with_values(payload.size(), payload_bytes)
        .advise("somebody else is changing it; read it again when they are done");
  }
  DURABILITY_TRY(checkpoint::check_payload(front, header, payload));
  return CheckpointBytes{
      .last_applied = header.last_applied, .version = header.version, .payload = std::move(payload)};
}

}  // namespace

Status CheckpointFile::write_bytes(std::string_view path, EntryId last_applied, ByteView payload) const {
  DURABILITY_TRY_ASSIGN(Bytes file, with_room_for_header(path, payload));
  return finish(path, last_applied, std::move(file), Durability::kNone);
}

Status CheckpointFile::write_bytes_durable(std::string_view path, DurableId last_applied,
                                           ByteView payload) const {
  DURABILITY_TRY_ASSIGN(Bytes file, with_room_for_header(path, payload));
  return finish(path, last_applied.entry(), std::move(file), Durability::kPowerLoss);
}

Status CheckpointFile::finish(std::string_view path, EntryId last_applied, Bytes file,
                              Durability durability) const {
  if (auto headed = checkpoint::put_header(file, last_applied); !headed) {
    return std::move(headed).error().in_file(path);
  }
  return durability == Durability::kPowerLoss ? directory_->write_durable(path, file)
                                              : directory_->atomic_write(path, file);
}

Result<CheckpointBytes> CheckpointFile::read_bytes(std::string_view path) const {
  DURABILITY_TRY_ASSIGN(const auto file, directory_->open(path));
  auto read = read_from(*file);
  if (!read) return std::move(read).error().in_file(path);
  return read;
}

Result<DurableId> CheckpointFile::make_durable(std::string_view path) const {
  DURABILITY_TRY_ASSIGN(const auto file, directory_->open(path, OpenMode::kReadWrite));
  DURABILITY_TRY(file->sync_data());
  const std::string parent = std::filesystem::path(path).parent_path().string();
  DURABILITY_TRY(directory_->sync_directory(parent));
  // Each directory on the way, too: whoever made them may have been killed before they were durable.
  if (!parent.empty()) DURABILITY_TRY(directory_->create_directories(parent));
  // What is read next is what the device holds, not what the cache remembers.
  DURABILITY_TRY(file->drop_cached_pages());
  auto read = read_from(*file);
  if (!read) return std::move(read).error().in_file(path);
  return internal::DurableIdIssuer::issue(read->last_applied, directory_->identity());
}

Error CheckpointFile::undecodable(std::string_view path, Error error) {
  return error.in_file(path)
      .at_offset(checkpoint::kHeaderBytes + error.offset().value_or(0))
      .advise("nothing was changed; read it as the type that was written, or as bytes");
}

}  // namespace durability
