// A tear that is seen beside a live writer, and one that stays.

#include <gtest/gtest.h>

#include "durability/walog/test_support.hpp"

namespace durability::walog {
namespace {

using test::FaultyDirectory;
using test::Operation;
using test::put;
using test::SegmentImage;

// A group is written in several steps, and a reading may fall between two of them. Best effort took the half
// that it saw for a torn tail, beside a healthy writer: in 2 of 79,669 readings.
TEST(WalReader, BestEffortReportsNoTearThatIsGoneWhenItLooksAgain) {
  const auto memory = MemoryDirectory::make();
  SegmentImage one(1);
  one.entry("a").entry("b");
  Bytes half = one.bytes;
  half.resize(half.size() - 8);
  put(*memory, 1, half);
  const auto faulty = FaultyDirectory::make(memory);
  int lists = 0;
  faulty->set_hook([&](const auto& operation) -> std::optional<testing::Injection> {
    if (operation.operation == Operation::kList && ++lists == 2) put(*memory, 1, one);
    return std::nullopt;
  });
  EXPECT_EQ(
      test::read_fully(ByteReader(faulty), ReadMode::kBestEffort),
      fmt::format("1 at 1:64 a\n2 at 1:96 b\n1 to 3, 1 segments, {} bytes, torn: false", one.bytes.size()));
}

TEST(WalReader, BestEffortReportsATearThatStays) {
  const auto memory = MemoryDirectory::make();
  put(*memory, 1, SegmentImage(1).entry("a").raw(as_bytes("torn")));
  EXPECT_EQ(test::read_fully(ByteReader(memory), ReadMode::kBestEffort),
            "1 at 1:64 a\n1 to 2, 1 segments, 100 bytes, torn: true");
}

// A writer that is always in the middle of a group: what was read is a prefix, and no tear was seen twice.
TEST(WalReader, BestEffortNeitherFailsNorReportsATearBesideAWriterThatNeverPauses) {
  const auto memory = MemoryDirectory::make();
  const auto faulty = FaultyDirectory::make(memory);
  put(*memory, 1, SegmentImage(1).entry("a").raw(as_bytes("torn")));
  unsigned lists = 0;
  faulty->set_hook([&](const auto& operation) -> std::optional<testing::Injection> {
    if (operation.operation == Operation::kList) {
      put(*memory, 1, SegmentImage(1).entry("a").raw(as_bytes(fmt::format("torn {}", ++lists))));
    }
    return std::nullopt;
  });
  const auto words = test::read_fully(ByteReader(faulty), ReadMode::kBestEffort);
  EXPECT_NE(words.find("torn: false"), std::string::npos) << words;
  EXPECT_NE(test::read_fully(ByteReader(faulty), ReadMode::kStrict).find("faster than it can be read"),
            std::string::npos);
}

}  // namespace
}  // namespace durability::walog
