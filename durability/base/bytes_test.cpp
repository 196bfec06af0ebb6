#include "durability/base/bytes.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace durability {
namespace {

TEST(Bytes, IntegersAreLittleEndianAtAnyOffset) {
  Bytes bytes(16, std::byte{0xee});
  store_le<std::uint32_t>(bytes, 3, 0x04030201U);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(bytes[3 + i], static_cast<std::byte>(i + 1));
  EXPECT_EQ(bytes[2], std::byte{0xee});
  EXPECT_EQ(bytes[7], std::byte{0xee});
  EXPECT_EQ(load_le<std::uint32_t>(bytes, 3), 0x04030201U);
  store_le<std::uint64_t>(bytes, 5, std::numeric_limits<std::uint64_t>::max() - 1);
  EXPECT_EQ(load_le<std::uint64_t>(bytes, 5), std::numeric_limits<std::uint64_t>::max() - 1);
  EXPECT_EQ(load_le<std::uint8_t>(bytes, 5), 0xfeU);
}

TEST(Bytes, TextAndBytesAreViewsOfEachOther) {
  constexpr std::string_view kText("a\0b", 3);
  EXPECT_EQ(as_bytes(kText).size(), 3U);
  EXPECT_EQ(as_text(as_bytes(kText)), kText);
  EXPECT_EQ(as_text(as_bytes(kText)).data(), kText.data());
}

// Each length and each place of the one byte that is not zero: the search goes eight at a time.
TEST(Bytes, FindsTheLastByteThatIsNotZeroWhereverItIs) {
  for (std::size_t size = 0; size <= 40; ++size) {
    Bytes bytes(size);
    EXPECT_TRUE(all_zeros(bytes));
    EXPECT_EQ(length_without_trailing_zeros(bytes), 0U);
    for (std::size_t at = 0; at < size; ++at) {
      bytes[at] = std::byte{0x80};
      EXPECT_FALSE(all_zeros(bytes));
      EXPECT_EQ(length_without_trailing_zeros(bytes), at + 1) << size;
      bytes[at] = std::byte{0};
    }
  }
}

TEST(Bytes, Align8RoundsUpToTheNextMultiple) {
  EXPECT_EQ(align8(0), 0U);
  for (std::uint64_t value = 1; value <= 8; ++value) EXPECT_EQ(align8(value), 8U);
  EXPECT_EQ(align8(9), 16U);
}

}  // namespace
}  // namespace durability
