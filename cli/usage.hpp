#pragma once

// What is wrong with a command line, in this tool's own words.

#include <CLI/CLI.hpp>
#include <span>

#include "durability/base/error.hpp"

namespace durability::cli {

/// `invalid_config`: names what is wrong, and what it is most like where it is a command or an option that
/// does not exist. `error` is what parsing `arguments` (the tool's name first) threw.
[[nodiscard]] Error explain_usage(const CLI::App& app, const CLI::ParseError& error,
                                  std::span<char* const> arguments);

}  // namespace durability::cli
