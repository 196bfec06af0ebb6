#pragma once

// What a fuzz target says when a property does not hold.

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <source_location>
#include <string_view>

#include "durability/base/result.hpp"

namespace durability::fuzz {

/// Ends the program, so that libFuzzer keeps the input, unless `holds`.
inline void require(bool holds, std::string_view what,
                    std::source_location where = std::source_location::current()) {
  if (holds) return;
  fmt::print(stderr, "{}:{}: does not hold: {}\n", where.file_name(), where.line(), what);
  std::abort();
}

/// The same for a call that must succeed.
template <class T>
void require_ok(const Result<T>& result, std::string_view what,
                std::source_location where = std::source_location::current()) {
  if (result) return;
  require(false, fmt::format("{}: {}", what, result.error()), where);
}

/// An error about a file says which, and what is safe to do.
inline void require_helpful(const Error& error,
                            std::source_location where = std::source_location::current()) {
  if (!error.path().empty() && !error.advice().empty()) return;
  require(false, fmt::format("an error names its file and gives advice: {}", error), where);
}

}  // namespace durability::fuzz
