#pragma once

// Whole numbers and sizes of the command line, read strictly: CLI11 alone takes -1 for 2^64 - 1, and 010
// for 8.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace durability::cli {

/// Decimal digits, and nothing else; none where the number does not fit.
inline std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return number;
}

/// Decimal digits and perhaps a unit: k, M, G or T, in either case, alone or with iB. Units are powers of
/// 1024.
inline std::optional<std::uint64_t> parse_size(std::string_view text) {
  constexpr std::string_view kUnits = "kmgt";
  if (text.ends_with("iB") && text.size() > 2) {
    text.remove_suffix(2);
    if (text.back() >= '0' && text.back() <= '9') return {};
  }
  unsigned shift = 0;
  if (!text.empty()) {
    const char unit = static_cast<char>(text.back() | 0x20);
    if (const std::size_t at = kUnits.find(unit); at != std::string_view::npos) {
      shift = 10 * (static_cast<unsigned>(at) + 1);
      text.remove_suffix(1);
    }
  }
  const auto number = parse_number(text);
  if (!number || *number > std::numeric_limits<std::uint64_t>::max() >> shift) return {};
  return *number << shift;
}

/// For Option::transform: a size in bytes.
inline CLI::Validator size() {
  const auto check = [](std::string& text) -> std::string {
    const auto value = parse_size(text);
    if (!value) return fmt::format("use a size in bytes, or one like 64k, 64M, 1G or 64MiB, not {}", text);
    text = fmt::to_string(*value);
    return {};
  };
  return CLI::Validator(check, "");
}

/// For Option::check: one of `words`, which `listed` lists for a person.
inline CLI::Validator one_of(std::vector<std::string> words, std::string listed) {
  const auto check = [words = std::move(words),
                      listed = std::move(listed)](std::string& text) -> std::string {
    for (const std::string& word : words) {
      if (text == word) return {};
    }
    return fmt::format("use {}, not {}", listed, text);
  };
  return CLI::Validator(check, "");
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
