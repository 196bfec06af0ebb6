#pragma once

// --strict and --best-effort, for the commands that read a log.

#include <CLI/CLI.hpp>
#include <string>

#include "durability/base/reading.hpp"

namespace durability::cli {

/// As `mode` is, unless an option says otherwise.
inline void add_read_mode(CLI::App& command, ReadMode& mode) {
  const auto help = [&mode](ReadMode other, const char* text) {
    return mode == other ? std::string(text) + " (the default)" : text;
  };
  auto* strict = command.add_flag_callback(
      "--strict", [&mode] { mode = ReadMode::kStrict; },
      help(ReadMode::kStrict, "Anything but a clean end is an error"));
  command
      .add_flag_callback(
          "--best-effort", [&mode] { mode = ReadMode::kBestEffort; },
          help(ReadMode::kBestEffort,
               "Leave out a torn tail, which no acknowledgement covers; damage stays an error"))
      ->excludes(strict);
}

}  // namespace durability::cli
