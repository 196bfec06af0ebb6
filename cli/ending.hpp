#pragma once

// How the tool ends where the system lets it down: one line, status 1, whatever is missing.

#include <exception>
#include <string>

#include "output.hpp"

namespace durability::cli {

/// Of a command on what is in its place.
enum class Effect { kReads, kWrites };

/// A write to a pipe that nobody reads, or beyond the greatest size of a file, is an error of that write and
/// no death. Standard streams that are closed get a descriptor that fails to be read, or written.
void prepare_streams_and_signals();

/// From now on memory that ends, in whatever thread and within whatever call, ends the tool: with one line
/// (`json`: one object) and status 1. What counted until then is in the log; a log that was open is as a
/// crash leaves it.
void end_when_memory_ends(bool json);

/// What that line, or object, says of the command that now begins. While there is one thread.
void prepare_end_of_memory(const std::string& place, Effect effect);

/// Says that this should not have been thrown. Status 1.
[[nodiscard]] ExitStatus report_exception(const std::exception& exception, bool json);

/// Closes standard output, where some systems report only then that nothing was kept.
[[nodiscard]] ExitStatus close_output(ExitStatus status);

}  // namespace durability::cli
