#include "durability/base/crc32.hpp"

#include <gtest/gtest.h>

namespace durability {
namespace {

// The check value of CRC-32/ISO-HDLC in the catalogue of parametrised CRC algorithms, and others that
// any zlib gives.
TEST(Crc32, IsTheIeeeOne) {
  EXPECT_EQ(crc32(as_bytes("123456789")), 0xcbf43926U);
  EXPECT_EQ(crc32(as_bytes("a")), 0xe8b7be43U);
  EXPECT_EQ(crc32(as_bytes("The quick brown fox jumps over the lazy dog")), 0x414fa339U);
  EXPECT_EQ(crc32(Bytes(32)), 0x190a55adU);
}

// libdeflate answers 0 for a null pointer, whatever the start.
TEST(Crc32, OfNothingIsWhereItStarted) {
  EXPECT_EQ(crc32({}), 0U);
  EXPECT_EQ(crc32({}, 0xcbf43926U), 0xcbf43926U);
  EXPECT_EQ(crc32(as_bytes("x").first(0), 5), 5U);
}

TEST(Crc32, InTwoPartsCutAnywhereEqualsTheWhole) {
  Bytes bytes(300);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7 % 251);
  const ByteView whole(bytes);
  const std::uint32_t expected = crc32(whole);
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    EXPECT_EQ(crc32(whole.subspan(cut), crc32(whole.first(cut))), expected) << cut;
  }
}

TEST(Crc32, OfTwoPartsFollowsFromTheirs) {
  Bytes bytes(5000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 31 % 253);
  const ByteView whole(bytes);
  for (std::size_t cut = 0; cut <= whole.size(); cut += 7) {
    const ByteView back = whole.subspan(cut);
    EXPECT_EQ(crc32_combine(crc32(whole.first(cut)), crc32(back), back.size()), crc32(whole)) << cut;
    EXPECT_EQ(crc32_combine(0x12345678, crc32(back), back.size()), crc32(back, 0x12345678)) << cut;
  }
  // Of a length that no test writes: 2^33 zeros, by way of 2^32 and 2^32.
  const std::uint64_t half = std::uint64_t{1} << 32U;
  const std::uint32_t once = crc32_combine(7, 0, half);
  EXPECT_EQ(crc32_combine(once, 0, half), crc32_combine(7, 0, 2 * half));
}

TEST(Crc32, SeesEveryFlippedBit) {
  Bytes bytes(40, std::byte{0x5a});
  const std::uint32_t sound = crc32(bytes);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_NE(crc32(bytes), sound) << bit;
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
  }
}

}  // namespace
}  // namespace durability
