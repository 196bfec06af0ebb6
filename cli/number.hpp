#pragma once

// Whole numbers of the command line, read strictly: CLI11 alone takes -1 for 2^64 - 1, and 010 for 8.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace durability::cli {

/// Decimal digits, and nothing else; none where the number does not fit.
inline std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return number;
}

/// For Option::transform: a number from `least` to `most`.
inline CLI::Validator number(std::uint64_t least = 0,
                             std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) {
  const auto check = [least, most](std::string& text) -> std::string {
    const auto value = parse_number(text);
    if (!value || *value < least || *value > most) {
      return fmt::format("use a whole number from {} to {}, not {}", least, most, text);
    }
    text = fmt::to_string(*value);
    return {};
  };
  return CLI::Validator(check, "");
}

}  // namespace durability::cli
