#pragma once

// What the peers that are key-value stores have in common: an entry's key is its number, in an order in which
// they sort it last.

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "contender.hpp"

namespace bench {

/// Ends the process where a peer failed.
inline void must(bool ok, const std::string& what) {
  if (ok) return;
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

/// Eight bytes, the highest first.
class Key {
 public:
  explicit Key(std::uint64_t number) {
    for (std::size_t i = 0; i < 8; ++i) bytes_[i] = static_cast<char>((number >> (56 - 8 * i)) & 0xffU);
  }
  [[nodiscard]] char* data() noexcept { return bytes_.data(); }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }

 private:
  std::array<char, 8> bytes_{};
};

/// 1 for a payload whose every byte has been read, so that replay is that also where no checksum is verified.
inline std::uint64_t read_whole(std::string_view payload) {
  must(payload.find('\0') == std::string_view::npos, "a payload has changed");
  return 1;
}

/// How many entries go into a transaction where nothing is synced, for peers that would not be fast without.
inline constexpr std::uint64_t kBatch = 1000;

}  // namespace bench
