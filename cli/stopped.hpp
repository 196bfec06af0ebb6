#pragma once

// What an append says where a signal ended its input.

#include <string>

#include "line_reader.hpp"
#include "output.hpp"
#include "stop_signals.hpp"

namespace durability::cli {

/// Why input ended before its end.
struct Stopped {
  const char* by = nullptr;  ///< a signal's name
  std::size_t unfinished_bytes = 0;

  static Stopped of(StopSignals& signals, const LineReader& reader) {
    return {.by = signals.received(), .unfinished_bytes = reader.unfinished_bytes()};
  }

  /// To stand at the end of a sentence.
  [[nodiscard]] std::string text() const {
    if (by == nullptr) return "";
    const std::string rest = unfinished_bytes == 0
                                 ? ""
                                 : fmt::format(", {} bytes of an unfinished line left out", unfinished_bytes);
    return fmt::format("; stopped by {}{}", by, rest);
  }
  void add_to(Json& fields) const {
    if (by != nullptr) fields.update(Json{{"stopped_by", by}, {"unfinished_bytes", unfinished_bytes}});
  }
};

}  // namespace durability::cli
