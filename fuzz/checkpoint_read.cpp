// Any file, read as a checkpoint: what is accepted is written to the same bytes again, what is refused is
// refused by name, and nothing is allocated for what is only claimed.

#include "durability/formats.hpp"
#include "memory_watch.hpp"
#include "mend.hpp"
#include "require.hpp"

namespace durability::fuzz {
namespace {

constexpr const char* kPath = "c/state.ckpt";
constexpr const char* kCopy = "c/copy.ckpt";

void check_refusal(const Error& error) {
  require_helpful(error);
  const auto code = error.code();
  require(code == ErrorCode::kTruncated || code == ErrorCode::kFormat || code == ErrorCode::kCrcMismatch,
          fmt::format("a checkpoint is refused by name: {}", error));
}

void check_accepted(const CheckpointFile& files, Directory& directory, ByteView input,
                    const CheckpointBytes& read) {
  require(read.payload.size() + formats::checkpoint::kHeaderBytes == input.size(),
          "header and payload are all there is");
  require_ok(files.write_bytes(kCopy, read.last_applied, read.payload), "writing it again");
  const auto again = files.read_bytes(kCopy);
  require_ok(again, "reading that");
  require(again->last_applied == read.last_applied && again->payload == read.payload, "it is the same");
  if (read.version != formats::kCheckpointVersion) return;
  const auto bytes = directory.read_file(kCopy, input.size());
  require_ok(bytes, "its bytes");
  require(std::ranges::equal(*bytes, input), "the same state gives the same bytes");
}

void check(ByteView input) {
  const auto directory = MemoryDirectory::make();
  {
    auto file = directory->create(kPath);
    require_ok(file, "making the file");
    require_ok((*file)->write_at(0, input), "writing it");
  }
  const CheckpointFile files(directory);
  Result<CheckpointBytes> read = Error(ErrorCode::kNotFound, "not read yet");
  {
    const MemoryWatch watch;
    read = files.read_bytes(kPath);
    require(watch.peak_bytes() <= input.size() + kAllowance / 16, "memory stays within the file's size");
  }
  const auto typed = files.read<std::vector<std::string>>(kPath);
  if (!read) {
    check_refusal(read.error());
    require(!typed && typed.error().code() == read.error().code(),
            "as a type it is refused for the same reason");
  } else {
    require(typed || typed.error().code() == ErrorCode::kDecode, "a sound one is at most not of that type");
    check_accepted(files, *directory, input, *read);
  }
  const auto after = directory->read_file(kPath, input.size());
  require_ok(after, "reading the file");
  require(std::ranges::equal(*after, input), "readers write nothing");
}

}  // namespace
}  // namespace durability::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  durability::fuzz::check(std::as_bytes(std::span(data, size)));
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  size = LLVMFuzzerMutate(data, size, max_size);
  if ((seed & 1U) != 0) durability::fuzz::mend_checkpoint(std::as_writable_bytes(std::span(data, size)));
  return size;
}
