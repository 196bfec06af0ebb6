#pragma once

#include <string_view>

namespace durability {

/// True where `text` is UTF-8 as Unicode defines it, and Rust's `str` with it: shortest forms only, no
/// surrogates, nothing above U+10FFFF. An empty text is.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

}  // namespace durability
