#include "durability/base/crc32.hpp"

#include <libdeflate.h>

#include <array>

namespace durability {
namespace {

// A checksum is a polynomial over GF(2), its bit 31 the coefficient of x^0. Appending n bytes multiplies it
// by x^8n modulo the checksum's polynomial, which takes one multiplication for each bit of n.

constexpr std::uint32_t kPolynomial = 0xEDB88320;

constexpr std::uint32_t multiply(std::uint32_t left, std::uint32_t right) noexcept {
  std::uint32_t product = 0;
  for (std::uint32_t bit = 1U << 31U; bit != 0; bit >>= 1U) {
    if ((left & bit) != 0) product ^= right;
    right = (right & 1U) != 0 ? (right >> 1U) ^ kPolynomial : right >> 1U;
  }
  return product;
}

// x^8, x^16, x^32, …: the shifts by 1, 2, 4, … bytes. x^(2^32) is x again.
constexpr auto kShifts = [] {
  std::array<std::uint32_t, 32> shifts{};
  std::uint32_t power = 1U << 23U;
  for (std::uint32_t& shift : shifts) {
    shift = power;
    power = multiply(power, power);
  }
  return shifts;
}();

}  // namespace

std::uint32_t crc32(ByteView bytes, std::uint32_t start) noexcept {
  // libdeflate answers 0 for a null pointer, whatever the start value.
  if (bytes.empty()) return start;
  return libdeflate_crc32(start, bytes.data(), bytes.size());
}

std::uint32_t crc32_combine(std::uint32_t front, std::uint32_t back, std::uint64_t back_bytes) noexcept {
  for (std::size_t bit = 0; back_bytes != 0; ++bit, back_bytes >>= 1U) {
    if ((back_bytes & 1U) != 0) front = multiply(kShifts.at(bit % kShifts.size()), front);
  }
  return front ^ back;
}

}  // namespace durability
