#pragma once

// --strict and --best-effort, for the commands that read a log.

#include <CLI/CLI.hpp>

#include "durability/walog/verdict.hpp"

namespace durability::cli {

/// Strict, unless told otherwise.
inline void add_read_mode(CLI::App& command, ReadMode& mode) {
  auto* strict = command.add_flag_callback(
      "--strict", [&mode] { mode = ReadMode::kStrict; },
      "Anything but a clean end is an error (this is so unless --best-effort is given)");
  command
      .add_flag_callback(
          "--best-effort", [&mode] { mode = ReadMode::kBestEffort; },
          "Leave out a torn tail, which no acknowledgement covers; damage stays an error")
      ->excludes(strict);
}

}  // namespace durability::cli
