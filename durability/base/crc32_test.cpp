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
