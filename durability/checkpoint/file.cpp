#include "durability/checkpoint/file.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

#include "durability/storage/log_names.hpp"
#include "durability/storage/need_directory.hpp"

namespace durability {
namespace {

Result<Bytes> file_of_bytes(std::string_view path, EntryId last_applied, ByteView payload) {
  if (auto fits = checkpoint::check_size(payload.size()); !fits) {
    return std::move(fits).error().in_file(path);
  }
  Bytes file(checkpoint::kHeaderBytes + payload.size());
  std::ranges::copy(payload, file.begin() + checkpoint::kHeaderBytes);
  DURABILITY_TRY(checkpoint::put_header(file, last_applied));
  return file;
}

struct Front {
  std::array<std::byte, checkpoint::kHeaderBytes> bytes{};
  checkpoint::Header header;
};

Result<Front> read_front(File& file) {
  Front front;
  DURABILITY_TRY_ASSIGN(const std::uint64_t size, file.size());
  DURABILITY_TRY_ASSIGN(const std::size_t length, file.read_at(0, front.bytes));
  DURABILITY_TRY_ASSIGN(front.header, checkpoint::read_header(ByteView(front.bytes).first(length), size));
  return front;
}

Result<CheckpointBytes> read_from(File& file) {
  DURABILITY_TRY_ASSIGN(const Front front, read_front(file));
  const checkpoint::Header& header = front.header;
  Bytes payload(header.payload_bytes);
  DURABILITY_TRY_ASSIGN(const std::size_t payload_bytes, file.read_at(checkpoint::kHeaderBytes, payload));
  if (payload_bytes != payload.size()) {
    return Error(ErrorCode::kTruncated, "the file became shorter while it was read")
        .at_offset(checkpoint::kHeaderBytes + payload_bytes)
        .with_values(payload.size(), payload_bytes)
        .advise("somebody else is changing it; read it again when they are done");
  }
  DURABILITY_TRY(checkpoint::check_payload(front.bytes, header, payload));
  return CheckpointBytes{
      .last_applied = header.last_applied, .version = header.version, .payload = std::move(payload)};
}

}  // namespace

Status CheckpointFile::write_bytes(std::string_view path, EntryId last_applied, ByteView payload) const {
  DURABILITY_TRY_ASSIGN(const Bytes file, file_of_bytes(path, last_applied, payload));
  return replace(path, file);
}

Status CheckpointFile::write_bytes_durable(std::string_view path, DurableId last_applied,
                                           ByteView payload) const {
  DURABILITY_TRY_ASSIGN(const Bytes file, file_of_bytes(path, last_applied.entry(), payload));
  return replace_durable(path, last_applied, file);
}

Status CheckpointFile::replace(std::string_view path, ByteView file) const {
  DURABILITY_TRY(internal::need_directory(directory_));
  DURABILITY_TRY(internal::check_outside_the_log(path, "a checkpoint"));
  return directory_->atomic_write(path, file);
}

Status CheckpointFile::replace_durable(std::string_view path, DurableId last_applied, ByteView file) const {
  DURABILITY_TRY(internal::need_directory(directory_));
  DURABILITY_TRY(internal::check_outside_the_log(path, "a checkpoint"));
  // make_durable() would make of it a proof for the log of this directory.
  if (!internal::is_of_a_log_in(directory_->identity(), last_applied.log())) {
    return Error(ErrorCode::kInvalidConfig,
                 fmt::format("entry {} is durable in a log in another directory", last_applied))
        .in_file(path)
        .advise("nothing was changed; write into the directory of the log, with an id that it returned");
  }
  return directory_->write_durable(path, file);
}

Status CheckpointFile::put_header(std::string_view path, EntryId last_applied, Bytes& file) {
  if (auto headed = checkpoint::put_header(file, last_applied); !headed) {
    return std::move(headed).error().in_file(path);
  }
  return {};
}

Result<checkpoint::Header> CheckpointFile::read_header(std::string_view path) const {
  DURABILITY_TRY(internal::need_directory(directory_));
  DURABILITY_TRY_ASSIGN(const auto file, directory_->open(path));
  auto front = read_front(*file);
  if (!front) return std::move(front).error().in_file(path);
  return front->header;
}

Result<CheckpointBytes> CheckpointFile::read_bytes(std::string_view path) const {
  DURABILITY_TRY(internal::need_directory(directory_));
  DURABILITY_TRY_ASSIGN(const auto file, directory_->open(path));
  auto read = read_from(*file);
  if (!read) return std::move(read).error().in_file(path);
  return read;
}

Result<DurableId> CheckpointFile::make_durable(std::string_view path) const {
  DURABILITY_TRY(internal::need_directory(directory_));
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
