#pragma once

// What the commands that dump logs share: much output, a line at a time.

#include <string>
#include <string_view>

#include "durability/base/bytes.hpp"
#include "output.hpp"

namespace durability::cli {

/// Lines on their way to standard output, written in pieces.
class DumpOutput {
 public:
  DumpOutput() { text_.reserve(kBuffer); }

  /// To be appended to: the line, without its newline.
  [[nodiscard]] std::string& line() noexcept { return text_; }
  void add_hex(ByteView bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (const std::byte byte : bytes) {
      text_ += kDigits[std::to_integer<unsigned>(byte) >> 4U];
      text_ += kDigits[std::to_integer<unsigned>(byte) & 15U];
    }
  }
  Status end_line() {
    text_ += '\n';
    return text_.size() < kBuffer ? Status{} : flush();
  }

  Status flush() {
    Status written = write_to_stdout(text_);
    text_.clear();
    return written;
  }

 private:
  static constexpr std::size_t kBuffer = std::size_t{64} << 10U;

  std::string text_;
};

}  // namespace durability::cli
