#include "durability/codec/utf8.hpp"

#include <boost/locale/utf.hpp>
#include <cstdint>
#include <cstring>

namespace durability {

namespace {

constexpr std::uint64_t kHighBits = 0x8080808080808080;

std::uint64_t load_eight(const char* at) noexcept {
  std::uint64_t eight = 0;
  std::memcpy(&eight, at, sizeof eight);
  return eight;
}

// Most text is ASCII: four comparisons' worth of it at a time, then one's, then the rest.
const char* skip_ascii(const char* at, const char* end) noexcept {
  for (; end - at >= 32; at += 32) {
    const std::uint64_t all = load_eight(at) | load_eight(at + 8) | load_eight(at + 16) | load_eight(at + 24);
    if ((all & kHighBits) != 0) break;
  }
  while (end - at >= 8 && (load_eight(at) & kHighBits) == 0) at += 8;
  while (at != end && static_cast<unsigned char>(*at) < 0x80) ++at;
  return at;
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  using Utf8 = boost::locale::utf::utf_traits<char>;
  const char* at = text.data();
  const char* const end = at + text.size();
  while ((at = skip_ascii(at, end)) != end) {
    if (!boost::locale::utf::is_valid_codepoint(Utf8::decode(at, end))) return false;
  }
  return true;
}

}  // namespace durability
