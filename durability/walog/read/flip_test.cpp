// No single damaged bit, and no cut, makes strict reading say "ok" of a log that lacks an acknowledged
// entry, makes any reading deliver a wrong one, or lets opening change what it refuses.

#include <gtest/gtest.h>

#include <set>

#include "durability/walog/test_support.hpp"

namespace durability::walog {
namespace {

using test::CrashDirectory;
using test::put;
using test::SegmentImage;

struct Reading {
  std::vector<std::string> texts;
  std::string code;
};

Reading read_log(const std::shared_ptr<Directory>& directory, ReadMode mode) {
  Reading reading;
  const auto report = ByteReader(directory).for_each(mode, {}, [&](const WalEntryView& view) {
    reading.texts.emplace_back(as_text(view.payload));
    return Result<Flow>(Flow::kContinue);
  });
  reading.code = test::outcome(report);
  return reading;
}

bool is_prefix(const std::vector<std::string>& part, const std::vector<std::string>& whole) {
  return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}

/// A log that a writer made: several segments, an atomic batch, a spare, and a mark where it was closed.
class WrittenLog : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    const std::shared_ptr<Directory> directory = CrashDirectory::make();
    auto writer = test::open_writer(directory).value();
    for (int i = 0; i < 9; ++i) {
      entries_.push_back(fmt::format("entry number {}", i));
      ASSERT_TRUE(writer->append(as_bytes(entries_.back())));
      ASSERT_TRUE(writer->flush_and_sync());
    }
    const std::vector<ByteView> batch = {as_bytes("x"), as_bytes("y"), as_bytes("z")};
    ASSERT_TRUE(writer->append_batch_atomic(batch));
    for (const auto view : batch) entries_.emplace_back(as_text(view));
    ASSERT_TRUE(writer->flush_and_sync());
    if (GetParam()) {
      ASSERT_TRUE(writer->close());
    }
    files_ = test::snapshot(*directory);
    ASSERT_TRUE(ByteReader(directory).for_each(ReadMode::kStrict, {}, [&](const WalEntryView& view) {
      if (const auto name = segment_path(view.segment).substr(4); name != last_) {
        last_ = name;
        ends_ = {0, v4::kHeaderBytes};
      }
      const std::size_t end = view.offset + v4::kFrameHeadBytes + view.payload.size();
      for (std::size_t gap = 0; gap < 8 && end + gap <= align8(end); ++gap) ends_.insert(end + gap);
      return Result<Flow>(Flow::kContinue);
    }));
    ASSERT_GE(files_.size(), 4U);
  }

  /// Has every reader and opener try the log with one file changed.
  void check(const std::string& name, const std::string& contents, const std::string& what,
             bool cut = false) const {
    const auto directory = CrashDirectory::make();
    for (const auto& [other, bytes] : files_) {
      ASSERT_TRUE(directory->write_durable("wal/" + other, as_bytes(other == name ? contents : bytes)));
    }
    const auto before = test::snapshot(*directory);
    const Reading strict = read_log(directory, ReadMode::kStrict);
    const Reading best = read_log(directory, ReadMode::kBestEffort);
    const ByteReader small(directory, 128);
    ASSERT_EQ(test::read_fully(small.reading_ahead(), ReadMode::kStrict),
              test::read_fully(small, ReadMode::kStrict))
        << what;
    ASSERT_TRUE(is_prefix(strict.texts, entries_)) << what;
    ASSERT_TRUE(is_prefix(best.texts, entries_)) << what;
    if (strict.code == "ok") {
      ASSERT_EQ(strict.texts, entries_) << what << ": fine, though something is missing";
    }
    if (best.code == "ok") {
      // What no later frame vouches for cannot be distinguished from a torn tail: the last group at most.
      ASSERT_GE(best.texts.size(), GetParam() && !cut ? entries_.size() : entries_.size() - 3) << what;
    }
    const auto opened = test::open_writer(directory);
    if (!opened) {
      ASSERT_EQ(test::snapshot(*directory), before) << what << ": refused, and changed";
    } else if (best.code == "ok") {
      ASSERT_EQ((*opened)->last_entry_id().value(), best.texts.size()) << what;
    } else {
      // Opening trusts seals: damage before one is left for `verify` to find, no id is used again.
      ASSERT_EQ((*opened)->last_entry_id().value(), entries_.size()) << what;
    }
  }

  std::vector<std::string> entries_;
  std::map<std::string, std::string> files_;
  std::string last_;            // the final segment's name
  std::set<std::size_t> ends_;  // where a frame of it ends, its gap included
};

INSTANTIATE_TEST_SUITE_P(Log, WrittenLog, ::testing::Values(false, true),
                         [](const auto& log) { return log.param ? "Closed" : "Open"; });

// C13: heads are under the checksum like payloads.
TEST_P(WrittenLog, SurvivesNoFlippedBitUnnoticed) {
  for (const auto& [name, bytes] : files_) {
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      std::string damaged = bytes;
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
      check(name, damaged, fmt::format("{} bit {}", name, bit));
      if (HasFatalFailure()) return;
    }
  }
}

// A final segment that ends with a whole frame, or is empty, is a log that ended there: nothing that is left
// could know better. Every other cut is seen.
TEST_P(WrittenLog, SurvivesNoCutUnnoticed) {
  for (const auto& [name, bytes] : files_) {
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      if (name == last_ && ends_.contains(size)) continue;
      check(name, bytes.substr(0, size), fmt::format("{} cut to {}", name, size), name == last_);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(WrittenLog, SurvivesNoZeroedSectorUnnoticed) {
  for (const auto& [name, bytes] : files_) {
    for (std::size_t begin = 0; begin < bytes.size(); begin += 32) {
      std::string damaged = bytes;
      std::fill_n(damaged.begin() + static_cast<std::ptrdiff_t>(begin),
                  std::min<std::size_t>(32, bytes.size() - begin), '\0');
      check(name, damaged, fmt::format("{} zeroed at {}", name, begin));
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(WrittenLog, SurvivesNoMissingFileUnnoticed) {
  for (const auto& [gone, bytes] : files_) {
    const auto directory = CrashDirectory::make();
    for (const auto& [name, contents] : files_) {
      if (name == gone) continue;
      ASSERT_TRUE(directory->write_durable("wal/" + name, as_bytes(contents)));
    }
    const Reading strict = read_log(directory, ReadMode::kStrict);
    const bool is_spare = bytes.find_first_not_of('\0') == std::string::npos;
    if (is_spare) {
      EXPECT_EQ(strict.code, "ok") << gone << " held nothing";
      EXPECT_EQ(strict.texts, entries_);
    } else if (gone == "wal_1.log") {
      EXPECT_TRUE(
          is_prefix({strict.texts.rbegin(), strict.texts.rend()}, {entries_.rbegin(), entries_.rend()}));
    } else {
      EXPECT_NE(strict.code, "ok") << gone;
    }
  }
}

// F6: a writer of the Rust crate's version 3 that was killed after a bit of the last frame's length had
// flipped cut the frame off as torn, dropped an acknowledged entry and gave its id to the next one. Here
// the length is one damaged field like any other, and the mark after it vouches for the entry.
TEST(Flip, ABitOfTheLastFramesLengthDoesNotDropAnAcknowledgedEntry) {
  const SegmentImage image = SegmentImage(1).entry("a").entry("acknowledged").durable(2).mark();
  for (unsigned bit = 0; bit < 32; ++bit) {
    const auto directory = CrashDirectory::make();
    SegmentImage damaged = image;
    put(*directory, 1, damaged.flip(image.at(1) + 4 + bit / 8, bit % 8));
    EXPECT_EQ(test::read(directory, ReadMode::kBestEffort), "a: corrupt") << bit;
    EXPECT_EQ(test::outcome(test::open_writer(directory)), "corrupt") << bit;
    EXPECT_EQ(test::segment_bytes(*directory, 1), damaged.bytes);
  }
}

// A log of one segment and its spare, whose segment was cut to 1 to 7 bytes, opened as one that begins
// again, and its entries were gone: so few bytes say no version, and a header of versions 2 and 3 that ends
// there is a tear. A spare says that the header before it was durable.
TEST(Flip, ACutHeaderBeforeASpareIsDamage) {
  const SegmentImage image = SegmentImage(1).entry("acknowledged").durable(1).mark();
  for (std::size_t size = 0; size < v4::kHeaderBytes; ++size) {
    SCOPED_TRACE(size);
    const auto directory = CrashDirectory::make();
    SegmentImage cut = image;
    cut.bytes.resize(size);
    put(*directory, 1, cut);
    put(*directory, 2, Bytes(8));
    EXPECT_EQ(test::read(directory, ReadMode::kBestEffort), ": corrupt");
    EXPECT_EQ(test::outcome(test::open_writer(directory)), "corrupt");
    EXPECT_EQ(test::segment_bytes(*directory, 1), cut.bytes);
  }
}

// The same where version 4 went on after version 3.
TEST(Flip, ACutHeaderBeforeASpareIsDamageAfterAnOlderVersion) {
  WalOptions options = test::test_options();
  options.format = WalFormat::kV3;
  for (std::size_t size = 1; size < v4::kHeaderBytes; ++size) {
    SCOPED_TRACE(size);
    const auto directory = CrashDirectory::make();
    auto older = test::open_writer(directory, options).value();
    ASSERT_TRUE(older->append(as_bytes("older")));
    ASSERT_TRUE(older->close());
    SegmentImage cut = SegmentImage(2, 2).entry("acknowledged").durable(2).mark();
    cut.bytes.resize(size);
    put(*directory, 2, cut);
    put(*directory, 3, Bytes(8));
    EXPECT_EQ(test::read(directory, ReadMode::kBestEffort), "older: corrupt");
    EXPECT_EQ(test::outcome(test::open_writer(directory)), "corrupt");
    EXPECT_EQ(test::segment_bytes(*directory, 2), cut.bytes);
  }
}

}  // namespace
}  // namespace durability::walog
