#include "page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

namespace durability::golden {
namespace {

using Lines = std::vector<std::string>;

constexpr std::size_t kColumns = 100;
constexpr std::size_t kContext = 3;  // lines before a difference
constexpr std::size_t kShown = 12;   // differing lines of each side
constexpr const char* kRewrite = "DURABILITY_GOLDEN=write build/gcc/bin/golden_test";

Lines lines_of(const std::string& page) {
  Lines lines;
  std::istringstream in(page);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string shown(char sign, Lines::const_iterator begin, Lines::const_iterator end) {
  std::string text;
  for (; begin != end && std::ranges::count(text, '\n') < std::ptrdiff_t{kShown}; ++begin) {
    text += sign + *begin + '\n';
  }
  return begin == end ? text : text + fmt::format("{}... and {} lines\n", sign, end - begin);
}

/// The first lines that differ, up to where both go on alike.
std::string difference(const Lines& file, const Lines& page) {
  const auto begin = std::ranges::mismatch(file, page);
  const auto alike = [&](auto old_line, auto new_line) {
    const bool ended = old_line == file.end() || new_line == page.end();
    return ended ? old_line == file.end() && new_line == page.end() : *old_line == *new_line;
  };
  auto old_end = begin.in1;
  auto new_end = begin.in2;
  for (std::ptrdiff_t lines = 0; !alike(old_end, new_end); ++lines) {
    for (std::ptrdiff_t removed = 0; removed <= lines && !alike(old_end, new_end); ++removed) {
      old_end = begin.in1 + std::min(removed, file.end() - begin.in1);
      new_end = begin.in2 + std::min(lines - removed, page.end() - begin.in2);
    }
  }
  const auto line = begin.in1 - file.begin();
  return fmt::format("@@ line {} @@\n", line + 1) +
         shown(' ', begin.in1 - std::min<std::ptrdiff_t>(line, kContext), begin.in1) +
         shown('-', begin.in1, old_end) + shown('+', begin.in2, new_end);
}

}  // namespace

std::string wrapped(std::string_view lead, std::string_view text) {
  std::string lines(lead);
  std::size_t begin = 0;  // of the last line
  std::istringstream words{std::string(text)};
  for (std::string word; words >> word;) {
    const bool first = lines.size() == begin + lead.size();
    if (!first && lines.size() - begin + 1 + word.size() > kColumns) {
      begin = lines.size() + 1;
      lines += '\n' + std::string(lead.size(), ' ');
    } else if (!first) {
      lines += ' ';
    }
    lines += word;
  }
  return lines + '\n';
}

std::string difference_from_file(const std::string& name, const std::string& page) {
  const std::string file = "tests/golden/" + name + ".txt";
  const std::string path = std::string(DURABILITY_SOURCE_DIR) + "/" + file;
  const char* wish = std::getenv("DURABILITY_GOLDEN");
  if (wish != nullptr && std::string_view(wish) == "write") {
    const bool written = static_cast<bool>(std::ofstream(path, std::ios::binary) << page << std::flush);
    return written ? "" : "cannot write " + path;
  }
  std::ostringstream written;
  written << std::ifstream(path, std::ios::binary).rdbuf();
  if (written.view() == page) return "";
  return fmt::format("--- {}\n+++ what the library says now\n{}If it is meant:\n  {}\n", file,
                     difference(lines_of(written.str()), lines_of(page)), kRewrite);
}

}  // namespace durability::golden
