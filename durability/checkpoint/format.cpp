#include "durability/checkpoint/format.hpp"

#include <algorithm>

#include "durability/base/crc32.hpp"

namespace durability::checkpoint {
namespace {

constexpr std::string_view kMagic = "VCKP";
constexpr std::uint32_t kVersionWithoutHeaderChecksum = 1;

constexpr std::string_view kAdvice = "nothing was changed; restore it from a copy, or recover from the log";

Error bad(ErrorCode code, std::string message, std::uint64_t offset) {
  return Error(code, std::move(message)).at_offset(offset).advise(std::string(kAdvice));
}

std::uint32_t checksum(ByteView front, std::uint32_t version, ByteView payload) {
  const bool covers_header = version != kVersionWithoutHeaderChecksum;
  return crc32(payload, covers_header ? crc32(front.first(kCrcOffset)) : 0);
}

}  // namespace

Status check_size(std::uint64_t payload_bytes) {
  if (payload_bytes <= kMaxPayloadBytes) return {};
  return Error(ErrorCode::kEncode, "a checkpoint is larger than 256 MiB")
      .with_values(kMaxPayloadBytes, payload_bytes)
      .advise("nothing was written; the old checkpoint and the log are as they were");
}

Status put_header(MutableByteView file, EntryId last_applied) {
  const ByteView payload = file.subspan(kHeaderBytes);
  DURABILITY_TRY(check_size(payload.size()));
  std::ranges::copy(as_bytes(kMagic), file.begin());
  store_le(file, kVersionOffset, kVersion);
  store_le(file, kLastAppliedOffset, last_applied.value());
  store_le(file, kPayloadBytesOffset, std::uint64_t{payload.size()});
  store_le(file, kCrcOffset, checksum(file, kVersion, payload));
  return {};
}

Result<Header> read_header(ByteView front, std::uint64_t file_bytes) {
  if (front.size() >= kMagic.size() && as_text(front.first(kMagic.size())) != kMagic) {
    return bad(ErrorCode::kFormat, "not a checkpoint: expected the letters VCKP", 0);
  }
  if (front.size() < kHeaderBytes) {
    return bad(ErrorCode::kTruncated, "the file ends inside the header of 28 bytes", front.size())
        .with_values(kHeaderBytes, front.size());
  }
  const Header header{.version = load_le<std::uint32_t>(front, kVersionOffset),
                      .last_applied = EntryId(load_le<std::uint64_t>(front, kLastAppliedOffset)),
                      .payload_bytes = load_le<std::uint64_t>(front, kPayloadBytesOffset),
                      .crc = load_le<std::uint32_t>(front, kCrcOffset)};
  if (header.version != kVersion && header.version != kVersionWithoutHeaderChecksum) {
    return bad(ErrorCode::kFormat, "unknown version of the checkpoint format, expected 1 or 2",
               kVersionOffset)
        .with_values(kVersion, header.version);
  }
  if (header.payload_bytes > kMaxPayloadBytes) {
    return bad(ErrorCode::kFormat, "the payload's length is over the limit of 256 MiB", kPayloadBytesOffset)
        .with_values(kMaxPayloadBytes, header.payload_bytes);
  }
  const std::uint64_t expected_bytes = kHeaderBytes + header.payload_bytes;
  if (file_bytes < expected_bytes) {
    return bad(ErrorCode::kTruncated, "the file ends inside the payload", file_bytes)
        .with_values(expected_bytes, file_bytes);
  }
  if (file_bytes > expected_bytes) {
    return bad(ErrorCode::kFormat, "expected the end of the file after the payload", expected_bytes)
        .with_values(expected_bytes, file_bytes);
  }
  return header;
}

Status check_payload(ByteView front, const Header& header, ByteView payload) {
  const std::uint32_t actual = checksum(front, header.version, payload);
  if (actual == header.crc) return {};
  return bad(ErrorCode::kCrcMismatch, "the checkpoint's checksum does not match its contents", kCrcOffset)
      .with_values(header.crc, actual);
}

}  // namespace durability::checkpoint
