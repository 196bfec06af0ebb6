// The codecs of headers and frames, versions 2, 3 and 4: what is accepted is encoded to the same bytes again,
// what is refused is refused for a reason that can be seen.
//
//   input: version of the frame u8, start of its checksum u32, then a header or frame

#include <algorithm>

#include "durability/formats.hpp"
#include "mend.hpp"
#include "require.hpp"

namespace durability::fuzz {
namespace {

namespace v3 = formats::wal_v3;
namespace v4 = formats::wal_v4;

constexpr std::size_t kOptionBytes = 5;

bool begins_with(ByteView whole, ByteView front) {
  return front.size() <= whole.size() && std::equal(front.begin(), front.end(), whole.begin());
}

void check_header(ByteView bytes) {
  const auto reading = v4::read_header(bytes);
  if (reading.state == v4::HeaderState::kSound) {
    require(begins_with(bytes, v4::encode_header(reading.header)), "a sound header is encoded as it stood");
    require(formats::stated_format(bytes) == WalFormat::kV4, "a sound header states its version");
  }
  const auto format = formats::stated_format(bytes);
  if (format && *format != WalFormat::kV4 && bytes.size() >= v3::kHeaderBytes) {
    const auto header = v3::decode_header(bytes.first(v3::kHeaderBytes));
    require(header.format == *format, "an older header is of the version that it states");
    require(begins_with(bytes, v3::encode_header(header)), "an older header is encoded as it stood");
  }
}

void check_v4(ByteView bytes, std::uint32_t seed) {
  v4::Frame frame;
  const auto state = v4::read_frame(bytes, seed, frame);
  if (state == v4::FrameState::kNotWhole) return;
  const auto length = v4::plausible_length(bytes);
  require(length && *length <= bytes.size(), "a frame that checks is there");
  if (state == v4::FrameState::kRuleBroken) return;
  require(v4::could_be_frame(bytes), "the search's filter lets every whole frame through");
  require(frame.length == *length && frame.payload().size() == *length - v4::kFrameHeadBytes,
          "lengths agree");
  require(frame.fields.id == v4::id_field(bytes), "the id is the one that stands there");
  if (const auto vouched = frame.vouches_for()) {
    require(*vouched <= frame.fields.id, "no frame vouches for what comes after it");
  }
  if (frame.fields.kind == v4::FrameKind::kSeal) {
    require(begins_with(frame.payload(), v4::encode_seal(frame.seal())), "a seal is encoded as it stood");
  }
  Bytes encoded;
  require(v4::append_frame(encoded, frame.fields, frame.payload(), seed) == frame.crc,
          "its checksum is its own");
  require(encoded.size() == frame.span(), "a frame ends at a multiple of 8");
  require(begins_with(bytes, ByteView(encoded).first(frame.length)), "a whole frame is encoded as it stood");
  v4::Frame cut;
  require(v4::read_frame(bytes.first(frame.length - 1), seed, cut) == v4::FrameState::kNotWhole,
          "a frame that lacks a byte is not whole");
}

void check_v3(ByteView bytes, WalFormat format) {
  const auto head = v3::read_head(bytes.first(std::min(bytes.size(), v3::kFrameHeadBytes)), bytes.size());
  if (head.state != v3::FrameState::kWhole) return;
  require(
      head.length >= v3::kFrameHeadBytes && head.length <= bytes.size() && head.length <= v3::kMaxFrameBytes,
      "a frame that may be whole has a possible length");
  v3::Frame frame;
  const auto state = v3::read_frame(bytes.first(head.length), format, frame);
  require(state == v3::FrameState::kWhole || state == v3::FrameState::kCrcMismatch,
          "only its checksum is open");
  require((state == v3::FrameState::kWhole) == (frame.stored_crc == frame.actual_crc), "and decides");
  if (state != v3::FrameState::kWhole) return;
  require(begins_with(bytes, v3::encode_head(format, frame.id, frame.payload)),
          "a whole frame's head is encoded as it stood");
  const auto cut = v3::read_head(bytes.first(v3::kFrameHeadBytes), head.length - 1);
  require(cut.state == v3::FrameState::kCut, "a frame that lacks a byte is cut");
}

void check(ByteView input) {
  if (input.size() < kOptionBytes) return;
  const auto bytes = input.subspan(kOptionBytes);
  check_header(bytes);
  switch (std::to_integer<unsigned>(input.front()) % 3) {
    case 0: check_v3(bytes, WalFormat::kV2); break;
    case 1: check_v3(bytes, WalFormat::kV3); break;
    default: check_v4(bytes, load_le<std::uint32_t>(input, 1)); break;
  }
}

// Makes the checksum right of what stands there: of a header, or of a frame of the version that is asked for.
void mend(MutableByteView input) {
  const auto bytes = input.subspan(kOptionBytes);
  if (formats::stated_format(bytes) == WalFormat::kV4) return mend_segment(bytes, {});
  const unsigned version = std::to_integer<unsigned>(input.front()) % 3;
  if (version < 2 && bytes.size() >= v3::kFrameHeadBytes) {
    const auto length = std::min<std::size_t>(load_le<std::uint32_t>(bytes, 0), bytes.size());
    if (length < v3::kFrameHeadBytes) return;
    const auto payload = bytes.subspan(v3::kFrameHeadBytes, length - v3::kFrameHeadBytes);
    const EntryId id(load_le<std::uint64_t>(bytes, 4));
    std::ranges::copy(v3::encode_head(version == 0 ? WalFormat::kV2 : WalFormat::kV3, id, payload),
                      bytes.begin());
  } else if (version == 2 && bytes.size() >= v4::kFrameHeadBytes) {
    const auto length = std::min<std::size_t>(load_le<std::uint32_t>(bytes, 4), bytes.size());
    if (length < v4::kFrameHeadBytes) return;
    store_le(bytes, 4, static_cast<std::uint32_t>(length));
    store_le(bytes, 0, crc32(bytes.subspan(4, length - 4), load_le<std::uint32_t>(input, 1)));
  }
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
  if (size > durability::fuzz::kOptionBytes && seed % 4 != 0) {
    durability::fuzz::mend(std::as_writable_bytes(std::span(data, size)));
  }
  return size;
}
