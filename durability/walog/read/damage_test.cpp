// What reading and opening make of a damaged log: a log, what is done to it, and what each mode says.

#include <gtest/gtest.h>

#include <functional>

#include "durability/walog/test_support.hpp"

namespace durability::walog {
namespace {

using test::CrashDirectory;
using test::log_id_from;
using test::put;
using test::read;
using test::SegmentImage;

// The log of these tests. Each frame of the last segment vouches for the one before it; nothing
// vouches for f.
SegmentImage first() { return SegmentImage(1).entry("a").entry("b").durable(1).seal(); }
SegmentImage second() { return SegmentImage(2, 3).entry("c").durable(3).entry("d").seal(); }
SegmentImage third() { return SegmentImage(3, 5).durable(4).entry("e").durable(5).entry("f"); }

std::shared_ptr<CrashDirectory> sound_log() {
  auto directory = CrashDirectory::make();
  put(*directory, 1, first());
  put(*directory, 2, second());
  put(*directory, 3, third());
  return directory;
}

/// Opens, appends and closes; "ok", or the code. What is refused must be left as it was, and what was
/// opened must read as it did, with the new entry after it, twice over.
std::string open_append_close(const std::shared_ptr<CrashDirectory>& directory) {
  const auto before = test::snapshot(*directory);
  const std::string readable = read(directory, ReadMode::kBestEffort);
  auto writer = test::open_writer(directory);
  if (!writer) {
    EXPECT_EQ(test::snapshot(*directory), before) << "what is refused is changed";
    return test::outcome(writer);
  }
  EXPECT_TRUE((*writer)->append(as_bytes("z")));
  EXPECT_TRUE((*writer)->close());
  writer->reset();
  std::string expected = readable.substr(0, readable.find(':'));
  expected += expected.empty() ? "z: ok" : " z: ok";
  EXPECT_EQ(test::read_strict(directory), expected);
  EXPECT_TRUE(test::open_writer(directory));
  EXPECT_EQ(test::read_strict(directory), expected);
  return "ok";
}

struct Damage {
  const char* name;
  std::function<void(CrashDirectory&)> corrupt;
  const char* strict;
  const char* best_effort;
  const char* open;
};

void expect_verdicts(const std::vector<Damage>& table,
                     const std::function<std::shared_ptr<CrashDirectory>()>& log) {
  for (const Damage& damage : table) {
    SCOPED_TRACE(damage.name);
    const auto directory = log();
    damage.corrupt(*directory);
    const auto before = test::snapshot(*directory);
    EXPECT_EQ(read(directory, ReadMode::kStrict), damage.strict);
    EXPECT_EQ(read(directory, ReadMode::kBestEffort), damage.best_effort);
    EXPECT_EQ(test::snapshot(*directory), before) << "a reader has written";
    EXPECT_EQ(open_append_close(directory), damage.open);
  }
}

void remove(CrashDirectory& directory, std::uint64_t segment) {
  ASSERT_TRUE(directory.remove_durable(segment_path(SegmentId(segment))));
}

// Swapped, doubled, missing and foreign segments.
TEST(Damage, ToWholeSegments) {
  expect_verdicts(
      {
          {"none", [](auto&) {}, "a b c d e f: ok", "a b c d e f: ok", "ok"},
          {"a spare after it", [](auto& d) { put(d, 4, Bytes(100)); }, "a b c d e f: ok", "a b c d e f: ok",
           "ok"},
          {"an empty spare after it", [](auto& d) { put(d, 4, Bytes()); }, "a b c d e f: ok",
           "a b c d e f: ok", "ok"},
          {"two spares after an unsealed segment",
           [](auto& d) {
             put(d, 4, Bytes(8));
             put(d, 5, Bytes());
           },
           "a b c d e f: corrupt", "a b c d e f: corrupt", "corrupt"},
          {"three spares",
           [](auto& d) {
             for (const auto id : {4U, 5U, 6U}) put(d, id, Bytes(8));
           },
           "a b c d e f: format", "a b c d e f: format", "format"},
          {"the first segment truncated away", [](auto& d) { remove(d, 1); }, "c d e f: ok", "c d e f: ok",
           "ok"},
          // C2: a hole is refused by every way in.
          {"the second segment missing", [](auto& d) { remove(d, 2); }, "a b: corrupt", "a b: corrupt",
           "corrupt"},
          {"the last segment missing", [](auto& d) { remove(d, 3); }, "a b c d: corrupt", "a b c d: corrupt",
           "corrupt"},
          {"a spare after a gap", [](auto& d) { put(d, 5, Bytes(8)); }, "a b c d e f: corrupt",
           "a b c d e f: corrupt", "corrupt"},
          {"segments 1 and 2 swapped",
           [](auto& d) {
             put(d, 1, second());
             put(d, 2, first());
           },
           ": corrupt", ": corrupt", "corrupt"},
          {"segments 2 and 3 swapped",
           [](auto& d) {
             put(d, 2, third());
             put(d, 3, second());
           },
           "a b: corrupt", "a b: corrupt", "corrupt"},
          {"the last segment a second time under the next name", [](auto& d) { put(d, 4, third()); },
           "a b c d e f: corrupt", "a b c d e f: corrupt", "corrupt"},
          {"the first segment again under the next name", [](auto& d) { put(d, 4, first()); },
           "a b c d e f: corrupt", "a b c d e f: corrupt", "corrupt"},
          {"the last segment of another log",
           [](auto& d) { put(d, 3, SegmentImage(3, 5, log_id_from(1)).entry("x")); }, "a b c d: corrupt",
           "a b c d: corrupt", "corrupt"},
          {"an inner segment of another log",
           [](auto& d) { put(d, 2, SegmentImage(2, 3, log_id_from(1)).entry("x").entry("y").seal()); },
           "a b: corrupt", "a b: corrupt", "corrupt"},
          {"the last segment starts too late", [](auto& d) { put(d, 3, SegmentImage(3, 6).entry("x")); },
           "a b c d: corrupt", "a b c d: corrupt", "corrupt"},
          {"the last segment starts too early", [](auto& d) { put(d, 3, SegmentImage(3, 4).entry("x")); },
           "a b c d: corrupt", "a b c d: corrupt", "corrupt"},
          {"a segment 1 that does not begin at entry 1",
           [](auto& d) { put(d, 1, SegmentImage(1, 2).entry("b").seal()); }, ": corrupt", ": corrupt",
           "corrupt"},
          {"an unsealed inner segment", [](auto& d) { put(d, 2, SegmentImage(2, 3).entry("c").entry("d")); },
           "a b c d: corrupt", "a b c d: corrupt", "corrupt"},
          // Nothing says which version it was.
          {"zeros where the first segment was", [](auto& d) { put(d, 1, Bytes(100)); }, ": format",
           ": format", "format"},
          {"a header of the segment's former life",
           [](auto& d) {
             auto stale = third();
             const auto header = first().bytes;
             std::copy_n(header.begin(), v4::kHeaderBytes, stale.bytes.begin());
             put(d, 3, stale);
           },
           "a b c d e f: torn_tail", "a b c d e f: ok", "ok"},
          {"a header with a later segment's number",
           [](auto& d) {
             auto wrong = third();
             const auto header = SegmentImage(4, 5).bytes;
             std::copy_n(header.begin(), v4::kHeaderBytes, wrong.bytes.begin());
             put(d, 3, wrong);
           },
           "a b c d: corrupt", "a b c d: corrupt", "corrupt"},
          {"noise beside the segments",
           [](auto& d) { ASSERT_TRUE(d.write_durable("wal/wal_01.log", as_bytes("noise"))); },
           "a b c d e f: ok", "a b c d e f: ok", "ok"},
      },
      sound_log);
}

/// The table's damage to the last segment: a way to rebuild it.
std::function<void(CrashDirectory&)> last(const std::function<void(SegmentImage&)>& change) {
  return [change](CrashDirectory& directory) {
    SegmentImage image = third();
    change(image);
    put(directory, 3, image);
  };
}

TEST(Damage, ToTheFinalSegment) {
  expect_verdicts(
      {
          {"a flipped bit in the last entry", last([](auto& s) { s.flip(s.at(1) + 24); }),
           "a b c d e: torn_tail", "a b c d e: ok", "ok"},
          {"a flipped bit in an acknowledged entry", last([](auto& s) { s.flip(s.at(0) + 24); }),
           "a b c d: corrupt", "a b c d: corrupt", "corrupt"},
          {"a flipped bit in an entry that no frame vouches for",
           [](auto& d) { put(d, 3, SegmentImage(3, 5).entry("e").entry("f").entry("g").flip(64 + 24)); },
           "a b c d: torn_tail", "a b c d: ok", "ok"},
          {"garbage after it", last([](auto& s) { s.raw(as_bytes("garbage!garbage!")); }),
           "a b c d e f: torn_tail", "a b c d e f: ok", "ok"},
          {"one byte after it", last([](auto& s) { s.raw(as_bytes("x")); }), "a b c d e f: torn_tail",
           "a b c d e f: ok", "ok"},
          // In an unacknowledged tail a length is garbage like any other byte.
          {"a length over the cap after it", last([](auto& s) {
             Bytes head(24);
             store_le(MutableByteView(head), 4, std::uint32_t{0xffffffff});
             store_le(MutableByteView(head), 8, std::uint64_t{7});
             s.raw(head);
           }),
           "a b c d e f: torn_tail", "a b c d e f: ok", "ok"},
          // C30: preallocated padding is not a partial frame.
          {"zeros after it", last([](auto& s) { s.zeros(1000); }), "a b c d e f: ok", "a b c d e f: ok",
           "ok"},
          {"three zeros after it", last([](auto& s) { s.zeros(3); }), "a b c d e f: ok", "a b c d e f: ok",
           "ok"},
          {"only a header", [](auto& d) { put(d, 3, SegmentImage(3, 5)); }, "a b c d: ok", "a b c d: ok",
           "ok"},
          {"ids go on with a gap",
           last([](auto& s) { s.frame({.id = EntryId(8), .lag = 1}, as_bytes("x")); }),
           "a b c d e f: corrupt", "a b c d e f: corrupt", "corrupt"},
          {"the same id twice", last([](auto& s) { s.frame({.id = EntryId(6), .lag = 1}, as_bytes("x")); }),
           "a b c d e f: torn_tail", "a b c d e f: ok", "ok"},
          {"a mark with another id",
           last([](auto& s) { s.frame({.id = EntryId(5), .lag = 0, .kind = v4::FrameKind::kMark}, {}); }),
           "a b c d e f: torn_tail", "a b c d e f: ok", "ok"},
          {"a mark, then an entry", last([](auto& s) { s.durable(6).mark().entry("g"); }),
           "a b c d e f g: ok", "a b c d e f g: ok", "ok"},
          {"the entry before a mark flipped", last([](auto& s) { s.durable(6).mark().flip(s.at(1) + 24); }),
           "a b c d e: corrupt", "a b c d e: corrupt", "corrupt"},
          {"an unknown flag", last([](auto& s) { s.raw_frame(7, 1, 8, as_bytes("x")); }),
           "a b c d e f: format", "a b c d e f: format", "format"},
          {"a lag above the id", last([](auto& s) { s.raw_frame(7, 8, 0, as_bytes("x")); }),
           "a b c d e f: format", "a b c d e f: format", "format"},
          {"a mark with a payload", last([](auto& s) { s.raw_frame(6, 0, 2, as_bytes("x")); }),
           "a b c d e f: format", "a b c d e f: format", "format"},
          {"sealed, with a spare",
           [](auto& d) {
             put(d, 3, third().seal());
             put(d, 4, Bytes(8));
           },
           "a b c d e f: ok", "a b c d e f: ok", "ok"},
          {"sealed, with two spares",
           [](auto& d) {
             put(d, 3, third().seal());
             put(d, 4, Bytes(8));
             put(d, 5, Bytes());
           },
           "a b c d e f: ok", "a b c d e f: ok", "ok"},
          // V28: a sealed segment always has a file after it.
          {"sealed, without a spare", [](auto& d) { put(d, 3, third().seal()); }, "a b c d e f: corrupt",
           "a b c d e f: corrupt", "corrupt"},
          {"sealed, and garbage after the seal",
           [](auto& d) {
             put(d, 3, third().seal().raw(as_bytes("garbage")));
             put(d, 4, Bytes(8));
           },
           "a b c d e f: torn_tail", "a b c d e f: ok", "ok"},
          {"a seal that counts wrong", last([](auto& s) {
             s.frame({.id = EntryId(6), .kind = v4::FrameKind::kSeal}, v4::encode_seal({}));
           }),
           "a b c d e f: corrupt", "a b c d e f: corrupt", "corrupt"},
          {"reserved bytes of the header set", last([](auto& s) {
             s.bytes.at(50) = std::byte{1};
             store_le(MutableByteView(s.bytes), 60, crc32(ByteView(s.bytes).first(60)));
           }),
           "a b c d: format", "a b c d: format", "format"},
      },
      sound_log);
}

TEST(Damage, ToAnInnerSegmentIsCorruptAndOpeningTrustsOnlyAConfirmedSeal) {
  const auto inner = [](const std::function<void(SegmentImage&)>& change) {
    return [change](CrashDirectory& directory) {
      SegmentImage image = second();
      change(image);
      put(directory, 2, image);
    };
  };
  expect_verdicts(
      {
          {"its seal flipped", inner([](auto& s) { s.flip(s.at(2) + 30); }), "a b c d: corrupt",
           "a b c d: corrupt", "corrupt"},
          {"its header flipped", inner([](auto& s) { s.flip(9); }), "a b: corrupt", "a b: corrupt",
           "corrupt"},
          {"its seal cut off", inner([](auto& s) { s.bytes.resize(s.at(2)); }), "a b c d: corrupt",
           "a b c d: corrupt", "corrupt"},
          {"garbage after its seal", inner([](auto& s) { s.raw(as_bytes("garbage!")); }), "a b c d: corrupt",
           "a b c d: corrupt", "corrupt"},
          // C17: what was preallocated and not trimmed is no damage.
          {"zeros after its seal", inner([](auto& s) { s.zeros(500); }), "a b c d e f: ok", "a b c d e f: ok",
           "ok"},
      },
      sound_log);
}

// A header torn at each length, and zero-filled to where it would end.
TEST(Damage, AHeaderTornAfterASealedSegmentIsTorn) {
  for (std::size_t length = 0; length < v4::kHeaderBytes; ++length) {
    for (const bool zero_filled : {false, true}) {
      SCOPED_TRACE(fmt::format("{} bytes, zero-filled {}", length, zero_filled));
      const auto directory = sound_log();
      Bytes header = third().bytes;
      header.resize(length);
      if (zero_filled) header.resize(v4::kHeaderBytes);
      put(*directory, 3, header);
      // Nothing but zeros is a spare.
      EXPECT_EQ(test::read_strict(directory), length == 0 ? "a b c d: ok" : "a b c d: torn_tail");
      EXPECT_EQ(read(directory, ReadMode::kBestEffort), "a b c d: ok");
      EXPECT_EQ(open_append_close(directory), "ok");
    }
  }
}

// A first segment is renamed into place whole, so a torn header there is no crash's doing.
TEST(Damage, AHeaderTornInALoneSegmentIsCorrupt) {
  for (const std::uint64_t number : {std::uint64_t{1}, std::uint64_t{7}}) {
    for (std::size_t length = 0; length < v4::kHeaderBytes; ++length) {
      SCOPED_TRACE(fmt::format("segment {}, {} bytes", number, length));
      const auto directory = CrashDirectory::make();
      const auto whole = SegmentImage(number, number).bytes;
      put(*directory, number, ByteView(whole).first(length));
      if (length < 8 && (length > 0 || number == 1)) {
        // Too short to say its version: the older ones' rules are the milder ones.
        EXPECT_EQ(test::read_strict(directory), ": truncated");
        EXPECT_EQ(read(directory, ReadMode::kBestEffort), ": ok");
        EXPECT_EQ(open_append_close(directory), number == 1 ? "ok" : "invalid_state");
      } else {
        EXPECT_EQ(test::read_strict(directory), ": corrupt");
        EXPECT_EQ(read(directory, ReadMode::kBestEffort), ": corrupt");
        EXPECT_EQ(open_append_close(directory), "corrupt");
      }
    }
  }
}

// Ids never restart at 1 because a log's last segment was lost to zeros.
TEST(Damage, ALoneSegmentOfZerosStartsALogAnewOnlyAsNumberOne) {
  const auto lone = [](std::uint64_t number, WalOptions options) {
    const auto directory = CrashDirectory::make();
    put(*directory, number, Bytes(100));
    const auto writer = test::open_writer(directory, std::move(options));
    return writer ? fmt::format("segment {}, entry {}", (*writer)->segment_id(), (*writer)->next_entry_id())
                  : test::outcome(writer);
  };
  WalOptions later = test::test_options();
  later.first_entry_id = EntryId(100);
  EXPECT_EQ(lone(1, test::test_options()), "segment 1, entry 1");
  EXPECT_EQ(lone(1, later), "segment 2, entry 100");
  EXPECT_EQ(lone(2, test::test_options()), "corrupt");
  EXPECT_EQ(lone(2, later), "corrupt");
}

// C18: a lost header of the final segment does not set ids back.
TEST(Damage, AFinalSegmentWithoutItsHeaderGoesOnWithTheIdsThatAreDue) {
  const auto directory = sound_log();
  auto image = third();
  std::fill_n(image.bytes.begin(), v4::kHeaderBytes, std::byte{0});
  put(*directory, 3, image);
  const auto writer = test::open_writer(directory).value();
  EXPECT_EQ(writer->next_entry_id(), EntryId(7));
  EXPECT_TRUE(writer->recovery_report().repaired);
  EXPECT_EQ(writer->recovery_report().segment, SegmentId(3));
}

// A payload that looks like a frame is a payload. After damage, a frame of another place never counts;
// a perfect imitation (a log stored in itself) makes it corrupt, never a wrong entry.
TEST(Damage, APayloadThatImitatesAFrameIsAPayload) {
  const auto imitation = [](const SegmentImage& of) {
    const auto frame = ByteView(of.bytes).subspan(of.at(0));
    return std::string(as_text(frame));
  };
  const std::string foreign =
      imitation(SegmentImage(2, 2).frame({.id = EntryId(2), .lag = 0}, as_bytes("fake")));
  const std::string perfect =
      imitation(SegmentImage(1).frame({.id = EntryId(2), .lag = 0}, as_bytes("fake")));
  for (const std::string& payload : {foreign, perfect}) {
    const auto directory = CrashDirectory::make();
    put(*directory, 1, SegmentImage(1).entry("a").entry(payload).entry("c"));
    EXPECT_EQ(test::read_strict(directory), "a " + payload + " c: ok");
  }
  const auto read_torn_with = [](const std::string& payload) {
    const auto directory = CrashDirectory::make();
    SegmentImage image = SegmentImage(1).entry("a").entry(payload);
    image.flip(image.at(1));
    put(*directory, 1, image);
    EXPECT_EQ(read(directory, ReadMode::kBestEffort),
              test::read_strict(directory) == "a: torn_tail" ? "a: ok" : "a: corrupt");
    return test::read_strict(directory);
  };
  EXPECT_EQ(read_torn_with(foreign), "a: torn_tail");
  EXPECT_EQ(read_torn_with(perfect), "a: corrupt");
}

// Zeros after a damaged head look like the end of a preallocated segment. They were acknowledged.
TEST(Damage, APayloadOfZerosWithAFlippedBitIsCorruptNotTorn) {
  const std::string zeros(200, '\0');
  SegmentImage image = SegmentImage(1).entry("a").entry(zeros).durable(2).mark().zeros(100);
  for (std::size_t byte = image.at(1); byte < image.at(2); ++byte) {
    const auto directory = CrashDirectory::make();
    SegmentImage damaged = image;
    put(*directory, 1, damaged.flip(byte, byte % 8));
    EXPECT_EQ(test::read_strict(directory), "a: corrupt") << byte;
    EXPECT_EQ(open_append_close(directory), "corrupt") << byte;
  }
}

// Of a torn batch the whole entries before the tear stay; of a torn atomic batch nothing does.
TEST(Damage, ATornBatchKeepsItsPrefixAndATornAtomicBatchNothing) {
  const SegmentImage batch = SegmentImage(1).entry("a").entry("b").entry("c").entry("d");
  const SegmentImage atomic = SegmentImage(1).entry("a").part("b").part("c").entry("d");
  for (std::size_t length = batch.at(1); length < batch.at(3) + 25; ++length) {
    SCOPED_TRACE(length);
    const auto directory = CrashDirectory::make();
    put(*directory, 1, ByteView(batch.bytes).first(length));
    const bool b_is_whole = length >= batch.at(1) + 25;
    const bool c_is_whole = length >= batch.at(2) + 25;
    EXPECT_EQ(read(directory, ReadMode::kBestEffort), c_is_whole   ? "a b c: ok"
                                                      : b_is_whole ? "a b: ok"
                                                                   : "a: ok");
    EXPECT_EQ(open_append_close(directory), "ok");

    const auto second = CrashDirectory::make();
    put(*second, 1, ByteView(atomic.bytes).first(length));
    EXPECT_EQ(read(second, ReadMode::kBestEffort), "a: ok");
    EXPECT_EQ(test::read_strict(second), length == atomic.at(1) ? "a: ok" : "a: torn_tail");
    EXPECT_EQ(open_append_close(second), "ok");
  }
}

// V5: neither a mark, a seal nor the next entry ends a dead batch.
TEST(Damage, NothingJoinsAnOpenBatch) {
  const auto reads = [](const SegmentImage& image) {
    const auto directory = CrashDirectory::make();
    put(*directory, 1, image);
    return read(directory, ReadMode::kBestEffort);
  };
  EXPECT_EQ(reads(SegmentImage(1).entry("a").part("b").part("c").entry("d")), "a b c d: ok");
  EXPECT_EQ(reads(SegmentImage(1).entry("a").part("b").mark()), "a: ok");
  EXPECT_EQ(reads(SegmentImage(1).entry("a").part("b").seal()), "a: ok");
}

}  // namespace
}  // namespace durability::walog
