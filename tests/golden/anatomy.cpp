#include "anatomy.hpp"

#include <fmt/format.h>

#include <utility>

#include "durability/formats.hpp"

namespace durability::golden {
namespace {

namespace v4 = formats::wal_v4;
namespace v3 = formats::wal_v3;
namespace recordlog = formats::recordlog;
namespace checkpoint = formats::checkpoint;

constexpr const char* kRight = "right";  // of a checksum that a decoder has accepted

std::string hex(ByteView bytes) {
  if (bytes.size() > 16 && all_zeros(bytes)) return fmt::format("00, {} times", bytes.size());
  std::string digits;
  for (const std::byte byte : bytes) digits += fmt::format("{:02x} ", std::to_integer<unsigned>(byte));
  return digits;
}

/// Takes parts and their fields off a file's front.
class Dissection {
 public:
  explicit Dissection(ByteView file) : rest_(file), bytes_(file.size()) {}

  [[nodiscard]] ByteView rest() const { return rest_; }
  Dissection& part(std::string_view what) {
    made_.parts.push_back(offset());
    made_.text += fmt::format("  {}\n", what);
    return *this;
  }
  Dissection& field(std::size_t size, std::string_view name, std::string_view value = "") {
    if (size == 0) return *this;
    auto line = fmt::format("{:>6}  {:<49}{:<16}{}", offset(), hex(rest_.first(size)), name, value);
    line.erase(line.find_last_not_of(' ') + 1);
    made_.text += line + '\n';
    made_.fields.push_back({.offset = offset(), .name = std::string(name)});
    rest_ = rest_.subspan(size);
    return *this;
  }
  Dissection& number(std::size_t size, std::string_view name, std::uint64_t value) {
    return field(size, name, fmt::format("{}", value));
  }
  Dissection& text(std::size_t size, std::string_view name) {
    return field(size, name, escape_for_display(as_text(rest_.first(size))));
  }
  Anatomy finish() {
    if (!rest_.empty()) part(all_zeros(rest_) ? "zeros to the end" : "no frame").field(rest_.size(), "");
    return std::move(made_);
  }

 private:
  [[nodiscard]] std::size_t offset() const { return bytes_ - rest_.size(); }

  ByteView rest_;
  std::size_t bytes_;
  Anatomy made_;
};

void add_frame(Dissection& file, const v4::Frame& frame) {
  const bool seal = frame.fields.kind == v4::FrameKind::kSeal;
  const bool entry = frame.fields.kind == v4::FrameKind::kEntry;
  const std::string kind = seal ? "seal" : entry ? "entry" : "mark";
  const auto durable = frame.vouches_for();
  file.part(fmt::format("{} {}{}", kind, entry ? "" : "after entry ", frame.fields.id))
      .field(4, "crc32", kRight)
      .number(4, "length", frame.length)
      .number(8, "entry_id", frame.fields.id.value())
      .field(4, "lag", durable ? fmt::format("{}: durable up to {}", frame.fields.lag, *durable) : "unknown")
      .field(4, "flags", kind + (frame.fields.more ? ", more" : ""));
  if (seal) {
    file.number(8, "entries", frame.seal().entries)
        .field(4, "crc of crcs", fmt::format("{:#010x}", frame.seal().crc_of_crcs))
        .field(4, "zeros");
  } else {
    file.text(frame.payload().size(), "payload");
  }
  file.field(static_cast<std::size_t>(frame.span()) - frame.length, "gap");
}

Anatomy v4_anatomy(ByteView bytes) {
  Dissection file(bytes);
  const auto [state, header] = v4::read_header(bytes);
  if (state != v4::HeaderState::kSound) return file.finish();
  file.part("header")
      .text(4, "magic")
      .number(4, "version", v4::kVersion)
      .number(8, "start_entry_id", header.start.value())
      .number(8, "segment_id", header.segment_id.value())
      .field(header.log_id.size(), "log_id")
      .number(8, "created_at", header.created_at)
      .field(v4::kHeaderCrcOffset - v4::kHeaderReservedOffset, "zeros")
      .field(4, "crc32", kRight);
  const std::uint32_t seed = v4::crc_seed(header.log_id, header.segment_id);
  v4::Frame frame;
  while (v4::read_frame(file.rest(), seed, frame) == v4::FrameState::kWhole) add_frame(file, frame);
  return file.finish();
}

Anatomy v3_anatomy(ByteView bytes) {
  Dissection file(bytes);
  const auto header = v3::decode_header(bytes);
  file.part("header")
      .text(4, "magic")
      .number(4, "version", static_cast<std::uint64_t>(header.format))
      .number(8, "start_entry_id", header.start.value())
      .number(8, "segment_id", header.segment_id.value());
  v3::Frame frame;
  const auto read = [&](const v3::FrameHead& head) {
    return head.state != v3::FrameState::kWhole
               ? head.state
               : v3::read_frame(file.rest().first(head.length), header.format, frame);
  };
  while (read(v3::read_head(file.rest(), file.rest().size())) == v3::FrameState::kWhole) {
    file.part(fmt::format("entry {}", frame.id))
        .number(v3::kLengthBytes, "length", frame.length)
        .number(8, "entry_id", frame.id.value())
        .field(4, "crc32", kRight)
        .text(frame.payload.size(), "payload");
  }
  return file.finish();
}

}  // namespace

Anatomy segment_anatomy(ByteView file) {
  const auto format = formats::stated_format(file);
  if (!format) return Dissection(file).finish();
  return *format == WalFormat::kV4 ? v4_anatomy(file) : v3_anatomy(file);
}

Anatomy record_log_anatomy(ByteView bytes) {
  Dissection file(bytes);
  auto format = RecordLogFormat::kV2;
  if (recordlog::read_header(bytes, format) != recordlog::HeaderState::kWhole) return file.finish();
  file.part("header").text(4, "magic").number(4, "version", static_cast<std::uint64_t>(format));
  recordlog::Record record;
  const auto read = [&](const recordlog::RecordHead& head) {
    if (head.state != recordlog::RecordState::kWhole) return head.state;
    const auto whole = file.rest().first(recordlog::kRecordHeadBytes + head.payload_bytes);
    return recordlog::read_record(whole, format, record);
  };
  while (read(recordlog::read_head(file.rest(), file.rest().size())) == recordlog::RecordState::kWhole) {
    file.part("record")
        .number(recordlog::kLengthBytes, "length", record.payload.size())
        .field(4, "crc32", kRight)
        .text(record.payload.size(), "payload");
  }
  return file.finish();
}

Anatomy checkpoint_anatomy(ByteView bytes) {
  Dissection file(bytes);
  const auto header = checkpoint::read_header(bytes, bytes.size());
  if (!header || !checkpoint::check_payload(bytes, *header, bytes.subspan(checkpoint::kHeaderBytes))) {
    return file.finish();
  }
  file.part("header")
      .text(4, "magic")
      .number(4, "version", header->version)
      .number(8, "last_applied", header->last_applied.value())
      .number(8, "payload length", header->payload_bytes)
      .field(4, "crc32", kRight);
  return file.part("payload").text(static_cast<std::size_t>(header->payload_bytes), "payload").finish();
}

}  // namespace durability::golden
