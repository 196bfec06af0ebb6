#include "durability/codec/utf8.hpp"

#include <boost/locale/utf.hpp>
#include <cstdint>
#include <cstring>

namespace durability {

namespace {

// Most text is ASCII, and eight such bytes are one comparison.
const char* skip_ascii(const char* at, const char* end) noexcept {
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  while (end - at >= 8) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, at, sizeof eight);
    if ((eight & kHighBits) != 0) break;
    at += 8;
  }
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
